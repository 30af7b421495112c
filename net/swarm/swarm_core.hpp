// SwarmCore: what a Swarm is made of: its connections and peers, and the parts that serve them (dialer,
// identify, connection manager, peerstore). Internal; net/swarm/swarm.hpp is the contract.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/resource.hpp"
#include "alloc/slab_pool.hpp"
#include "net/hash_index.hpp"
#include "net/identify/identify.hpp"
#include "net/peerstore/peerstore.hpp"
#include "net/swarm/connection_manager.hpp"
#include "net/swarm/dialer.hpp"
#include "net/swarm/protocol_table.hpp"
#include "net/swarm/swarm.hpp"
#include "net/swarm/swarm_connection.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace masu::net {

class SwarmCore final : private LinkAcceptor, private DialHost, private IdentifyHost, private Turn {
 public:
  SwarmCore(Budget& budget, ConnectionResources& resources, const PrivateKey& identity, TimerQueue& timers,
            const Clock& clock, RandomSource& random, TurnHook& turns, const SwarmOptions& options);
  ~SwarmCore();

  // --- What the Swarm passes on. ---
  void add_transport(Transport& transport) { transports_.push_back(&transport); }
  void set_resolver(AddressResolver& resolver) { resolver_ = &resolver; }
  std::expected<Multiaddr, std::string> listen(const MultiaddrView& address);
  void close();
  bool closed() const;
  void serve(std::string_view protocol, ProtocolHandler& handler, const ProtocolLimits& limits) override;
  void observe(PeerObserver& observer) { observers_.push_back(&observer); }
  void open_stream(const PeerId& peer, std::span<const std::string_view> protocols, StreamHandler& handler);
  void connect(const PeerId& peer, std::span<const Multiaddr> addresses, DialHandler* handler);
  void disconnect(const PeerId& peer);
  // Null: there is none.
  SwarmConnection* find_connection(const PeerId& peer, const MultiaddrView& remote) const;
  bool close_connection(const PeerId& peer, const MultiaddrView& remote);
  AddressResolver* address_resolver() const { return resolver_; }
  std::vector<Multiaddr> listen_addresses() const;
  void add_filter(const IpPrefix& prefix);
  void remove_filter(const IpPrefix& prefix);
  void trim_strangers(std::size_t count);
  void set_accepting(bool accepting);
  void set_dialling(bool dialling) { dialling_ = dialling; }
  void set_bounds(const SwarmOptions& options);
  bool give_up_heaviest();
  std::size_t measure_parked() const;

  const PeerId& self() const { return self_; }
  TimePoint now() const override { return clock_.now(); }
  TimerQueue& timers() override { return timers_; }
  Peerstore& peerstore() override { return peerstore_; }
  ConnectionResources& resources() { return resources_; }
  const SwarmOptions& options() const { return options_; }
  ConnectionManager& manager() { return manager_; }
  Dialer& dialer() { return dialer_; }
  ProtocolTable& table() { return protocols_; }
  SwarmPeer* find(const PeerId& peer) const { return peers_.find(peer.bytes()); }
  const IntrusiveList<SwarmConnection, AllConnectionsTag>& all() const { return all_; }
  IntrusiveList<SwarmConnection, AllConnectionsTag>& all() { return all_; }
  std::size_t connected_peers() const { return peers_.size(); }
  Bandwidth bandwidth() const { return bandwidth_.read(now()); }
  std::vector<Multiaddr> announce_addresses() const override;
  std::vector<std::string_view> protocols() const override;

  // --- What connections tell. ---
  // The handshake is over. False: it is not wanted.
  bool admit(SwarmConnection& connection, const PeerId& peer, const PublicKey& key);
  // After the input in which it was admitted.
  void on_new_connection(SwarmConnection& connection);
  void on_connection_ending(SwarmConnection& connection, ConnectionEnd end, std::string_view detail);
  // Destroys it.
  void on_connection_gone(SwarmConnection& connection);
  std::string_view find_protocol(std::string_view protocol) const;
  StreamHandler* on_inbound_stream(SwarmConnection& connection, std::string_view protocol);
  void on_inbound_stream_gone(SwarmConnection& connection, std::string_view protocol);
  void on_stream_bytes(SwarmConnection& connection, std::string_view protocol, std::size_t in,
                       std::size_t out);
  void want_turn(SwarmConnection& connection);
  void on_bytes_move(SwarmConnection& connection);

 private:
  class TickTimer final : public Timer {
   public:
    explicit TickTimer(SwarmCore& swarm) : swarm_(swarm) {}
    void on_timer(TimePoint) override { swarm_.tick(); }

   private:
    SwarmCore& swarm_;
  };
  class CloseTimer final : public Timer {
   public:
    explicit CloseTimer(SwarmCore& swarm) : swarm_(swarm) {}
    void on_timer(TimePoint) override { swarm_.cut_all(); }

   private:
    SwarmCore& swarm_;
  };

  // LinkAcceptor
  void on_accepted(LinkHandle link) override;
  // DialHost
  AddressResolver* resolver() override { return resolver_; }
  std::string_view why_not_dial(const MultiaddrView& address) const override;
  LinkDialHandle start_dial(const MultiaddrView& address, LinkDialHandler& handler) override;
  SwarmConnection* upgrade(LinkHandle link, const PeerId& peer, DialAttempt& attempt) override;
  void give_up(SwarmConnection& connection) override;
  std::size_t weight_of(const SwarmConnection& connection) const;
  void let_go(SwarmConnection& connection) override { connection.set_attempt(nullptr); }
  PeerState state_of(const PeerId& peer) const override;
  void want_dial_turn() override { turns_.post(*this); }
  // IdentifyHost
  IdentifiedConnection& arriving() override { return *arriving_; }
  void on_identified(IdentifiedConnection& connection, bool answered) override;
  void push_to_peers() override;
  // Turn
  void on_turn() override;

  bool filtered(const MultiaddrView& address) const;
  bool host_is_full(const Multiaddr& remote) const;
  std::size_t inbound_handshakes() const;
  void make_room();
  void end_slow_handshakes();
  void update_accepting();
  void fail_later(StreamHandler& handler, StreamEnd end);
  void drop_peer(SwarmPeer& peer);
  Transport* transport_for(const MultiaddrView& address) const;
  void tick();
  void tick_by(TimePoint at);
  void limit_parked(std::size_t parked);
  void cut_all();
  bool announced(const Multiaddr& address) const;

  ConnectionResources& resources_;
  TimerQueue& timers_;
  const Clock& clock_;
  TurnHook& turns_;
  SwarmOptions options_;
  const PeerId self_;
  const HashSecret secret_;
  Account account_;  // net.connection: connections, peers, tags, backoff
  AccountResource memory_;
  Peerstore peerstore_;
  ConnectionManager manager_;
  ProtocolTable protocols_;
  SlabPool<SwarmConnection> pool_;
  SlabPool<SwarmPeer> peer_pool_;
  HashIndex<SwarmPeer> peers_;
  IntrusiveList<SwarmConnection, AllConnectionsTag> all_;
  IntrusiveList<SwarmConnection, WantsTurnTag> wants_turn_;
  IntrusiveList<SwarmConnection, MovesBytesTag> moving_;
  static constexpr std::size_t stream_ends = static_cast<std::size_t>(StreamEnd::out_of_memory) + 1;
  std::array<IntrusiveList<StreamHandler>, stream_ends> failed_opens_;  // by what is to be told
  std::vector<Transport*> transports_;
  std::vector<PeerObserver*> observers_;
  std::vector<std::pair<Multiaddr, Transport*>> listeners_;
  AddressResolver* resolver_ = nullptr;
  SwarmConnection* arriving_ = nullptr;
  BandwidthMeter bandwidth_;
  TickTimer tick_timer_{*this};
  CloseTimer close_timer_{*this};
  bool accepting_ = true;
  bool dialling_ = true;
  bool paused_ = false;
  bool closing_ = false;
  std::size_t ending_ = 0;  // connections that were given up and are still there
  Dialer dialer_;
  Identify identify_;
};

}  // namespace masu::net
