// The answers in these tests are those of Kubo 0.42 to the same requests.
#include "core/rpc/commands/commands.hpp"
#include "tests/core/fake_call.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace masu::core::rpc::commands {
namespace {

using test::FakeCall;
using test::FakeNode;

struct Part {
  UploadEntry entry;
  std::string content;
};

Part file(std::string path, std::string content) {
  return {{.kind = UploadEntry::Kind::file, .path = std::move(path), .link_target = {}}, std::move(content)};
}
Part directory(std::string path) {
  return {{.kind = UploadEntry::Kind::directory, .path = std::move(path), .link_target = {}}, {}};
}
Part symlink(std::string path, std::string target) {
  return {{.kind = UploadEntry::Kind::symlink, .path = std::move(path), .link_target = std::move(target)},
          {}};
}

struct AddCommandTest : testing::Test {
  std::string add_to(const FakeCall::Options& options, std::vector<Part> upload) {
    call.emplace(node, commands::add, std::vector<std::string>(), options);
    put_upload(upload);
    call->run();
    node.sim_jobs().run_all();
    return call->failed ? "error: " + call->error : call->body;
  }
  void put_upload(const std::vector<Part>& upload) {
    for (const Part& part : upload) {
      call->entries.push_back(part.entry);
      call->files.push_back(part.content);
    }
  }
  bool is_pinned(std::string_view cid, std::string* name = nullptr) {
    const auto pin = node.pins().find(*Cid::parse(cid));
    if (pin && *pin && name != nullptr) *name = (*pin)->name;
    return pin && pin->has_value();
  }
  bool has(std::string_view cid) { return node.blocks().size(Cid::parse(cid)->hash())->has_value(); }

  FakeNode node{FakeNode::Blocks::on_disk};
  std::optional<FakeCall> call;
};

TEST_F(AddCommandTest, AFileIsStoredAndPinned) {
  EXPECT_EQ(add_to({}, {file("a", "hello")}),
            "{\"Name\":\"a\",\"Hash\":\"QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX\",\"Size\":\"13\"}\n");
  EXPECT_TRUE(is_pinned("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"));
  EXPECT_TRUE(has("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"));
  EXPECT_EQ(node.block_account().live_bytes(), 0u);
  EXPECT_EQ(node.import_account().live_bytes(), 0u);
}

TEST_F(AddCommandTest, MemoryIsLookedAtBeforeItBegins) {
  EXPECT_TRUE(add_to({{"chunker", "no-such"}}, {file("a", "hello")}).starts_with("error: "));
  EXPECT_EQ(node.looks, 0) << "nothing begins";
  add_to({}, {file("a", "hello"), file("b", "hi")});
  EXPECT_EQ(node.looks, 1) << "once, however many files";
}

TEST_F(AddCommandTest, ATreeComesInKubosOrder) {
  EXPECT_EQ(
      add_to({}, {directory("q"), file("q/b", "y"), file("q/e/x", "x"), directory("q/f"), symlink("q/l", "b"),
                  file("r", "hello"), file("", "hi")}),
      "{\"Name\":\"q/b\",\"Hash\":\"QmTwEE2eSyzcvUctxP2negypGDtj7DQDKVy8s3Rvp6y6Pc\",\"Size\":\"9\"}\n"
      "{\"Name\":\"q/e/x\",\"Hash\":\"QmULKig5Fxrs2sC4qt9nNduucXfb92AFYQ6Hi3YRqDmrYC\",\"Size\":\"9\"}\n"
      "{\"Name\":\"q/l\",\"Hash\":\"QmfLJN6HLyREnWr7QQNmgmuNziUhcbwUopkHQ8gD3pMfp6\",\"Size\":\"7\"}\n"
      "{\"Name\":\"q/e\",\"Hash\":\"Qmd31Yc93bam5GR22agu3rexdv9rNHQucXf5epxEp1DHBp\",\"Size\":\"56\"}\n"
      "{\"Name\":\"q/f\",\"Hash\":\"QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn\",\"Size\":\"4\"}\n"
      "{\"Name\":\"q\",\"Hash\":\"QmXEcsho1tFFGgxpQ7FVhZUt5mRPfC39SaVcTX22H4PErM\",\"Size\":\"252\"}\n"
      "{\"Name\":\"r\",\"Hash\":\"QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX\",\"Size\":\"13\"}\n"
      "{\"Name\":\"QmdckCoPuhEtiNzREtqpYn8dBgY8ifcG82Q4eyEdGCLEiu\",\"Hash\":"
      "\"QmdckCoPuhEtiNzREtqpYn8dBgY8ifcG82Q4eyEdGCLEiu\",\"Size\":\"10\"}\n");
  for (const char* root :
       {"QmXEcsho1tFFGgxpQ7FVhZUt5mRPfC39SaVcTX22H4PErM", "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX",
        "QmdckCoPuhEtiNzREtqpYn8dBgY8ifcG82Q4eyEdGCLEiu"}) {
    EXPECT_TRUE(is_pinned(root)) << root;
  }
  EXPECT_FALSE(is_pinned("QmTwEE2eSyzcvUctxP2negypGDtj7DQDKVy8s3Rvp6y6Pc"));
}

TEST_F(AddCommandTest, ProgressIsToldEvery256KiBAndAtTheEnd) {
  const std::string zeros(600'000, '\0');
  EXPECT_EQ(
      add_to({{"progress", "true"}}, {file("q/zz", zeros), file("empty", "")}),
      "{\"Name\":\"q/zz\",\"Bytes\":262144}\n"
      "{\"Name\":\"q/zz\",\"Bytes\":524288}\n"
      "{\"Name\":\"q/zz\",\"Bytes\":600000}\n"
      "{\"Name\":\"q/zz\",\"Hash\":\"QmRGw3jDTE2Bu51tEYn2JoyQq3ApDaJm8DpRxM68WqK7fU\",\"Size\":\"600194\"}\n"
      "{\"Name\":\"q\",\"Hash\":\"QmbwqVvdWDMzuRAnzLJaw4YaKHrcmpcnFafX6rm1T8x7FJ\",\"Size\":\"600244\"}\n"
      "{\"Name\":\"empty\"}\n"
      "{\"Name\":\"empty\",\"Hash\":\"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH\",\"Size\":\"6\"}\n");
}

TEST_F(AddCommandTest, OnlyHashStoresNothing) {
  EXPECT_EQ(add_to({{"only-hash", "true"}}, {file("a", "hello")}),
            "{\"Name\":\"a\",\"Hash\":\"QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX\",\"Size\":\"13\"}\n");
  EXPECT_FALSE(has("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"));
  EXPECT_FALSE(is_pinned("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"));
}

TEST_F(AddCommandTest, PinsAreOptionalAndMayHaveANameOfTheirOwn) {
  add_to({{"pin", "false"}}, {file("a", "hello")});
  EXPECT_FALSE(is_pinned("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"));
  EXPECT_TRUE(has("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"));
  add_to({{"pin-name", "mine"}}, {file("a", "hello")});
  std::string name;
  EXPECT_TRUE(is_pinned("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", &name));
  EXPECT_EQ(name, "mine");
}

TEST_F(AddCommandTest, WhatCameWithARootIsToldWithItsEvents) {
  Part part = file("a", "1");
  part.entry.mode = 0640;
  part.entry.mtime_seconds = 1700000000;
  part.entry.mtime_nanos = 5;
  EXPECT_EQ(
      add_to({}, {part}),
      "{\"Name\":\"a\",\"Hash\":\"QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc\",\"Size\":\"9\",\"Mode\":"
      "\"0640\",\"Mtime\":1700000000,\"MtimeNsecs\":5}\n");
}

TEST_F(AddCommandTest, TheSectionImportHasTheDefaults) {
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Import.CidVersion", "1"},
           {"Import.UnixFSRawLeaves", "true"},
           {"Import.UnixFSChunker", "\"size-1048576\""},
           {"Import.UnixFSFileMaxLinks", "1024"},
           {"Import.UnixFSHAMTDirectorySizeEstimation", "\"block\""},
       }) {
    ASSERT_TRUE(node.config().set(key, boost::json::parse(value)));
  }
  EXPECT_EQ(
      add_to({}, {file("a", "")}),
      "{\"Name\":\"a\",\"Hash\":\"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku\",\"Size\":"
      "\"0\"}\n");
}

TEST_F(AddCommandTest, RefusalsAreKubos) {
  const std::initializer_list<std::pair<FakeCall::Options, const char*>> cases = {
      {{{"hash", "nope"}}, "unrecognized hash function: \"nope\""},
      {{{"hash", "md5"}}, "potentially insecure hash functions not allowed"},
      {{{"hash", "sha3-256"}, {"cid-version", "0"}}, "CIDv0 only supports sha2-256"},
      {{{"cid-version", "2"}}, "unknown CID version: 2"},
      {{{"inline", "true"}, {"inline-limit", "129"}},
       "inline-limit 129 exceeds maximum allowed size of 128 bytes"},
      {{{"chunker", "foo"}}, "unrecognized chunker option: foo"},
      {{{"chunker", "size-3000000"}}, "chunker parameters may not exceed the maximum chunk size of 2096896"},
      {{{"max-hamt-fanout", "7"}}, "HAMT fanout must be a power of 2, between 8 and 1024 (got 7)"},
      {{{"raw-leaves", "true"}, {"mode", "5"}},
       "raw-leaves can't be used with UnixFS metadata like mode or modification time"},
      {{{"mtime", "5"}, {"mtime-nsecs", "1000000000"}}, "mtime nanoseconds must be in range [1, 999999999]"},
      {{{"mtime-nsecs", "5"}}, "option \"mtime-nsecs\" requires \"mtime\" to be provided as well"},
      {{{"pin", "false"}, {"pin-name", "x"}}, "pin-name option requires pin to be set"},
      {{{"pin-name", std::string(256, 'x')}}, "pin name is 256 bytes (max 255 bytes)"},
  };
  for (const auto& [options, error] : cases) {
    EXPECT_EQ(add_to(options, {file("a", "1")}), std::string("error: ") + error);
  }
  EXPECT_EQ(add_to({}, {}), "error: expected a file argument");
  EXPECT_NE(add_to({{"trickle", "true"}}, {file("a", "1")}).find("not supported"), std::string::npos);
  EXPECT_NE(add_to({{"chunker", "rabin"}}, {file("a", "1")}).find("not supported"), std::string::npos);
}

TEST_F(AddCommandTest, NothingUploadedAndWrappedIsAnEmptyDirectory) {
  EXPECT_EQ(add_to({{"wrap-with-directory", "true"}}, {}),
            "{\"Name\":\"\",\"Hash\":\"QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn\",\"Size\":\"4\"}\n");
}

TEST_F(AddCommandTest, AnErrorComesBehindWhatWasAddedBefore) {
  EXPECT_EQ(add_to({}, {file("q/a", "1"), file("q/a", "2")}),
            "error: directory already has entry by that name");
  EXPECT_EQ(
      call->body,
      "{\"Name\":\"q/a\",\"Hash\":\"QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc\",\"Size\":\"9\"}\n"
      "{\"Name\":\"q/a\",\"Hash\":\"QmT9SanPHnSH5AsBqy2xZbstw4rAw5znFPkmjkvDCMdVuF\",\"Size\":\"9\"}\n");
  EXPECT_EQ(node.block_account().live_bytes(), 0u);
  EXPECT_EQ(node.import_account().live_bytes(), 0u);
}

TEST_F(AddCommandTest, ManyFilesAndRootsGoThroughManyBatches) {
  std::vector<Part> upload;
  for (int i = 0; i < 1000; ++i) upload.push_back(file("d/" + std::to_string(i), std::to_string(i)));
  for (int i = 0; i < 300; ++i) upload.push_back(file("f" + std::to_string(i), std::to_string(i)));
  add_to({}, std::move(upload));
  EXPECT_FALSE(call->failed) << call->error;
  EXPECT_EQ(std::ranges::count(call->body, '\n'), 1301);
  EXPECT_GT(node.sim_jobs().posted, 10u);
  EXPECT_TRUE(is_pinned("QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc"));  // f1
  EXPECT_EQ(node.import_account().live_bytes(), 0u);
}

TEST_F(AddCommandTest, AClientThatGoesAwayLeavesNothingBehind) {
  for (const std::size_t pieces : {0u, 1u, 30u, 40u}) {
    call.emplace(node, commands::add, std::vector<std::string>(), FakeCall::Options());
    put_upload({file("a", std::string(700'000, 'x')), file("b", "1")});
    call->pieces_until_stop = pieces;
    call->run();
    EXPECT_TRUE(call->failed);
    node.sim_jobs().run_all();
    EXPECT_EQ(node.block_account().live_bytes(), 0u);
    EXPECT_EQ(node.import_account().live_bytes(), 0u);
  }
  call.emplace(node, commands::add, std::vector<std::string>(), FakeCall::Options());
  put_upload({file("a", "1"), file("b", "1")});
  call->writes_max = 1;
  call->run();
  EXPECT_TRUE(call->failed);
  node.sim_jobs().run_all();
  EXPECT_EQ(node.import_account().live_bytes(), 0u);
}

}  // namespace
}  // namespace masu::core::rpc::commands
