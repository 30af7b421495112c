#include "core/rpc/commands/memory_value.hpp"
#include "tests/core/fake_call.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace masu::core::test {
namespace {

class MemoryCommandsTest : public testing::Test {
 protected:
  MemoryCommandsTest() {
    node_.report.budget = 64 << 20;
    node_.report.rss.now = 16 << 20;
    node_.report.accounts = {{"net.dial", Lifetime::connection, 1, 2, 3, 4, 5}};
    node_.report.rungs = {{"purge", true, 7, 48 << 20}};
  }
  boost::json::object stats(const FakeCall::Options& options = {}) {
    FakeCall call(node_, *rpc::find_command("stats memory"), {}, options);
    call.run();
    EXPECT_EQ(call.error, "");
    EXPECT_TRUE(call.single_value);
    return boost::json::parse(call.body).as_object();
  }

  FakeNode node_;
};

TEST_F(MemoryCommandsTest, StatsHaveTheRowsOfTheReport) {
  const boost::json::object stats = this->stats();
  EXPECT_EQ(stats.at("Budget"), 64 << 20);
  EXPECT_EQ(stats.at("Rss"), 16 << 20);
  EXPECT_EQ(
      boost::json::serialize(stats.at("Accounts")),
      R"([{"Name":"net.dial","Lifetime":"connection","Live":1,"Peak":2,"Committed":3,"Quota":4,"Refusals":5}])");
  EXPECT_EQ(boost::json::serialize(stats.at("Rungs")),
            R"([{"Name":"purge","Active":true,"Entered":7,"Threshold":50331648}])");
  EXPECT_FALSE(stats.contains("History"));
}

TEST_F(MemoryCommandsTest, StatsAsTextAreTheTable) {
  FakeCall call(node_, *rpc::find_command("stats memory"), {}, {}, true);
  EXPECT_EQ(call.run().body, format_report(node_.report));
}

TEST_F(MemoryCommandsTest, APlanHasTheCountsThatItsRowsDoNotSay) {
  const auto plan = derive_plan(std::size_t{64} << 20);
  ASSERT_TRUE(plan);
  const boost::json::object value = rpc::commands::plan_value(*plan);
  const std::string table = format_plan(*plan);
  const auto shown = [&](const char* field, std::string_view line, std::size_t count, bool is_bytes) {
    EXPECT_EQ(value.at(field).to_number<std::size_t>(), count) << field;
    const std::size_t at = table.find("\n" + std::string(line) + " ");
    ASSERT_NE(at, std::string::npos) << line;
    const std::string rest = table.substr(at + 1, table.find('\n', at + 1) - at - 1);
    EXPECT_TRUE(rest.ends_with(" " + (is_bytes ? format_bytes(count) : std::to_string(count)))) << rest;
  };
  shown("InboundStreamsPerConnection", "inbound streams of a connection", 32, false);
  shown("Addresses", "addresses of peers", plan->addresses, false);
  shown("WantsPerPeer", "wants of a peer", plan->wants_per_peer, false);
  shown("Wants", "wants of all peers", plan->wants, false);
  shown("BlockSlots", "blocks on their way", plan->block_slots, false);
  shown("BlockBytes", "blocks on their way, in all", plan->block_bytes, true);
  shown("UploadSlots", "blocks being uploaded", plan->upload_slots, false);
  shown("Workers", "worker threads", plan->worker_threads, false);
  shown("MemtableBytes", "RocksDB: a memtable", plan->memtable_bytes, true);
  shown("BlockCacheBytes", "RocksDB: block cache", plan->block_cache_bytes, true);
  shown("OpenFiles", "RocksDB: open files", plan->open_files, false);
  EXPECT_EQ(value.at("RequestBacklog").to_number<std::size_t>(), plan->rpc_backlog);
}

TEST_F(MemoryCommandsTest, TheHistoryComesWhenItIsAskedFor) {
  EXPECT_EQ(boost::json::serialize(stats({{"history", "true"}}).at("History")),
            R"({"IntervalSeconds":5,"Rss":[],"Committed":[],"Live":[]})");
  node_.history.note(node_.clock().now(), {.rss = 4096, .committed = 2048, .live = 1024});
  node_.advance(5s);
  node_.history.note(node_.clock().now(), {.rss = 8192, .committed = 4096, .live = 0});
  EXPECT_EQ(boost::json::serialize(stats({{"history", "true"}}).at("History")),
            R"({"IntervalSeconds":5,"Rss":[4096,8192],"Committed":[2048,4096],"Live":[1024,0]})");
}

}  // namespace
}  // namespace masu::core::test
