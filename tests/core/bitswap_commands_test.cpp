// What `bitswap stat` and `bitswap wantlist` print, letter for letter as Kubo does.
#include "core/rpc/commands/commands.hpp"
#include "tests/bitswap/node.hpp"
#include "tests/core/fake_call.hpp"

#include <gtest/gtest.h>

namespace masu::core::test {
namespace {

using bitswap::numbered_block;
using bitswap::TestBlock;

class BitswapCommandsTest : public testing::Test {
 protected:
  BitswapCommandsTest() { node_.exchange = &ours_.bitswap; }
  ~BitswapCommandsTest() { wanted_.clear(); }

  void want(const TestBlock& block) {
    wanted_.push_back(std::make_unique<bitswap::Wanted>(*session_, block.cid, ours_.memory.holder));
    network_.run();
  }
  void connect() { network_.connect(ours_.host, theirs_.host); }
  FakeCall& call(const rpc::CommandSpec& spec, const FakeCall::Options& options = {}, bool text = false) {
    return calls_.emplace_back(node_, spec, std::vector<std::string>{}, options, text).run();
  }
  std::string peer() const { return theirs_.host.self().to_string(); }

  bitswap::FakeNetwork network_;
  bitswap::TestNode ours_{network_};
  bitswap::TestNode theirs_{network_};
  FakeNode node_;
  std::unique_ptr<store::BlockSource> session_ = ours_.bitswap.open_session();
  std::vector<std::unique_ptr<bitswap::Wanted>> wanted_;
  std::list<FakeCall> calls_;
};

TEST_F(BitswapCommandsTest, StatCountsWhatCameAndWent) {
  const TestBlock here = numbered_block(1, 5'000'000 / 4), missing = numbered_block(2, 10);
  theirs_.put(here);
  connect();
  want(here);
  want(missing);
  const std::string cid = missing.cid.to_string();
  EXPECT_EQ(
      call(rpc::commands::bitswap_stat).body,
      "{\"Wantlist\":[{\"/\":\"" + cid + "\"}],\"Peers\":[\"" + peer() +
          "\"],\"BlocksReceived\":1,\"DataReceived\":1250000,\"DupBlksReceived\":0,\"DupDataReceived\":0,"
          "\"MessagesReceived\":3,\"BlocksSent\":0,\"DataSent\":0}\n");
  EXPECT_EQ(
      call(rpc::commands::stats_bitswap, {}, true).body,
      "bitswap status\n\tblocks received: 1\n\tblocks sent: 0\n\tdata received: 1250000\n\tdata sent: 0\n"
      "\tdup blocks received: 0\n\tdup data received: 0\n\twantlist [1 keys]\n\t\t" +
          cid + "\n\tpartners [1]\n");
  EXPECT_EQ(
      call(rpc::commands::bitswap_stat, {{"human", "true"}, {"verbose", "true"}}, true).body,
      "bitswap status\n\tblocks received: 1\n\tblocks sent: 0\n\tdata received: 1.3 MB\n\tdata sent: 0 B\n"
      "\tdup blocks received: 0\n\tdup data received: 0 B\n\twantlist [1 keys]\n\t\t" +
          cid + "\n\tpartners [1]\n\t\t" + peer() + "\n");
}

TEST_F(BitswapCommandsTest, WantlistsAreOursOrThoseOfAPeer) {
  EXPECT_EQ(call(rpc::commands::bitswap_wantlist).body, "{\"Keys\":[]}\n");
  EXPECT_EQ(call(rpc::commands::bitswap_wantlist, {{"peer", peer()}}).body, "{\"Keys\":null}\n");
  connect();
  const TestBlock one = numbered_block(1, 10), two = numbered_block(2, 10);
  want(one);
  want(two);
  const std::string smaller = std::min(one.cid, two.cid).to_string();
  const std::string larger = std::max(one.cid, two.cid).to_string();
  EXPECT_EQ(call(rpc::commands::bitswap_wantlist, {}, true).body, smaller + "\n" + larger + "\n");
  EXPECT_EQ(call(rpc::commands::bitswap_wantlist, {{"peer", ours_.host.self().to_string()}}, true).body,
            smaller + "\n" + larger + "\n");
  node_.exchange = &theirs_.bitswap;
  EXPECT_EQ(call(rpc::commands::bitswap_wantlist, {{"peer", ours_.host.self().to_string()}}, true).body,
            smaller + "\n" + larger + "\n");
}

TEST_F(BitswapCommandsTest, LongListsAreWrittenInPieces) {
  std::vector<Cid> cids;
  for (unsigned i = 0; i < 2500; ++i) cids.push_back(numbered_block(i, 10).cid);
  session_->prefetch(cids);
  network_.run();
  const FakeCall& answer = call(rpc::commands::bitswap_stat);
  EXPECT_FALSE(answer.failed || answer.out_of_memory);
  EXPECT_EQ(std::ranges::count(answer.body, '/'), 2500);
  EXPECT_LE(answer.largest_write, 8192u);
}

TEST_F(BitswapCommandsTest, WithoutANetworkTheErrorsAreKubos) {
  node_.exchange = nullptr;
  EXPECT_EQ(
      call(rpc::commands::bitswap_stat).error,
      "unable to run offline: this command must be run in online mode. Try running 'ipfs daemon' first");
  EXPECT_EQ(call(rpc::commands::bitswap_wantlist).error,
            "this command must be run in online mode. Try running 'ipfs daemon' first");
  node_.exchange = &ours_.bitswap;
  EXPECT_EQ(call(rpc::commands::bitswap_wantlist, {{"peer", "nonsense"}}).error,
            "failed to parse peer ID: invalid cid: selected encoding not supported");
}

}  // namespace
}  // namespace masu::core::test
