// Peer: a connected peer that speaks Bitswap: both directions of it, and the streams it opened. One entry of
// bitswap.peer, owned by the Bitswap; gone when the peer is, with all that it wanted.
#pragma once

#include "alloc/intrusive_list.hpp"
#include "alloc/plan.hpp"
#include "bitswap/asker.hpp"
#include "bitswap/engine.hpp"
#include "bitswap/inbound.hpp"
#include "bitswap/peer_score.hpp"
#include "multiformats/peer_id.hpp"
#include "net/hash_index.hpp"

namespace masu::bitswap {

struct Peer final : net::HashIndexNode<Peer>, IntrusiveListNode<Peer>, private ResponderPeer {
  Peer(Engine& engine, Client& client, net::Host& host, const PeerId& id_)
      : id(id_), responder(engine, host, id, *this), asker(client, host, id) {}
  Bytes hash_key() const { return id.bytes(); }

  // Nobody calls it back any more.
  bool settled() const { return inbound.empty() && responder.settled() && asker.settled(); }

  PeerExchange exchange() {
    Ledger& ledger = responder.ledger();
    return {asker.data_received(), responder.data_sent(), ledger.size() > ledger.count(WantState::absent)};
  }

  const PeerId id;
  Responder responder;
  Asker asker;
  IntrusiveList<Inbound> inbound;
  PeerScore score;
  bool gone = false;

 private:
  bool has_given() const override { return asker.has_sent_blocks(); }
  void on_want_room() override {
    for (auto at = inbound.begin(); at != inbound.end();) {
      Inbound& stream = *at++;
      if (stream.waits_for_want()) stream.resume();
    }
  }
};
static_assert(sizeof(Peer) <= plan_entry::bitswap_peer_bytes);

}  // namespace masu::bitswap
