#include "http/client.hpp"

#include "tests/http/server_fixture.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace masu::http {
namespace {

class Sink final : public ResponseSink {
 public:
  bool on_head(const ResponseHead& its_head) override {
    head = its_head;
    return true;
  }
  bool on_body(Bytes bytes) override {
    body += as_text(bytes);
    return body.size() < limit;
  }
  bool on_trailer(std::string_view name, std::string_view value) override {
    trailers.append(name).append("=").append(value);
    return true;
  }
  ResponseHead head;
  std::string body;
  std::string trailers;
  std::size_t limit = ~std::size_t{0};
};

class Source final : public BodySource {
 public:
  explicit Source(std::vector<BodyPiece> pieces) : pieces_(std::move(pieces)) {}
  std::expected<BodyPiece, std::string> next() override {
    if (at_ == pieces_.size())
      return fails ? std::expected<BodyPiece, std::string>(std::unexpected("no more")) : BodyPiece();
    return pieces_[at_++];
  }
  bool fails = false;

 private:
  std::vector<BodyPiece> pieces_;
  std::size_t at_ = 0;
};

// The server runs in the loop of a thread of its own, as the daemon is another process.
class ClientTest : public ServerTest {
 protected:
  Client client() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    EXPECT_TRUE(server().adopt(ends[0]));
    return Client(ends[1]);
  }
  void start() {
    loop_ = std::jthread([this](std::stop_token stop) {
      while (!stop.stop_requested()) {
        context_.restart();
        context_.run_for(std::chrono::milliseconds(2));
      }
    });
  }
  void TearDown() override {
    loop_ = std::jthread();
    ServerTest::TearDown();
  }
  std::jthread loop_;
};

TEST_F(ClientTest, AnswersInChunksWithTrailersAndWithLengths) {
  Client one = client();
  start();
  Sink hello;
  ASSERT_TRUE(one.exchange({.method = "GET", .target = "/there", .headers = {}}, hello));
  EXPECT_EQ(hello.head.status, 200u);
  EXPECT_EQ(hello.head.header("content-type"), "text/plain");
  EXPECT_EQ(hello.body, "hello /there");
  ASSERT_TRUE(one.reusable());
  Sink echo;
  Source body({{.bytes = as_bytes("abc")}, {.bytes = as_bytes("defg")}});
  ASSERT_TRUE(one.exchange({.target = "/echo", .headers = {}, .body = &body}, echo));
  EXPECT_EQ(echo.body, "abcdefg");
  EXPECT_EQ(echo.trailers, "X-Sum=7");
  EXPECT_FALSE(one.reusable()) << "the answer began before the body ended";
}

TEST_F(ClientTest, ALargeBodyIsSentWhileItsAnswerIsRead) {
  Client one = client();
  start();
  const std::string big(3'000'000, 'q');
  Source body({{.bytes = as_bytes(big)}, {.bytes = as_bytes(big)}});
  Sink echo;
  ASSERT_TRUE(one.exchange({.target = "/echo", .headers = {}, .body = &body}, echo));
  EXPECT_EQ(echo.body.size(), 6'000'000u);
}

TEST_F(ClientTest, FilesAreSentByTheKernel) {
  std::FILE* const file = std::tmpfile();
  const std::string content(1'234'567, 'f');
  ASSERT_EQ(std::fwrite(content.data(), 1, content.size(), file), content.size());
  std::rewind(file);
  Client one = client();
  start();
  Source body({{.bytes = as_bytes("<"), .file = fileno(file), .file_bytes = content.size()},
               {.bytes = as_bytes(">")}});
  Sink echo;
  ASSERT_TRUE(one.exchange({.target = "/echo", .headers = {}, .body = &body}, echo));
  EXPECT_EQ(echo.body, "<" + content + ">");
  std::fclose(file);
}

TEST_F(ClientTest, AFileThatBecameShorterIsAnError) {
  std::FILE* const file = std::tmpfile();
  Client one = client();
  start();
  Source body({{.file = fileno(file), .file_bytes = 10}});
  Sink echo;
  const auto done = one.exchange({.target = "/count", .headers = {}, .body = &body}, echo);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ClientErrorCode::body);
  std::fclose(file);
}

TEST_F(ClientTest, ASourceThatFailsAndASinkThatHasEnoughEndTheRequest) {
  Client one = client(), two = client();
  start();
  Source body({{.bytes = as_bytes("abc")}});
  body.fails = true;
  Sink sink;
  const auto failed = one.exchange({.target = "/count", .headers = {}, .body = &body}, sink);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ClientErrorCode::body);
  EXPECT_EQ(failed.error().detail, "no more");
  Sink small;
  small.limit = 1000;
  const auto stopped = two.exchange({.method = "GET", .target = "/bytes?5000000", .headers = {}}, small);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ClientErrorCode::sink);
  EXPECT_FALSE(two.reusable());
}

TEST_F(ClientTest, AnEarlyRefusalEndsTheUpload) {
  Client one = client();
  start();
  const std::string part(100'000, 'u');
  Source body(std::vector<BodyPiece>(2000, BodyPiece{.bytes = as_bytes(part)}));
  Sink sink;
  ASSERT_TRUE(one.exchange({.target = "/early", .headers = {}, .body = &body}, sink));
  EXPECT_EQ(sink.head.status, 400u);
  EXPECT_EQ(sink.body, "no\n");
  EXPECT_FALSE(one.reusable());
}

TEST_F(ClientTest, ACutAnswerIsAnError) {
  Client one = client();
  start();
  Sink sink;
  const auto done = one.exchange({.method = "GET", .target = "/cut", .headers = {}}, sink);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ClientErrorCode::broken);
  EXPECT_EQ(sink.body, "half");
}

TEST_F(ClientTest, WhoCannotBeReachedIsToldApart) {
  const Multiaddr bound = server().listen(Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value()).value();
  const std::string port = std::to_string(*bound.tcp_port());
  ASSERT_TRUE(Client::connect(Multiaddr::parse("/dns4/localhost/tcp/" + port).value()));
  server().close();
  ASSERT_TRUE(run_until([&] { return server().closed(); }));
  const auto code = [](const std::string& address) {
    const auto connected = Client::connect(Multiaddr::parse(address).value());
    return connected ? std::optional<ClientErrorCode>() : connected.error().code;
  };
  EXPECT_EQ(code("/ip4/127.0.0.1/tcp/" + port), ClientErrorCode::refused);
  EXPECT_EQ(code("/unix" + testing::TempDir() + "no-such-socket"), ClientErrorCode::refused);
  EXPECT_EQ(code("/dns4/example.org/tcp/80"), ClientErrorCode::unreachable);
}

// Answers of a server that keeps no rules.
class OddAnswerTest : public testing::Test {
 protected:
  std::expected<void, ClientError> answer(std::string_view text, Sink& sink) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    Client one(ends[0]);
    EXPECT_EQ(::send(ends[1], text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    ::shutdown(ends[1], SHUT_WR);
    const auto done = one.exchange({.target = "/", .headers = {}}, sink);
    ::close(ends[1]);
    return done;
  }
};

TEST_F(OddAnswerTest, InterimAnswersAreSkippedAndAnEndMayEndTheBody) {
  Sink sink;
  EXPECT_TRUE(
      answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"
             "HTTP/1.0 200 OK\r\n\r\nto the end",
             sink));
  EXPECT_EQ(sink.body, "to the end");
}

TEST_F(OddAnswerTest, WhatIsMissingOrMalformedIsAnError) {
  const auto code = [this](std::string_view text) {
    Sink sink;
    const auto done = answer(text, sink);
    return done ? std::optional<ClientErrorCode>() : done.error().code;
  };
  EXPECT_EQ(code(""), ClientErrorCode::broken);
  EXPECT_EQ(code("HTTP/1.1 200 OK\r\nA: b\r\n"), ClientErrorCode::broken);
  EXPECT_EQ(code("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"), ClientErrorCode::broken);
  EXPECT_EQ(code("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
            ClientErrorCode::broken);
  EXPECT_EQ(code("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"), ClientErrorCode::malformed);
  EXPECT_EQ(code("SSH-2.0-OpenSSH_9.2\r\n\r\n"), ClientErrorCode::malformed);
  EXPECT_EQ(code("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'a')), ClientErrorCode::malformed);
}

}  // namespace
}  // namespace masu::http
