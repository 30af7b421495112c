// SeededRandom: random bytes that a seed repeats, for tests and benchmarks.
#pragma once

#include "alloc/bytes.hpp"
#include "net/random.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace masu {

class SeededRandom final : public net::RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(MutableBytes out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
  }
  std::uint64_t next() { return engine_(); }
  // Requires: bound > 0.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  std::string bytes(std::size_t count) {
    std::string out(count, '\0');
    for (std::size_t at = 0; at < count; at += 8) {
      const std::uint64_t word = engine_();
      for (std::size_t n = 0; n < 8 && at + n < count; ++n) out[at + n] = static_cast<char>(word >> (8 * n));
    }
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace masu
