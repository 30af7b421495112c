// BytesHash: a keyed hash over anything with bytes(), for tables whose keys peers choose (CIDs, multihashes,
// peer ids).
//
// std::hash is the same everywhere, so that a peer could send keys that all fall into one bucket. SipHash
// with a secret key, drawn once for a table from its owner's random source, takes that away, and a seeded
// source makes runs of the simulator equal. Looks up a compact key by a full one. Any thread.
#pragma once

#include "alloc/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace masu {

class BytesHash {
 public:
  using is_transparent = void;
  using Key = std::array<std::uint8_t, 16>;

  explicit BytesHash(const Key& key) : key_(key) {}
  std::size_t operator()(Bytes bytes) const;
  template <class T>
  std::size_t operator()(const T& value) const {
    return (*this)(value.bytes());
  }

 private:
  Key key_;
};

struct BytesEqual {
  using is_transparent = void;
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return equal(a.bytes(), b.bytes());
  }
};

}  // namespace masu
