// Digests: the hash functions behind multihashes, and which of them this node trusts.
//
// check_allowed() is the rule for every block that is read or written, boxo's verifcid list: no broken
// functions but sha1, which git objects need, no digest below 20 bytes, none above 128. Digester computes one
// while bytes arrive; matches() and multihash_of() are for bytes that are all there.
//
// The state of SHA-1 and SHA-2-256 lies in the Digester; that of other functions comes from the memory
// resource it is given, up to 2 KiB (BLAKE3), which may throw std::bad_alloc in the constructor and nowhere
// else. Functions: OpenSSL (SHA-1, SHA-2: the processor's SHA instructions), libsodium (BLAKE2b), the BLAKE3
// C sources, and here Keccak (SHA-3, SHAKE) and BLAKE2s. Any thread, one at a time for a Digester.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/multihash.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory_resource>
#include <optional>
#include <string>

namespace masu {

inline constexpr std::size_t hash_digest_bytes_min = 20;

// Why a multihash is not accepted.
enum class HashRefusal : std::uint8_t { insecure_function, digest_too_small, digest_too_large };
std::expected<void, HashRefusal> check_allowed(const Multihash& hash);
// For people, as boxo words it.
std::string explain(HashRefusal refusal, const Multihash& hash);

// Digests that a function can make: of `usual` bytes when nobody asks, of fewer by leaving off the end, and
// up to `most`. Nothing: not computed here (identity, or not on the list).
struct DigestSizes {
  std::size_t usual;
  std::size_t most;
};
std::optional<DigestSizes> digest_sizes(HashCode code);
// Whether a Digester can tell if bytes match this multihash.
bool computable(const Multihash& hash);

struct DigestFunction;

class Digester {
 public:
  // Requires: digest_sizes(code).
  explicit Digester(HashCode code, std::pmr::memory_resource& memory = *std::pmr::get_default_resource());
  ~Digester();
  Digester(Digester&& other) noexcept;
  Digester& operator=(Digester&&) = delete;

  void update(Bytes bytes);
  // The multihash of all bytes since the start; then it starts again.
  Multihash finish();
  // With a digest of so many bytes. Requires: at most digest_sizes(code)->most.
  Multihash finish(std::size_t digest_bytes);

 private:
  void* state() { return heap_ != nullptr ? heap_ : inline_.data(); }

  const DigestFunction* function_;
  HashCode code_;
  std::pmr::memory_resource* memory_;
  void* heap_ = nullptr;
  alignas(8) std::array<std::uint8_t, 112> inline_;
};

// The identity of up to 128 bytes, or a digest of the usual size; nothing when there is no such function here
// or the bytes are too many.
std::optional<Multihash> multihash_of(HashCode code, Bytes bytes);
// Whether the bytes are what the multihash names; for identity, whether it holds them.
bool matches(const Multihash& hash, Bytes bytes);

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha2_256(Bytes bytes);

}  // namespace masu
