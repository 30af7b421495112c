#include "tests/core/rpc_server_fixture.hpp"

#include <initializer_list>
#include <utility>

#include <gtest/gtest.h>

namespace masu::core::rpc::test {
namespace {

using RpcUploadTest = RpcServerTest;

TEST_F(RpcUploadTest, UploadsComeEntryByEntry) {
  using Kind = http::MultipartFile::Kind;
  const Answer answer =
      upload("/api/v0/upload", multipart({{{.kind = Kind::directory, .path = "d", .mode = 0755}, ""},
                                          {{.path = "d/a b+\xc3\xa9", .mtime_seconds = 5}, "hello"},
                                          {{.kind = Kind::symlink, .path = "d/link"}, "../target"},
                                          {{.path = ""}, ""},
                                          {{.path = "/../x//./y/../z"}, std::string(100'000, 'z')}}));
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(answer.body,
            "{\"Path\":\"d\",\"Kind\":1,\"Mode\":493,\"Bytes\":0,\"Begin\":\"\"}\n"
            "{\"Path\":\"d/a b+\xc3\xa9\",\"Kind\":0,\"Mtime\":5,\"Bytes\":5,\"Begin\":\"hello\"}\n"
            "{\"Path\":\"d/link\",\"Kind\":2,\"Target\":\"../target\",\"Bytes\":0,\"Begin\":\"\"}\n"
            "{\"Path\":\"\",\"Kind\":0,\"Bytes\":0,\"Begin\":\"\"}\n"
            "{\"Path\":\"x/z\",\"Kind\":0,\"Bytes\":100000,\"Begin\":\"zzzzzzzzzzzzzzzzzzzz\"}\n");
}

TEST_F(RpcUploadTest, WhatIsNotReadOfAnEntryIsSkipped) {
  const Answer answer =
      upload("/api/v0/upload?r=true",
             multipart({{{.path = "a"}, std::string(300'000, 'a')}, {{.path = "b"}, "bb"}}));
  EXPECT_EQ(answer.body,
            "{\"Path\":\"a\",\"Kind\":0,\"Bytes\":0,\"Begin\":\"\"}\n{\"Path\":\"b\",\"Kind\":0,\"Bytes\":0,"
            "\"Begin\":\"\"}\n");
}

TEST_F(RpcUploadTest, ABrokenUploadIsAClientsError) {
  const std::string whole = multipart({{{.path = "a"}, "aaaa"}});
  const Answer cut = upload("/api/v0/upload", whole.substr(0, whole.size() - 12));
  EXPECT_EQ(cut.status, 400u);
  EXPECT_NE(cut.body.find("unexpected EOF"), std::string::npos) << cut.body;
  const Answer odd = upload("/api/v0/upload", "--XX\r\nA: b\nC: d\r\n\r\n");
  EXPECT_NE(odd.body.find("malformed"), std::string::npos) << odd.body;
  const Answer link = upload(
      "/api/v0/upload",
      multipart({{{.kind = http::MultipartFile::Kind::symlink, .path = "l"}, std::string(5000, 'l')}}));
  EXPECT_NE(link.body.find("too long"), std::string::npos) << link.body;
}

TEST_F(RpcUploadTest, AnUploadThatIsAbortedLeavesNothing) {
  const int fd = connect();
  const std::string body = multipart({{{.path = "a"}, std::string(200'000, 'a')}});
  const std::string text =
      request("POST", "/api/v0/upload", "Content-Type: multipart/form-data; boundary=XX\r\n", body);
  send(fd, text.substr(0, text.size() / 2));
  ::close(fd);
  EXPECT_TRUE(run_until([&] { return server_->stats().connections == 0; }));
}

TEST_F(RpcUploadTest, LinesOfABodyAreArguments) {
  const Answer answer =
      upload("/api/v0/keys?arg=first", multipart({{{.path = "stdin"}, "one\r\ntwo words\n\nlast"}}));
  EXPECT_NE(answer.body.find("[\"first\",\"one\",\"two words\",\"\",\"last\"]"), std::string::npos)
      << answer.body;
  EXPECT_EQ(upload("/api/v0/keys", multipart({{{.path = "stdin"}, ""}})).body,
            "argument \"key\" is required\n");
  const Answer many = upload("/api/v0/keys", multipart({{{.path = "stdin"}, std::string(300'000, 'k')}}));
  EXPECT_EQ(many.status, 400u);
  EXPECT_NE(many.body.find("too many arguments"), std::string::npos);
}

// Every allocation is refused once; the answer says so, or the connection ends, and nothing stays.

}  // namespace
}  // namespace masu::core::rpc::test
