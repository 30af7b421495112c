// RandomSource: unpredictable bytes, fit for keys. core makes the real one (libsodium), the tests and the
// simulator a seeded one; no protocol code draws randomness from anywhere else. Loop thread only.
#pragma once

#include "alloc/bytes.hpp"

namespace masu::net {

class RandomSource {
 public:
  virtual void fill(MutableBytes out) = 0;

 protected:
  ~RandomSource() = default;
};

}  // namespace masu::net
