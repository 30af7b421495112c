// SwarmConnection, SwarmPeer: a connection with its link, and the peer it leads to. Internal to the swarm.
//
// A SwarmConnection is one entry of net.connection, from the link's first byte to its end: the driver between
// a Link and the Connection, with the timer of its deadlines. It obeys the Connection's law: after each input
// it drains, and only there it is destroyed. A SwarmPeer is there while its peer has a connection.
#pragma once

#include "net/connection.hpp"
#include "net/identify/identify.hpp"
#include "net/ip_prefix.hpp"
#include "net/link.hpp"
#include "net/swarm/connection_manager.hpp"
#include "net/swarm/protocol_table.hpp"
#include "net/timers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace masu::net {

class SwarmConnection;
class SwarmCore;
struct DialAttempt;

struct AllConnectionsTag {};
struct OfPeerTag {};
struct WantsTurnTag {};
struct MovesBytesTag {};

struct SwarmPeer : HashIndexNode<SwarmPeer> {
  enum class Identified : std::uint8_t { not_yet, yes, silent };

  explicit SwarmPeer(const PeerId& peer) : id(peer) {}
  Bytes hash_key() const { return id.bytes(); }
  // The one in use: the oldest that is not being closed; null: all are.
  SwarmConnection* in_use();

  const PeerId id;
  IntrusiveList<SwarmConnection, OfPeerTag> connections;  // the oldest first
  Identified identified = Identified::not_yet;
  bool of_use = false;
  BandwidthMeter bandwidth;
  std::array<std::uint16_t, ProtocolTable::entries_max> inbound_streams{};
};

class SwarmConnection final : public ManagedConnection,
                              public IdentifiedConnection,
                              public IntrusiveListNode<SwarmConnection, AllConnectionsTag>,
                              public IntrusiveListNode<SwarmConnection, OfPeerTag>,
                              public IntrusiveListNode<SwarmConnection, WantsTurnTag>,
                              public IntrusiveListNode<SwarmConnection, MovesBytesTag>,
                              private LinkUser,
                              private ConnectionOwner,
                              private Timer {
 public:
  SwarmConnection(SwarmCore& swarm, LinkHandle link, ConnectionRole role, std::optional<PeerId> expected);

  // Begins. Called once.
  void start();
  // Its turn, which it asked for.
  void run_turn();
  // To be called soon after: ends it in order.
  void close();
  // A second has passed. False: nothing moves, and nothing waits in the kernel.
  bool tick();
  // As of the last tick; 0 for a busy one, which has an allowance of its own.
  std::size_t parked_bytes() const { return parked_bytes_; }
  std::size_t measure_parked() const { return link_->parked_bytes(); }

  bool established() const { return peer_ != nullptr; }
  bool usable() const { return peer_ != nullptr && !closing_ && connection_.established(); }
  bool closing() const { return closing_; }
  bool given_up() const { return given_up_; }  // by close()
  bool inbound() const { return connection_.role() == ConnectionRole::listener; }
  SwarmPeer* peer() const { return peer_; }
  void set_peer(SwarmPeer& peer, TimePoint now) {
    peer_ = &peer;
    opened_at_ = now;
  }
  TimePoint opened_at() const { return opened_at_; }
  const IpPrefix& remote_host() const { return remote_host_; }
  bool from_loopback() const { return from_loopback_; }
  Connection& connection() { return connection_; }
  const Connection& connection() const { return connection_; }

  // The dial that it is the outcome of, until it is established; null when nobody waits for it.
  DialAttempt* attempt() const { return attempt_; }
  void set_attempt(DialAttempt* attempt) { attempt_ = attempt; }

  const PeerId& identified_peer() const override;
  const Multiaddr& remote_address() const override { return link_->remote_address(); }
  const Multiaddr& local_address() const override { return link_->local_address(); }
  std::expected<void, StreamEnd> open_stream(std::span<const std::string_view> protocols,
                                             StreamHandler& handler) override;

  const PeerId& managed_peer() const override { return identified_peer(); }
  std::size_t open_streams() const override;
  bool is_peer_of_use() const override;
  // Much was asked of the peer: the link has room for it, where a place is free.
  void expect_bytes();

 private:
  Chunk chunk_for_reading() override;
  std::size_t chunks_behind(std::span<Chunk> chunks) override { return connection_.chunks_behind(chunks); }
  void on_bytes(Chunk chunk) override;
  Bytes bytes_to_send() override;
  std::size_t bytes_behind(std::span<Bytes> pieces) const override {
    return connection_.bytes_behind(pieces);
  }
  void on_sent(std::size_t bytes) override;
  void on_link_closed(std::string_view why) override;

  bool on_established(const PeerId& peer, const PublicKey& key) override;
  std::string_view find_protocol(std::string_view protocol) override;
  StreamHandler* on_inbound_stream(std::string_view protocol) override;
  void on_stream_gone(std::string_view protocol, bool inbound) override;
  void on_stream_bytes(std::string_view protocol, std::size_t in, std::size_t out) override;
  void on_connection_ended(ConnectionEnd end, std::string_view detail) override;
  void on_turn_wanted() override;
  void on_timer(TimePoint now) override;

  void drain();
  void arm();
  void note_moved(std::size_t bytes);

  SwarmCore& swarm_;
  LinkHandle link_;
  SwarmPeer* peer_ = nullptr;
  DialAttempt* attempt_ = nullptr;
  TimePoint opened_at_;  // of the socket, then of the established connection
  IpPrefix remote_host_;
  bool from_loopback_ = false;
  bool closing_ = false;
  bool given_up_ = false;
  bool just_established_ = false;
  bool reading_stopped_ = false;
  bool writing_stopped_ = true;
  bool busy_ = false;
  std::uint8_t quiet_ticks_ = 0;
  std::size_t moved_bytes_ = 0;  // since the last tick
  std::size_t parked_bytes_ = 0;
  Connection connection_;  // the last member: its streams are closed while the others are still there
};

}  // namespace masu::net
