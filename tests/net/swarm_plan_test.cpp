// What the swarm may hold by its quotas, with the links below it, is what the capacity plan has set aside for
// connections.
#include "alloc/plan.hpp"
#include "net/identify/identify_reader.hpp"
#include "net/swarm/swarm.hpp"
#include "net/transport/asio_turns.hpp"
#include "net/transport/tcp_dial.hpp"
#include "net/transport/tcp_link.hpp"
#include "tests/net/connection_pair.hpp"
#include "tests/net/real_loop.hpp"

#include <gtest/gtest.h>

namespace masu::net {
namespace {

std::size_t row_bytes(const CapacityPlan& plan, std::string_view name) {
  for (const PlanRow& row : plan.rows) {
    if (row.name == name) return row.bytes;
  }
  return 0;
}

TEST(SwarmPlanTest, QuotasOfTheSwarmFitThePlan) {
  for (const std::size_t mib : {16u, 32u, 64u, 128u, 512u, 2048u}) {
    const auto plan = derive_plan(mib << 20);
    ASSERT_TRUE(plan) << mib;
    RealLoop loop;
    TestNode node(1);
    AsioTurns turns(loop.context);
    const SwarmOptions options = swarm_options_of(*plan);
    Swarm swarm(node.budget, node.resources, node.identity, loop.timers, loop, node.random, turns, options);
    std::size_t quotas = 0;
    node.budget.for_each_account([&](const Account& account) {
      for (const std::string_view name : {"net.connection", "net.identify", "net.dial"}) {
        if (account.name() == name) quotas += account.quota_bytes();
      }
    });
    // Chunks that hold a split identify message come out of the pool.
    quotas -= (options.identify_asks + options.identify_pushes_in) * chunk_bytes;
    const TcpOptions tcp = tcp_options_of(*plan);
    quotas += tcp.links_max * sizeof(TcpLink) + tcp.dials_max * sizeof(TcpDial);
    EXPECT_LE(quotas, row_bytes(*plan, "net.connection") + row_bytes(*plan, "net.link") +
                          row_bytes(*plan, "net.dial"))
        << mib << "M";
    EXPECT_LE(options.inbound_handshakes + options.dials, plan->handshakes) << "each dial finds a handshake";
    EXPECT_LT(options.marks.high, plan->connections);
    swarm.close();
    EXPECT_TRUE(loop.run_until([&] { return swarm.closed(); }));
  }
}

}  // namespace
}  // namespace masu::net
