// What a node may hold by its accounts is what the capacity plan has set aside: a whole node for each budget,
// in a process of its own, as a process is under one plan only.
#include "core/node/node_memory.hpp"
#include "core/node/real_node.hpp"
#include "core/repo.hpp"
#include "core/rpc/server.hpp"
#include "multiformats/multibase.hpp"
#include "multiformats/peer_id.hpp"
#include "net/swarm/swarm_options.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <gtest/gtest.h>

namespace masu::core::test {
namespace {

// An account, or a row, that has no name of its own on the other side.
struct Part {
  std::string_view name;
  std::string_view of;
  std::string_view why;
};
constexpr Part parts_of_rows[] = {
    {"net.identify", "net.connection", "who is asked, and who asks, is a connection"},
    {"http.connection", "http.request", "each place for a request is a connection too"},
};
// Quotas over the one pool overlap: each of them alone is within it.
constexpr Part shares_of_chunks[] = {
    {"net.receive", "chunks", "frames and handshakes that are being gathered"},
    {"net.send", "chunks", "what streams have to send"},
    {"net.window", "chunks", "credit; what comes on it lies in chunks"},
    {"bitswap.block", "chunks", "blocks that are coming in, or are being stored"},
    {"bitswap.send", "chunks", "blocks that were read for peers"},
    {"request.block", "chunks", "blocks that requests read, walk and export"},
    {"request.upload", "chunks", "what clients send"},
    {"store.collect.block", "chunks", "the block whose links are being marked"},
};
constexpr Part parts_of_accounts[] = {
    {"net.protocols", "net.peerstore", "what peers speak lies with the peers"},
    {"bitswap.stream", "bitswap.peer", "streams are their peers'"},
};
constexpr std::string_view without_account = "heap slack";  // what size classes waste is nobody's

template <std::size_t N>
const Part* find(const Part (&parts)[N], std::string_view name) {
  for (const Part& part : parts) {
    if (part.name == name) return &part;
  }
  return nullptr;
}

class Checker {
 public:
  explicit Checker(const CapacityPlan& plan) : plan_(plan) {
    for (const PlanRow& row : plan.rows) {
      if (row.group != PlanGroup::ours || row.name == without_account) continue;
      const Part* const part = find(parts_of_accounts, row.name);
      sums_[std::string(part != nullptr ? part->of : row.name)].planned += row.bytes;
    }
  }
  void add(const Account& account) {
    std::size_t quota = account.quota_bytes();
    if (find(shares_of_chunks, account.name()) != nullptr) {
      if (quota > sums_["chunks"].planned) complain(account.name(), quota, sums_["chunks"].planned);
      return;
    }
    if (account.name() == "net.identify") quota -= identify_chunks();
    const Part* const part = find(parts_of_rows, account.name());
    Sum& sum = sums_[std::string(part != nullptr ? part->of : account.name())];
    sum.quotas += quota;
    ++sum.accounts;
  }
  bool agree() {
    for (const auto& [name, sum] : sums_) {
      if (sum.planned == 0 || sum.accounts == 0 || sum.quotas > sum.planned)
        complain(name, sum.quotas, sum.planned);
    }
    return agree_;
  }

 private:
  struct Sum {
    std::size_t planned = 0;
    std::size_t quotas = 0;
    std::size_t accounts = 0;
  };
  // A message that comes in pieces is gathered in a chunk.
  std::size_t identify_chunks() const {
    const net::SwarmOptions options = net::swarm_options_of(plan_);
    return (options.identify_asks + options.identify_pushes_in) * chunk_bytes;
  }
  void complain(std::string_view name, std::size_t quotas, std::size_t planned) {
    std::fprintf(stderr, "%.*s: accounts %zu, rows %zu\n", static_cast<int>(name.size()), name.data(), quotas,
                 planned);
    agree_ = false;
  }

  const CapacityPlan& plan_;
  std::map<std::string, Sum> sums_;
  bool agree_ = true;
};

Config config_of_a_node() {
  Config config = Config::defaults();
  const auto key = PrivateKey::generate(KeyType::ed25519, 0).value();
  const SecretBytes bytes = key.to_protobuf();
  const auto set = [&config](std::string_view path, const boost::json::value& value) {
    MASU_CHECK(config.set(path, value), "a configuration takes it");
  };
  set("Identity.PeerID", boost::json::string(PeerId::of(key.public_key()).to_string()));
  set("Identity.PrivKey", boost::json::string(encode_base(Multibase::base64pad, bytes)));
  set("Addresses.Swarm", boost::json::array{"/ip4/127.0.0.1/tcp/0"});
  set("Bootstrap", boost::json::array());
  return config;
}

// In the child: as the daemon does it.
[[noreturn]] void run_node(std::size_t budget_bytes) {
  std::string directory = (std::filesystem::temp_directory_path() / "masu-plan-XXXXXX").string();
  MASU_CHECK(::mkdtemp(directory.data()) != nullptr, "a directory is made");
  bool agree = false;
  {
    MASU_CHECK(Repo::init(directory + "/repo", config_of_a_node()), "a repo is made");
    const auto repo = Repo::open(directory + "/repo");
    const auto plan = derive_plan(budget_bytes);
    const auto memory = NodeMemory::enter(plan.value());
    EventLoop loop;
    const auto node = RealNode::open(**repo, **memory, loop);
    const auto online = (*node)->go_online("");
    if (!online) std::fprintf(stderr, "%s\n", online.error().c_str());
    {
      rpc::Server server(**node, (*memory)->requests());
      Checker checker(*plan);
      (*memory)->budget().for_each_account([&](const Account& account) { checker.add(account); });
      agree = online && checker.agree();
      server.close();
      loop.run_until([&] { return server.closed(); }, loop.clock().now() + 10s);
    }
    (*node)->close();
  }
  std::filesystem::remove_all(directory);
  std::_Exit(agree ? 7 : 8);
}

class PlanAccountsDeathTest : public testing::TestWithParam<std::size_t> {};

TEST_P(PlanAccountsDeathTest, EachAccountHasItsRowAndEachRowItsAccount) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run_node(GetParam() << 20), testing::ExitedWithCode(7), "");
}

INSTANTIATE_TEST_SUITE_P(Budgets, PlanAccountsDeathTest, testing::Values(16, 32, 64, 256, 1024));

}  // namespace
}  // namespace masu::core::test
