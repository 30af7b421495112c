// Bitswap: blocks asked of peers and given to them. What core owns of this folder.
//
// It registers its protocols with the host, keeps a Peer for each connected one that speaks them, answers
// wants through the Engine (server) and fetches through the Client, of which each walk over a DAG has a
// Session. Blocks that arrive are hashed while they do, stored by jobs, and given to who waits for them.
//
// Loop thread only. Blocks go between it and the store in jobs: it must outlive those, see stop(). It also
// outlives the host's streams. Every table has its cap in BitswapLimits.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "bitswap/limits.hpp"
#include "bitswap/stat.hpp"
#include "multiformats/cid.hpp"
#include "multiformats/peer_id.hpp"
#include "net/host.hpp"
#include "net/random.hpp"
#include "store/block_source.hpp"
#include "store/block_store.hpp"
#include "store/jobs.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace masu::bitswap {

class CidVisitor {
 public:
  virtual void on_cid(const Cid& cid) = 0;

 protected:
  ~CidVisitor() = default;
};
class PeerVisitor {
 public:
  virtual void on_peer(const PeerId& peer) = 0;

 protected:
  ~PeerVisitor() = default;
};

class GiverListener {
 public:
  // A peer sent a block that was wanted, the first since it is connected.
  virtual void on_giver(const PeerId& peer) = 0;

 protected:
  ~GiverListener() = default;
};

class Bitswap final {
 public:
  // Registers itself with the host. `blocks` is called inside jobs only.
  Bitswap(net::Host& host, store::BlockStore& blocks, store::Jobs& jobs, ChunkPool& chunks, Budget& budget,
          net::RandomSource& random, const BitswapLimits& limits);
  // Requires: idle(), no session is open, and all streams have ended (the host's connections are closed).
  ~Bitswap();
  Bitswap(const Bitswap&) = delete;
  Bitswap& operator=(const Bitswap&) = delete;

  const PeerId& self() const;

  // Blocks for one walk, from the store and from peers. Null: as many sessions as may be are open.
  [[nodiscard]] std::unique_ptr<store::BlockSource> open_session();

  // A block came into the store by another way (an import, a command): peers that wait for it get it.
  void on_block_stored(const Multihash& hash);

  BitswapStat stat() const;
  // What we want, or what `peer` wants of us (nothing when it is not connected).
  void visit_wants(CidVisitor& visitor) const;
  void visit_wants_of(const PeerId& peer, CidVisitor& visitor) const;
  // Peers that have a ledger with us.
  void visit_peers(PeerVisitor& visitor) const;

  // Whether it sent a block that was wanted since it is connected.
  bool has_given(const PeerId& peer) const;
  // `listener` must outlive this, or take itself away with null.
  void listen_for_givers(GiverListener* listener);
  // Other bounds of wants and of bytes in flight, as the plan of another budget says. Requires: not above
  // those at the start.
  void set_bounds(const BitswapLimits& limits);

  // Ends all streams and drops what peers want; sessions get no more answers. Jobs that are under way come
  // back later: idle() says when the last one has.
  void stop();
  bool idle() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace masu::bitswap
