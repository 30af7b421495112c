// WriteBuffer: entries that have not reached the index yet, by multihash, in two pieces of memory of fixed
// size.
//
// Entries lie one behind the other; a table of slots finds them. A newer entry of a key hides the older one,
// whose bytes stay used until clear(). Keys can be chosen by peers: a table of some thousand slots that all
// collide costs milliseconds at worst. Not thread-safe: the owner locks (StoreState).
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/multihash.hpp"

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

namespace masu::store {

class WriteBuffer {
 public:
  // Throws std::bad_alloc.
  WriteBuffer(std::pmr::memory_resource& memory, std::size_t bytes);

  static std::size_t cost(Bytes key, Bytes value) { return cost(key.size(), value.size()); }
  static std::size_t cost(std::size_t key_bytes, std::size_t value_bytes) {
    return head_bytes + key_bytes + value_bytes;
  }
  // Room for entries of that cost together. Few are many: `entries` is counted too.
  bool has_room(std::size_t cost, std::size_t entries = 1) const {
    return used_ + cost <= bytes_.size() && entries_ + entries <= slots_.size() / 2;
  }
  // Requires: room.
  void insert(Bytes key, Bytes value);
  // Valid until clear().
  std::optional<Bytes> find(Bytes key) const;
  bool empty() const { return used_ == 0; }
  std::size_t used_bytes() const { return used_; }
  void clear();

  // The newest entry of each key, in no order: visit(key, value).
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (const std::uint32_t slot : slots_) {
      if (slot != 0) visit(key_at(slot - 1), value_at(slot - 1));
    }
  }

 private:
  static constexpr std::size_t head_bytes = 4;  // the sizes of key and value

  std::size_t slot_of(Bytes key) const;
  Bytes key_at(std::uint32_t at) const;
  Bytes value_at(std::uint32_t at) const;
  std::size_t size_at(std::uint32_t at) const { return bytes_[at] | std::size_t{bytes_[at + 1]} << 8; }

  std::pmr::vector<std::uint8_t> bytes_;
  std::pmr::vector<std::uint32_t> slots_;  // one more than where the entry begins; 0: free
  std::size_t used_ = 0;
  std::size_t entries_ = 0;
};

}  // namespace masu::store
