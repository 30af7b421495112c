// A handshake and a fetch between two nodes, of which each reservation of memory is refused once, on either
// side: it ends in time, nothing is left of it, and the next try succeeds.
#include "tests/sim/dialled.hpp"
#include "tests/sim/trading_node.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <gtest/gtest.h>

namespace masu::sim {
namespace {

using bitswap::numbered_block;
using bitswap::TestBlock;
using bitswap::Wanted;

std::uint64_t refusals_of(const Budget& budget) {
  std::uint64_t refusals = 0;
  budget.for_each_account([&](const Account& account) { refusals += account.refusals(); });
  return refusals;
}

// Of those that end with connections and requests.
std::size_t passing_bytes(const SimNode& node) {
  std::size_t bytes = node.chunks.stats().used;
  node.budget.for_each_account([&](const Account& account) {
    const Lifetime lifetime = account.lifetime();
    if (lifetime == Lifetime::handshake || lifetime == Lifetime::stream || lifetime == Lifetime::block) {
      bytes += account.live_bytes();
    }
  });
  return bytes;
}

// Whether what a dial was told blames our own memory, not the peer.
bool names_our_memory(std::string_view error) {
  constexpr std::array<std::string_view, 6> words = {
      "out of memory",       "too many peers are being dialled", "too many wait for dials",
      "too many handshakes", "no room for another connection",   "not wanted"};
  return std::ranges::any_of(words, [&](std::string_view word) { return error.find(word) != error.npos; });
}

// What was said of oneself is remembered when the connection is gone.
bool identified(const SimNode& node, const SimNode& other) {
  return node.connected(other) && node.identified(other);
}

void walk_handshakes(bool at_the_dialer) {
  std::size_t refused = 0, lost = 0;
  for (std::uint32_t number = 1;; ++number) {
    SCOPED_TRACE("reservation " + std::to_string(number));
    SimNetwork network(1);
    SimNode dialer(network, 1), listener(network, 2);
    Budget& budget = at_the_dialer ? dialer.budget : listener.budget;
    budget.refuse_reservation(number);
    Dialled dialled;
    dialer.connect(listener, &dialled);
    const bool connected = network.run_until([&] { return identified(dialer, listener); }, 20s);
    network.run_for(20s);
    // Over a connection on which nobody said who he is the dial's whole time passes.
    EXPECT_TRUE(network.run_until([&] { return dialled.answers == 1; }, 60s)) << "each dial has its answer";
    const bool was_refused = budget.refused_one();
    if (!dialled.error.empty()) {
      EXPECT_EQ(names_our_memory(dialled.error), at_the_dialer) << dialled.error;
    }
    if (was_refused) {
      EXPECT_GE(refusals_of(budget), 1u) << "it shows in a row";
    }
    budget.refuse_reservation(0);
    if (!was_refused) {
      EXPECT_TRUE(connected);
      break;
    }
    ++refused;
    lost += connected ? 0 : 1;
    // A connection may stand over which one did not hear who the other is.
    dialer.swarm->disconnect(listener.id());
    network.run_for(20s);
    dialer.swarm->clear_backoff(listener.id());
    dialer.connect(listener);
    ASSERT_TRUE(
        network.run_until([&] { return identified(dialer, listener) && identified(listener, dialer); }, 30s));
    dialer.swarm->disconnect(listener.id());
    network.run_for(20s);
    EXPECT_EQ(passing_bytes(dialer), 0u);
    EXPECT_EQ(passing_bytes(listener), 0u);
    EXPECT_EQ(dialer.swarm->connections(), 0u);
    EXPECT_EQ(listener.swarm->connections(), 0u);
    ASSERT_LT(number, 2000u);
  }
  EXPECT_GT(refused, 10u);
  EXPECT_GT(lost, 0u) << "the walk came through what is essential";
}

TEST(RefusalWalkSimTest, EachReservationOfAHandshakeAtTheDialer) { walk_handshakes(true); }
TEST(RefusalWalkSimTest, EachReservationOfAHandshakeAtTheListener) { walk_handshakes(false); }

// Which of the four budgets of a trade is the short one.
enum class Short : std::uint8_t { fetcher_network, fetcher_bitswap, source_network, source_bitswap };

void walk_fetches(Short which) {
  SimNetwork network(1);
  TradingNode fetcher(network, 1), source(network, 2);
  Budget& budget = which == Short::fetcher_network   ? fetcher.node.budget
                   : which == Short::fetcher_bitswap ? fetcher.memory.budget
                   : which == Short::source_network  ? source.node.budget
                                                     : source.memory.budget;
  const auto connect = [&] {
    if (identified(fetcher.node, source.node)) return true;
    fetcher.node.swarm->clear_backoff(source.node.id());
    fetcher.node.connect(source.node);
    return network.run_until([&] { return identified(fetcher.node, source.node); }, 30s);
  };
  ASSERT_TRUE(connect());
  network.run_for(5s);
  std::size_t refused = 0;
  for (unsigned number = 1;; ++number) {
    SCOPED_TRACE("reservation " + std::to_string(number));
    const TestBlock block = numbered_block(2 * number, 60'000),
                    after = numbered_block(2 * number + 1, 60'000);
    source.put(block);
    source.put(after);
    budget.refuse_reservation(number);
    {
      auto session = fetcher.bitswap.open_session();
      if (session != nullptr) {
        Wanted wanted(*session, block.cid, fetcher.memory.holder);
        EXPECT_TRUE(network.run_until([&] { return wanted.done(); }, 60s)) << "it ends";
        EXPECT_TRUE(wanted.got(block) || wanted.error());
        if (wanted.error()) {
          EXPECT_EQ(wanted.error(), store::StoreErrorCode::out_of_memory);
          EXPECT_NE(wanted.error_text().find("out of memory"), std::string::npos) << wanted.error_text();
        }
      }
    }
    network.run_for(1s);
    const bool was_refused = budget.refused_one();
    budget.refuse_reservation(0);
    if (!was_refused) break;
    ++refused;
    ASSERT_TRUE(connect());
    auto session = fetcher.bitswap.open_session();
    ASSERT_NE(session, nullptr);
    Wanted wanted(*session, after.cid, fetcher.memory.holder);
    ASSERT_TRUE(network.run_until([&] { return wanted.done(); }, 60s)) << "the next one is fetched";
    EXPECT_TRUE(wanted.got(after));
    ASSERT_LT(number, 2000u);
  }
  EXPECT_GT(refused, 3u);
  network.run_for(30s);
  for (const TradingNode* node : {&fetcher, &source}) {
    EXPECT_EQ(node->memory.chunks.stats().used, 0u);
    EXPECT_EQ(node->node.chunks.stats().used, 0u);
    EXPECT_EQ(node->memory.holder.live_bytes(), 0u);
    EXPECT_EQ(node->bitswap.stat().wants, 0u);
    EXPECT_EQ(node->bitswap.stat().server_wants, 0u);
  }
}

TEST(RefusalWalkSimTest, EachReservationOfAFetchInTheFetchersNetwork) {
  walk_fetches(Short::fetcher_network);
}
TEST(RefusalWalkSimTest, EachReservationOfAFetchInTheFetchersBitswap) {
  walk_fetches(Short::fetcher_bitswap);
}
TEST(RefusalWalkSimTest, EachReservationOfAFetchInTheSourcesNetwork) { walk_fetches(Short::source_network); }
TEST(RefusalWalkSimTest, EachReservationOfAFetchInTheSourcesBitswap) { walk_fetches(Short::source_bitswap); }

}  // namespace
}  // namespace masu::sim
