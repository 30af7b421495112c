// Identify: the protocol by which peers say who they are, where they listen and what they speak.
//
// Asks each new connection, serves those who ask, takes pushes from peers and sends pushes when what this
// node says of itself changes. Over IdentifyHost, which the swarm implements and owns it; loop thread only.
// Spec: libp2p/specs identify/README.md.
//
// Limits: answers being read (identify_asks) and pushes being read (identify_pushes_in) lie in one slab, what
// waits to ask is a list of connections; messages being sent (identify_sends) in another, pushes are a part
// of them. Each is given up after identify_timeout. Pushes are limited by the network they come from. What a
// peer says is bounded by IdentifyReader, and kept by the Peerstore. Our own message is encoded once; the one
// before stays only while somebody is being sent it.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/key.hpp"
#include "net/host.hpp"
#include "net/identify/identify_reader.hpp"
#include "net/identify/identify_writer.hpp"
#include "net/identify/observed_addresses.hpp"
#include "net/peerstore/peerstore.hpp"
#include "net/rate_limiter.hpp"
#include "net/timers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace masu::net {

struct WaitsToAskTag {};
struct WaitsForPushTag {};

// A connection, as identify sees it: a part of the swarm's entry.
class IdentifiedConnection : public IntrusiveListNode<IdentifiedConnection, WaitsToAskTag>,
                             public IntrusiveListNode<IdentifiedConnection, WaitsForPushTag> {
 public:
  virtual const PeerId& identified_peer() const = 0;
  virtual const Multiaddr& remote_address() const = 0;
  virtual const Multiaddr& local_address() const = 0;
  // As Connection::open_stream(), lazily, on this very connection.
  virtual std::expected<void, StreamEnd> open_stream(std::span<const std::string_view> protocols,
                                                     StreamHandler& handler) = 0;
  Observation& observation() { return observation_; }

 protected:
  ~IdentifiedConnection() = default;

 private:
  Observation observation_;
};

class IdentifyHost {
 public:
  virtual TimePoint now() const = 0;
  virtual TimerQueue& timers() = 0;
  virtual void serve(std::string_view protocol, ProtocolHandler& handler, const ProtocolLimits& limits) = 0;
  virtual Peerstore& peerstore() = 0;
  // Inside on_inbound(): the connection that the stream came on.
  virtual IdentifiedConnection& arriving() = 0;
  // The best first; and what is served.
  virtual std::vector<Multiaddr> announce_addresses() const = 0;
  virtual std::vector<std::string_view> protocols() const = 0;
  // The peer has said who it is (or, `answered` false, has not), over this connection.
  virtual void on_identified(IdentifiedConnection& connection, bool answered) = 0;
  // Calls Identify::push() for one connection of each peer.
  virtual void push_to_peers() = 0;

 protected:
  ~IdentifyHost() = default;
};

struct IdentifyOptions {
  const PrivateKey* key = nullptr;  // signs our records of addresses
  std::string agent;
  std::size_t asks = 16;
  std::size_t pushes_in = 8;
  std::size_t sends = 48;
  std::size_t pushes_out = 32;
  std::optional<std::uint64_t> record_sequence;
};

class Identify final : private ProtocolHandler {
 public:
  // Registers itself. All must outlive it.
  Identify(IdentifyHost& host, Budget& budget, ChunkPool& chunks, const IdentifyOptions& options);
  ~Identify();  // Requires: all connections are gone.
  Identify(const Identify&) = delete;
  Identify& operator=(const Identify&) = delete;

  // A new connection: asks it, when its turn comes.
  void ask(IdentifiedConnection& connection);
  void push(IdentifiedConnection& connection);
  // What this node says of itself may have changed: after a moment it is looked at, and peers are told if so.
  void refresh_soon();
  const ObservedAddresses& observed() const { return observed_; }
  // Asks that wait for a place.
  std::size_t waiting() const { return to_ask_.size(); }

 private:
  class Receiver;
  class Sender;
  struct Own {
    IdentifyMessage message;
    std::size_t senders = 0;
  };
  class RefreshTimer final : public Timer {
   public:
    explicit RefreshTimer(Identify& identify) : identify_(identify) {}
    void on_timer(TimePoint) override { identify_.refresh(); }

   private:
    Identify& identify_;
  };

  StreamHandler* on_inbound(const PeerId& peer, std::string_view protocol) override;
  void ask_next();
  void push_next();
  void refresh();
  void apply(IdentifiedConnection& connection, IdentifyInfo& info);
  void on_received(Receiver& receiver, bool complete);
  void on_sent(Sender& sender);
  Own& own() { return owns_[newest_]; }

  IdentifyHost& host_;
  ChunkPool& chunks_;
  const IdentifyOptions options_;
  Account account_;
  std::unique_ptr<SlabPool<Receiver>> receivers_;
  std::unique_ptr<SlabPool<Sender>> senders_;
  std::size_t asks_ = 0;
  std::size_t pushes_in_ = 0;
  std::size_t pushes_out_ = 0;
  IntrusiveList<IdentifiedConnection, WaitsToAskTag> to_ask_;
  IntrusiveList<IdentifiedConnection, WaitsForPushTag> to_push_;
  ObservedAddresses observed_;
  RateLimiter push_limiter_;
  RefreshTimer refresh_timer_{*this};

  // Two, so that a new one can be made while the one before is being sent.
  std::array<Own, 2> owns_;
  std::size_t newest_ = 0;
  bool made_ = false;
  std::optional<std::uint64_t> sequence_;
  std::vector<Multiaddr> announced_;  // in the newest
  std::vector<std::string_view> protocols_;
};

}  // namespace masu::net
