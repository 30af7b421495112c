// StoredCid: a CID as table entries hold it: short ones in place, in 40 bytes; those of long digests in a
// slab of their own, which is smaller than the table. Lives where its entry does.
#pragma once

#include "alloc/bytes.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/cid.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <new>

namespace masu::bitswap {

class StoredCid {
 public:
  using LongPool = SlabPool<Cid>;

  // Throws std::bad_alloc when a long one has no place.
  StoredCid(const Cid& cid, LongPool& long_cids) {
    const Bytes bytes = cid.bytes();
    if (bytes.size() <= short_bytes_max) {
      size_ = static_cast<std::uint8_t>(bytes.size());
      std::memcpy(bytes_.data(), bytes.data(), bytes.size());
      return;
    }
    const Long stored{long_cids.create(cid), &long_cids};
    if (stored.cid == nullptr) throw std::bad_alloc();
    std::memcpy(bytes_.data(), &stored, sizeof stored);
  }
  ~StoredCid() {
    if (size_ == is_long) get_long().pool->destroy(get_long().cid);
  }
  StoredCid(const StoredCid&) = delete;
  StoredCid& operator=(const StoredCid&) = delete;

  Bytes bytes() const { return size_ == is_long ? get_long().cid->bytes() : Bytes(bytes_).first(size_); }
  Cid full() const { return *Cid::decode(bytes()); }
  Bytes hash_bytes() const {
    // A CID of version 0 is its multihash; in front of others stand two varints.
    Bytes rest = bytes();
    if (rest.size() == 34 && rest[0] == 0x12) return rest;
    (void)take_varint(rest);
    (void)take_varint(rest);
    return rest;
  }

 private:
  static constexpr std::size_t short_bytes_max = 39;
  static constexpr std::uint8_t is_long = 0xff;
  struct Long {
    Cid* cid;
    LongPool* pool;
  };
  Long get_long() const {
    Long stored;
    std::memcpy(&stored, bytes_.data(), sizeof stored);
    return stored;
  }

  std::uint8_t size_ = is_long;
  std::array<std::uint8_t, short_bytes_max> bytes_;
};
static_assert(sizeof(StoredCid) == 40);

}  // namespace masu::bitswap
