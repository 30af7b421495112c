// HashIndex: finds entries that lie in slabs by their key, without allocating: a chained hash table whose
// links lie in the entries and whose buckets are made once, for the slab's capacity.
//
// Keys come from peers, so buckets are chosen by SipHash under a secret: nobody outside can aim many keys at
// one chain. Loop thread only. The index does not own its entries; those still inside when it ends are
// forgotten.
#pragma once

#include "alloc/bytes.hpp"
#include "alloc/check.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

namespace masu::net {

class HashSecret {
 public:
  static constexpr std::size_t bytes_max = 16;
  // `bytes`: random, bytes_max of them.
  explicit HashSecret(Bytes bytes);
  std::uint64_t hash(Bytes key) const;

 private:
  std::array<std::uint8_t, bytes_max> secret_;
};

// Base of an entry.
template <class Entry>
class HashIndexNode {
 private:
  template <class E>
  friend class HashIndex;
  Entry* hash_next_ = nullptr;
  std::uint64_t hash_ = 0;
};

// Entry has `Bytes hash_key() const`, which does not change while it is inside.
template <class Entry>
class HashIndex {
 public:
  HashIndex(std::pmr::memory_resource& memory, const HashSecret& secret, std::size_t entries)
      : secret_(secret), buckets_(std::bit_ceil(entries + entries / 2 + 1), nullptr, &memory) {}

  Entry* find(Bytes key) const {
    const std::uint64_t hash = secret_.hash(key);
    for (Entry* entry = bucket(hash); entry != nullptr; entry = node(*entry).hash_next_) {
      if (node(*entry).hash_ == hash && equal(entry->hash_key(), key)) return entry;
    }
    return nullptr;
  }
  // Requires: no entry with this key is inside.
  void insert(Entry& entry) {
    node(entry).hash_ = secret_.hash(entry.hash_key());
    Entry*& head = bucket(node(entry).hash_);
    node(entry).hash_next_ = head;
    head = &entry;
    ++size_;
  }
  // Requires: it is inside.
  void remove(Entry& entry) {
    Entry** place = &bucket(node(entry).hash_);
    while (*place != &entry) {
      MASU_CHECK(*place != nullptr, "an entry is removed from the index it is in");
      place = &node(**place).hash_next_;
    }
    *place = node(entry).hash_next_;
    node(entry).hash_next_ = nullptr;
    --size_;
  }
  std::size_t size() const { return size_; }

  // `visit(Entry&)` may remove the entry it is given, and no other.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (Entry* entry : buckets_) {
      while (entry != nullptr) {
        Entry* next = node(*entry).hash_next_;
        visit(*entry);
        entry = next;
      }
    }
  }

 private:
  static HashIndexNode<Entry>& node(Entry& entry) { return entry; }
  Entry*& bucket(std::uint64_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }
  Entry* bucket(std::uint64_t hash) const { return buckets_[hash & (buckets_.size() - 1)]; }

  const HashSecret& secret_;
  std::pmr::vector<Entry*> buckets_;
  std::size_t size_ = 0;
};

}  // namespace masu::net
