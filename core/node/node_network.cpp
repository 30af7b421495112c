#include "core/node/node_network.hpp"

#include "multiformats/multibase.hpp"
#include "multiformats/peer_id.hpp"
#include "net/dns/cares_resolver.hpp"
#include "net/ip_prefix.hpp"
#include "net/swarm/swarm_options.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace masu::core {
namespace {

std::uint64_t wall_nanoseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

void warn(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

// Addresses of a list in the configuration; what is none is said and left out.
std::vector<Multiaddr> addresses_of(const Config& config, std::string_view path) {
  std::vector<Multiaddr> addresses;
  for (const std::string& text : config.texts(path)) {
    if (auto address = Multiaddr::parse(text)) {
      addresses.push_back(std::move(*address));
    } else {
      warn(std::string(path) + ": " + text + " is no address");
    }
  }
  return addresses;
}

net::HashSecret draw_secret(net::RandomSource& random) {
  std::array<std::uint8_t, net::HashSecret::bytes_max> bytes;
  random.fill(bytes);
  return net::HashSecret(bytes);
}

std::optional<net::IpPrefix> prefix_of(const std::string& text) {
  const auto address = Multiaddr::parse(text);
  return address ? net::IpPrefix::from_multiaddr(*address) : std::nullopt;
}

std::vector<net::IpPrefix> prefixes_of(const Config& config, std::string_view path) {
  std::vector<net::IpPrefix> prefixes;
  for (const std::string& text : config.texts(path)) {
    if (auto prefix = prefix_of(text)) {
      prefixes.push_back(*prefix);
    } else {
      warn(std::string(path) + ": " + text + " is no prefix");
    }
  }
  return prefixes;
}

net::AnnounceRules announce_rules(const Config& config) {
  net::AnnounceRules rules;
  rules.announce = addresses_of(config, "Addresses.Announce");
  rules.append_announce = addresses_of(config, "Addresses.AppendAnnounce");
  for (const std::string& text : config.texts("Addresses.NoAnnounce")) {
    if (auto prefix = prefix_of(text)) {
      rules.no_announce_prefixes.push_back(*prefix);
    } else if (auto address = Multiaddr::parse(text)) {
      rules.no_announce.push_back(std::move(*address));
    } else {
      warn("Addresses.NoAnnounce: " + text + " is no address");
    }
  }
  return rules;
}

net::SwarmOptions options_of(const Config& config, const CapacityPlan& plan, const std::string& agent) {
  net::SwarmOptions options = net::swarm_options_of(plan);
  options.agent = agent;
  options.record_sequence = wall_nanoseconds();
  // The user's marks count as far as the plan has room.
  const auto bounded = [&](std::string_view path, std::size_t planned) {
    const auto wanted = config.integer(path);
    return wanted && *wanted >= 0 ? std::min(static_cast<std::size_t>(*wanted), plan.connections) : planned;
  };
  options.marks.low = bounded("Swarm.ConnMgr.LowWater", options.marks.low);
  options.marks.high = std::max(bounded("Swarm.ConnMgr.HighWater", options.marks.high), options.marks.low);
  if (const auto grace = config.duration("Swarm.ConnMgr.GracePeriod"); grace && *grace >= 0) {
    options.marks.grace = std::chrono::nanoseconds(*grace);
  }
  options.announce = announce_rules(config);
  options.filters = prefixes_of(config, "Swarm.AddrFilters");
  return options;
}

bitswap::BroadcastControl broadcast_control(const Config& config) {
  const auto path = [](std::string_view key) {
    return std::string("Internal.Bitswap.BroadcastControl.").append(key);
  };
  bitswap::BroadcastControl control;
  control.enable = config.boolean(path("Enable")).value_or(true);
  // -1, or any below zero: no limit.
  const auto most = config.integer(path("MaxPeers"));
  if (most && *most >= 0) control.peers_max = static_cast<std::size_t>(*most);
  control.spare_local = config.boolean(path("LocalPeers")).value_or(false);
  control.spare_chosen = config.boolean(path("PeeredPeers")).value_or(false);
  const auto random = config.integer(path("MaxRandomPeers"));
  if (random && *random > 0) control.random_peers = static_cast<std::size_t>(*random);
  control.pending_peers = config.boolean(path("SendToPendingPeers")).value_or(false);
  return control;
}

}  // namespace

std::expected<PrivateKey, std::string> identity_of(const Config& config) {
  const auto text = config.text("Identity.PrivKey");
  if (!text || text->empty()) return std::unexpected("the configuration has no Identity.PrivKey");
  std::array<std::uint8_t, 8192> bytes;
  const auto size = decode_base(Multibase::base64pad, *text, bytes);
  if (!size) return std::unexpected("Identity.PrivKey is no base64");
  auto key = PrivateKey::from_protobuf(Bytes(bytes).first(*size));
  if (!key) return std::unexpected("Identity.PrivKey: " + std::string(name_of(key.error())));
  const std::string id = PeerId::of(key->public_key()).to_string();
  if (const auto configured = config.text("Identity.PeerID");
      configured && !configured->empty() && *configured != id) {
    return std::unexpected("Identity.PeerID is " + *configured + ", but Identity.PrivKey is the key of " +
                           id);
  }
  return std::move(*key);
}

NodeNetwork::NodeNetwork(const Config& config, NodeMemory& memory, EventLoop& loop, net::RandomSource& random,
                         store::BlockStore& blocks, store::RecordStore& records, store::Jobs& jobs,
                         PrivateKey identity, const std::string& agent)
    : identity_(std::move(identity)),
      agent_(agent),
      ping_account_(memory.budget(), "net.ping", Lifetime::stream,
                    (memory.plan().pings_in + memory.plan().pings_out) * plan_entry::ping_bytes),
      turns_(loop.context()),
      resources_(memory.budget(), memory.chunks(), random, identity_,
                 net::connection_limits_of(memory.plan())),
      tcp_(loop.context(), loop.clock(), loop.timers(), memory.links(), net::tcp_options_of(memory.plan())),
      resolver_(net::make_cares_resolver(loop.context(), loop.clock(), loop.timers())),
      swarm_(std::make_unique<net::Swarm>(memory.budget(), resources_, identity_, loop.timers(), loop.clock(),
                                          random, turns_, options_of(config, memory.plan(), agent))),
      known_secret_(draw_secret(random)) {
  swarm_->add_transport(tcp_);
  swarm_->set_resolver(*resolver_);
  marks_ = options_of(config, memory.plan(), agent).marks;
  net::PingLimits pings;
  pings.inbound_streams = memory.plan().pings_in;
  pings.outbound = memory.plan().pings_out;
  ping_ = std::make_unique<net::Ping>(*swarm_, random, ping_account_, pings);
  if (!config.boolean("Bitswap.Libp2pEnabled").value_or(true)) return;
  bitswap::BitswapLimits limits = bitswap::BitswapLimits::from(memory.plan());
  limits.server = config.boolean("Bitswap.ServerEnabled").value_or(true);
  limits.broadcast = broadcast_control(config);
  bitswap_ = std::make_unique<bitswap::Bitswap>(*swarm_, blocks, jobs, memory.chunks(), memory.budget(),
                                                random, limits);
  PeerKeeperOptions known;
  known.peers_max = memory.plan().known_peers;
  known.wall_clock = [] { return WallSeconds{wall_nanoseconds() / 1'000'000'000}; };
  if (const auto interval = config.duration("Internal.BackupBootstrapInterval")) {
    known.save_interval = std::chrono::nanoseconds(*interval);
  }
  // As in Kubo zero is never.
  if (known.save_interval <= Duration::zero()) return;
  known_ =
      std::make_unique<PeerKeeper>(memory.budget(), *swarm_, *bitswap_, records, jobs, known_secret_, known);
}

NodeNetwork::~NodeNetwork() = default;

std::expected<std::unique_ptr<NodeNetwork>, std::string> NodeNetwork::start(
    const Config& config, NodeMemory& memory, EventLoop& loop, net::RandomSource& random,
    store::BlockStore& blocks, store::RecordStore& records, store::Jobs& jobs, const std::string& agent) {
  auto identity = identity_of(config);
  if (!identity) return std::unexpected(identity.error());
  auto network = std::unique_ptr<NodeNetwork>(
      new NodeNetwork(config, memory, loop, random, blocks, records, jobs, std::move(*identity), agent));
  const std::vector<Multiaddr> wanted = addresses_of(config, "Addresses.Swarm");
  std::string errors;
  std::size_t listening = 0;
  for (const Multiaddr& address : wanted) {
    if (!network->tcp_.can_listen(address)) {
      warn("not listening on " + address.to_string() + ": this build has no such transport");
      continue;
    }
    if (auto bound = network->swarm_->listen(address)) {
      ++listening;
    } else {
      errors += (errors.empty() ? "" : "; ") + bound.error();
    }
  }
  // Half a network is one (a machine without IPv6); none at all is an error, as a port that is taken is.
  if (listening == 0 && !errors.empty()) {
    network->close();
    loop.run_until([&] { return network->closed(); }, loop.clock().now() + 5s);
    return std::unexpected("failed to listen on any addresses: " + errors);
  }
  if (!errors.empty()) warn(errors);
  return network;
}

void NodeNetwork::follow_plan(const Config& config, const CapacityPlan& plan) {
  follow_chunks(plan);
  const net::SwarmOptions options = options_of(config, plan, agent_);
  marks_ = options.marks;
  swarm_->set_bounds(options);
}

void NodeNetwork::follow_chunks(const CapacityPlan& plan) {
  resources_.set_bounds(net::connection_limits_of(plan));
  if (bitswap_) bitswap_->set_bounds(bitswap::BitswapLimits::from(plan));
}

void NodeNetwork::set_rung(Rung rung, bool active) {
  switch (rung) {
    case Rung::stop_growth:
      resources_.set_growth(!active);
      tcp_.set_growth(!active);
      return;
    case Rung::stop_dialling: swarm_->set_dialling(!active); return;
    case Rung::shorten_idle: {
      net::ConnectionMarks marks = marks_;
      if (active) marks.grace = marks.silence = 1s;
      swarm_->set_marks(marks);
      return;
    }
    case Rung::refuse_streams: resources_.set_inbound_streams(!active); return;
    case Rung::refuse_connections: swarm_->set_accepting(!active); return;
    default: return;
  }
}

void NodeNetwork::relieve(Rung rung) {
  switch (rung) {
    case Rung::shrink_caches: swarm_->peerstore().forget_unconnected(); return;
    case Rung::trim_connections: swarm_->trim_strangers(swarm_->connections() / 16 + 1); return;
    case Rung::reset_heaviest: swarm_->give_up_heaviest(); return;
    default: return;
  }
}

void NodeNetwork::close() {
  if (known_) known_->stop();
  if (bitswap_) bitswap_->stop();
  swarm_->close();
  tcp_.close();
}

bool NodeNetwork::closed() const {
  return swarm_->closed() && (!bitswap_ || bitswap_->idle()) && tcp_.closed() && (!known_ || known_->idle());
}

}  // namespace masu::core
