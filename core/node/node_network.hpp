// NodeNetwork: the network side of a node: TCP, the swarm, ping and Bitswap, put together as the
// configuration says. A part of RealNode; loop thread only.
#pragma once

#include "alloc/governor.hpp"
#include "bitswap/bitswap.hpp"
#include "core/config.hpp"
#include "core/loop/event_loop.hpp"
#include "core/node/node_memory.hpp"
#include "core/node/peer_keeper.hpp"
#include "multiformats/key.hpp"
#include "net/connection_resources.hpp"
#include "net/dns/resolver.hpp"
#include "net/ping.hpp"
#include "net/random.hpp"
#include "net/swarm/swarm.hpp"
#include "net/transport/asio_turns.hpp"
#include "net/transport/tcp_transport.hpp"
#include "store/block_store.hpp"
#include "store/jobs.hpp"

#include <expected>
#include <memory>
#include <string>

namespace masu::core {

class NodeNetwork {
 public:
  static std::expected<std::unique_ptr<NodeNetwork>, std::string> start(
      const Config& config, NodeMemory& memory, EventLoop& loop, net::RandomSource& random,
      store::BlockStore& blocks, store::RecordStore& records, store::Jobs& jobs, const std::string& agent);
  ~NodeNetwork();  // Requires: closed().

  net::Swarm& swarm() { return *swarm_; }
  net::Ping& ping() { return *ping_; }
  // Null: `Bitswap.Libp2pEnabled` is false, and blocks are neither given nor asked for.
  bitswap::Bitswap* bitswap() { return bitswap_.get(); }

  // The plan changed: bounds of connections and of bytes in flight follow.
  void follow_plan(const Config& config, const CapacityPlan& plan);
  // Only the number of chunks is another one.
  void follow_chunks(const CapacityPlan& plan);
  // The ladder: what a rung says of the network.
  void set_rung(Rung rung, bool active);
  void relieve(Rung rung);

  // Begins the end; the loop must run until closed().
  void close();
  bool closed() const;

 private:
  NodeNetwork(const Config& config, NodeMemory& memory, EventLoop& loop, net::RandomSource& random,
              store::BlockStore& blocks, store::RecordStore& records, store::Jobs& jobs, PrivateKey identity,
              const std::string& agent);

  const PrivateKey identity_;
  const std::string agent_;
  net::ConnectionMarks marks_;
  Account ping_account_;
  net::AsioTurns turns_;
  net::ConnectionResources resources_;
  net::TcpTransport tcp_;
  std::unique_ptr<net::AddressResolver> resolver_;
  std::unique_ptr<net::Swarm> swarm_;
  std::unique_ptr<net::Ping> ping_;
  std::unique_ptr<bitswap::Bitswap> bitswap_;  // null: switched off
  net::HashSecret known_secret_;
  std::unique_ptr<PeerKeeper> known_;  // null: peers are not kept
};

// The identity in a configuration: Kubo's Identity.PrivKey.
std::expected<PrivateKey, std::string> identity_of(const Config& config);

}  // namespace masu::core
