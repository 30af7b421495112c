#include "bitswap/bitswap.hpp"

#include "alloc/resource.hpp"
#include "bitswap/client.hpp"
#include "bitswap/engine.hpp"
#include "bitswap/inbound.hpp"
#include "bitswap/peer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace masu::bitswap {
namespace {

net::HashSecret draw_secret(net::RandomSource& random) {
  std::array<std::uint8_t, net::HashSecret::bytes_max> bytes;
  random.fill(bytes);
  return net::HashSecret(bytes);
}

}  // namespace

struct Bitswap::Parts final : private net::ProtocolHandler,
                              private net::PeerObserver,
                              private net::Timer,
                              private ClientListener {
  Parts(net::Host& host_, store::BlockStore& blocks, store::Jobs& jobs, ChunkPool& chunks, Budget& budget,
        net::RandomSource& random, const BitswapLimits& limits_)
      : host(host_),
        limits(limits_),
        peer_account(budget, "bitswap.peer", Lifetime::connection, limits.peer_account_bytes),
        server_account(budget, "bitswap.server", Lifetime::connection, limits.server_account_bytes),
        client_account(budget, "bitswap.client", Lifetime::request, limits.client_account_bytes),
        session_account(budget, "bitswap.session", Lifetime::request, limits.session_account_bytes),
        block_account(budget, "bitswap.block", Lifetime::block, limits.block_bytes),
        send_account(budget, "bitswap.send", Lifetime::block, limits.send_bytes),
        secret(draw_secret(random)),
        engine(host, blocks, jobs, chunks, server_account, send_account, server_memory, secret, limits, stat),
        client(host, blocks, jobs, chunks, client_account, session_account, client_memory, secret, limits,
               stat, *this),
        intake(host, engine, client, chunks, peer_account, block_account, session_memory, limits, stat),
        peers(peer_account, limits.peers),
        index(peer_memory, secret, limits.peers) {
    for (const std::string_view protocol : protocols) {
      // One more than there may be: for it somebody else may have to give up one.
      host.serve(protocol, *this, {limits.inbound_streams + 1, limits.inbound_streams_per_peer});
    }
    host.observe(*this);
  }
  ~Parts() {
    sweep();
    MASU_CHECK(peers.used() == 0, "Bitswap outlives the connections");
  }

  Peer* find(const PeerId& id) const { return index.find(id.bytes()); }

  // Null: as many peers as may be are known.
  Peer* find_or_make(const PeerId& id) {
    sweep();
    if (Peer* const known = find(id)) return known;
    Peer* const peer = peers.create(engine, client, host, id);
    if (peer == nullptr) return nullptr;
    index.insert(*peer);
    known_peers.push_back(*peer);
    engine.open(peer->responder);
    if (!armed()) host.timers().arm(*this, host.now() + PeerScore::look_interval);
    return peer;
  }

  net::StreamHandler* on_inbound(const PeerId& id, std::string_view) override {
    if (stopped) return nullptr;
    Peer* const peer = find_or_make(id);
    if (peer == nullptr) return nullptr;
    if (speaks(id)) client.open(peer->asker);
    if (Inbound* const stream = intake.create(*peer)) return stream;
    return give_up_stream_for(*peer) ? intake.create(*peer) : nullptr;
  }

  // All inbound streams are taken: the peer that has the most of them loses its oldest to one that has fewer.
  bool give_up_stream_for(const Peer& newcomer) {
    Peer* most = nullptr;
    for (Peer& peer : known_peers) {
      if (most == nullptr || peer.inbound.size() > most->inbound.size()) most = &peer;
    }
    if (most == nullptr || most->inbound.size() <= newcomer.inbound.size() + 1) return false;
    most->inbound.front().reset();
    return true;
  }

  bool make_room_for(const PeerId&) override {
    Peer* most = nullptr;
    for (Peer& peer : known_peers) {
      if (peer.score.value() > 0) continue;
      if (most == nullptr || peer.inbound.size() > most->inbound.size()) most = &peer;
    }
    if (most == nullptr || most->inbound.size() < 2) return false;
    most->inbound.front().reset();
    return true;
  }

  bool speaks(const PeerId& id) const {
    return std::ranges::any_of(protocols,
                               [&](std::string_view protocol) { return host.supports(id, protocol); });
  }

  void on_peer_identified(const PeerId& id) override {
    if (stopped || !speaks(id)) return;
    if (Peer* const peer = find_or_make(id)) client.open(peer->asker);
  }

  void on_peer_disconnected(const PeerId& id) override {
    Peer* const peer = find(id);
    if (peer == nullptr) return;
    index.remove(*peer);
    peer->gone = true;
    client.close(peer->asker);
    peer->score.untag(host, id);
    engine.close(peer->responder);
    sweep();
  }

  void on_timer(TimePoint now) override {
    ++looks;
    for (Peer& peer : known_peers) {
      if (!peer.gone) peer.score.look(host, peer.id, peer.exchange(), looks);
    }
    if (index.size() > 0) host.timers().arm(*this, now + PeerScore::look_interval);
  }

  // Peers are gone when none of their streams will call back.
  void sweep() {
    for (auto at = known_peers.begin(); at != known_peers.end();) {
      Peer& peer = *at++;
      if (peer.gone && peer.settled()) peers.destroy(&peer);
    }
  }

  void on_block_stored(const Multihash& hash) override { engine.on_block_stored(hash); }
  void on_intake_room() override { intake.pump(); }
  void on_giver(const PeerId& peer) override {
    if (givers != nullptr) givers->on_giver(peer);
  }

  void stop() {
    stopped = true;
    cancel();
    client.stop();
    engine.stop();
    for (Peer& peer : known_peers) {
      while (!peer.inbound.empty()) peer.inbound.front().reset();
    }
  }

  net::Host& host;
  BitswapLimits limits;
  BitswapStat stat;
  bool stopped = false;
  GiverListener* givers = nullptr;
  std::uint32_t looks = 0;
  Account peer_account;
  Account server_account;
  Account client_account;
  Account session_account;
  Account block_account;
  Account send_account;
  AccountResource peer_memory{peer_account};
  AccountResource server_memory{server_account};
  AccountResource client_memory{client_account};
  AccountResource session_memory{session_account};
  const net::HashSecret secret;
  Engine engine;
  Client client;
  Intake intake;
  SlabPool<Peer> peers;
  net::HashIndex<Peer> index;
  IntrusiveList<Peer> known_peers;
};

Bitswap::Bitswap(net::Host& host, store::BlockStore& blocks, store::Jobs& jobs, ChunkPool& chunks,
                 Budget& budget, net::RandomSource& random, const BitswapLimits& limits)
    : parts_(std::make_unique<Parts>(host, blocks, jobs, chunks, budget, random, limits)) {}

Bitswap::~Bitswap() = default;

const PeerId& Bitswap::self() const { return parts_->host.self(); }

std::unique_ptr<store::BlockSource> Bitswap::open_session() { return parts_->client.open_session(); }

void Bitswap::on_block_stored(const Multihash& hash) { parts_->engine.on_block_stored(hash); }

BitswapStat Bitswap::stat() const {
  BitswapStat stat = parts_->stat;
  stat.wants = parts_->client.wants();
  stat.server_wants = parts_->engine.wants();
  stat.peers = parts_->index.size();
  return stat;
}

void Bitswap::visit_wants(CidVisitor& visitor) const {
  parts_->client.for_each_want([&](const ClientWant& want) { visitor.on_cid(want.cid.full()); });
}

void Bitswap::visit_wants_of(const PeerId& id, CidVisitor& visitor) const {
  Peer* const peer = parts_->find(id);
  if (peer == nullptr) return;
  peer->responder.ledger().for_each([&](ServerWant& want) { visitor.on_cid(want.cid.full()); });
}

void Bitswap::visit_peers(PeerVisitor& visitor) const {
  parts_->index.for_each([&](Peer& peer) { visitor.on_peer(peer.id); });
}

bool Bitswap::has_given(const PeerId& id) const {
  const Peer* const peer = parts_->find(id);
  return peer != nullptr && peer->asker.has_sent_blocks();
}

void Bitswap::listen_for_givers(GiverListener* listener) { parts_->givers = listener; }

void Bitswap::set_bounds(const BitswapLimits& limits) {
  parts_->limits.wants = limits.wants;
  parts_->limits.wants_per_peer = limits.wants_per_peer;
  parts_->limits.client_wants = limits.client_wants;
  parts_->limits.asks = limits.asks;
  parts_->limits.block_bytes = limits.block_bytes;
  parts_->limits.send_bytes = limits.send_bytes;
  parts_->block_account.set_quota(limits.block_bytes);
  parts_->send_account.set_quota(limits.send_bytes);
  parts_->intake.room().set_bytes_max(limits.block_bytes);
}

void Bitswap::stop() { parts_->stop(); }

bool Bitswap::idle() const { return parts_->engine.idle() && parts_->client.idle(); }

}  // namespace masu::bitswap
