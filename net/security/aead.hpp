// AeadContext, CipherState: ChaCha20-Poly1305 as Noise uses it (96-bit nonce: 32 zero bits, then the
// message counter in little-endian order), over pieces and in place.
//
// A CipherState is a key and a counter: all that a connection keeps for one direction. The cipher object of
// OpenSSL (some hundred bytes outside of our accounts) exists once for the thread, in the AeadContext, and is
// re-keyed for each message, which costs about half a microsecond. Loop thread only.
#pragma once

#include "alloc/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

namespace masu::net {

inline constexpr std::size_t aead_tag_bytes = 16;

// Wiped when destroyed.
class CipherState {
 public:
  CipherState() = default;
  explicit CipherState(const std::array<std::uint8_t, 32>& key) : key_(key) {}
  ~CipherState();
  CipherState(const CipherState&) = default;
  CipherState& operator=(const CipherState&) = default;

  // No message may use the last counter (Noise reserves it): the connection must end.
  bool exhausted() const { return counter_ == std::numeric_limits<std::uint64_t>::max(); }
  std::uint64_t counter() const { return counter_; }
  void set_counter(std::uint64_t counter) { counter_ = counter; }

 private:
  friend class AeadContext;
  std::array<std::uint8_t, 32> key_{};
  std::uint64_t counter_ = 0;
};

class AeadContext {
 public:
  AeadContext();  // Throws std::bad_alloc when OpenSSL has no memory for it.
  ~AeadContext();
  AeadContext(const AeadContext&) = delete;
  AeadContext& operator=(const AeadContext&) = delete;

  // One message: begin, update() for each piece in order, then finish. False: OpenSSL refused (no memory), or
  // the tag is wrong; the message must not be used then. The counter goes up with begin.
  // Requires: !state.exhausted().
  [[nodiscard]] bool begin_seal(CipherState& state, Bytes associated = {});
  [[nodiscard]] bool begin_open(CipherState& state, Bytes associated = {});
  [[nodiscard]] bool update(MutableBytes piece);
  [[nodiscard]] bool finish_seal(std::span<std::uint8_t, aead_tag_bytes> tag);
  [[nodiscard]] bool finish_open(std::span<const std::uint8_t, aead_tag_bytes> tag);

 private:
  bool begin(CipherState& state, Bytes associated, bool seal);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace masu::net
