// DialBackoff: addresses that failed, and until when they are left alone: 5 s + n² s after n failures in a
// row before, five minutes at most.
//
// Owned by the swarm; loop thread only. Bounded by a count: at the cap the oldest failure is forgotten, which
// costs a dial too many.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/clock.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/resource.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/multiaddr.hpp"
#include "multiformats/peer_id.hpp"
#include "net/hash_index.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace masu::net {

class DialBackoff {
 public:
  static constexpr Duration base = 5s;
  static constexpr Duration longest = 5min;

  DialBackoff(Account& account, AccountResource& memory, const HashSecret& secret, std::size_t entries_max);
  ~DialBackoff();
  DialBackoff(const DialBackoff&) = delete;
  DialBackoff& operator=(const DialBackoff&) = delete;

  bool allows(const PeerId& peer, const MultiaddrView& address, TimePoint now) const;
  void on_failure(const PeerId& peer, const MultiaddrView& address, TimePoint now);
  void on_success(const PeerId& peer, const MultiaddrView& address);
  // The user asks for it: all addresses of the peer are free again.
  void clear(const PeerId& peer);
  std::size_t entries() const { return entries_.used(); }

 private:
  static constexpr std::size_t address_bytes_max = 64;
  struct Key {
    std::array<std::uint8_t, PeerId::bytes_max + address_bytes_max> bytes;
    std::uint8_t size = 0;
    operator Bytes() const { return {bytes.data(), size}; }
  };
  static Key key_of(const PeerId& peer, const MultiaddrView& address);

  struct Entry : HashIndexNode<Entry>, IntrusiveListNode<Entry> {
    Bytes hash_key() const { return key; }
    Key key;
    unsigned failures = 0;
    TimePoint until{};
  };
  void remove(Entry& entry);

  SlabPool<Entry> entries_;
  HashIndex<Entry> index_;
  IntrusiveList<Entry> by_age_;  // the oldest failure first
};

}  // namespace masu::net
