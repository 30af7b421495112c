#include "multiformats/digest.hpp"

#include "alloc/check.hpp"
#include "multiformats/blake2s.hpp"
#include "multiformats/keccak.hpp"

#include <algorithm>
#include <cstring>
#include <new>

// The plain functions instead of EVP: their state is a value that lies in place, where an EVP context is two
// allocations and a name to look up. The code that hashes is the same.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <blake3.h>
#include <openssl/sha.h>
#include <sodium.h>

namespace masu {

// A hash function over a state that somebody else holds.
struct DigestFunction {
  std::size_t state_bytes;
  std::size_t state_align;
  void (*start)(void* state, HashCode code);
  void (*update)(void* state, Bytes bytes);
  void (*finish)(void* state, MutableBytes out);
};

namespace {

// Of the digest, for functions on the list.
std::size_t usual_bytes(HashCode code) {
  switch (code) {
    case HashCode::sha1: return 20;
    case HashCode::sha3_224:
    case HashCode::keccak_224: return 28;
    case HashCode::sha3_384:
    case HashCode::keccak_384: return 48;
    case HashCode::sha2_512:
    case HashCode::sha3_512:
    case HashCode::shake_256:
    case HashCode::keccak_512: return 64;
    default: break;
  }
  const auto length_after = [code](HashCode first) {
    return static_cast<std::size_t>(code) - static_cast<std::size_t>(first) + 1;
  };
  if (is_blake2b(code)) return length_after(HashCode::blake2b_8);
  if (is_blake2s(code)) return length_after(HashCode::blake2s_8);
  return 32;
}

std::size_t most_bytes(HashCode code) {
  return code == HashCode::blake3 ? digest_bytes_max : usual_bytes(code);
}

// Each State: started by its constructor with the code, update(), and finish(), which fills `out` with at
// most digest_sizes()->most bytes.
template <class State>
constexpr DigestFunction function_of() {
  static_assert(std::is_trivially_destructible_v<State> && std::is_trivially_copyable_v<State>);
  return {sizeof(State), alignof(State), [](void* state, HashCode code) { new (state) State(code); },
          [](void* state, Bytes bytes) { static_cast<State*>(state)->update(bytes); },
          [](void* state, MutableBytes out) { static_cast<State*>(state)->finish(out); }};
}

template <std::size_t size>
void copy_front(const std::array<std::uint8_t, size>& digest, MutableBytes out) {
  std::copy_n(digest.begin(), out.size(), out.begin());
}

struct Sha1State {
  explicit Sha1State(HashCode) { SHA1_Init(&context); }
  void update(Bytes bytes) { SHA1_Update(&context, bytes.data(), bytes.size()); }
  void finish(MutableBytes out) {
    std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
    SHA1_Final(digest.data(), &context);
    copy_front(digest, out);
  }
  SHA_CTX context;
};

struct Sha256State {
  Sha256State() { SHA256_Init(&context); }
  explicit Sha256State(HashCode) : Sha256State() {}
  void update(Bytes bytes) { SHA256_Update(&context, bytes.data(), bytes.size()); }
  Sha256 finish() {
    Sha256 digest;
    SHA256_Final(digest.data(), &context);
    return digest;
  }
  void finish(MutableBytes out) { copy_front(finish(), out); }
  SHA256_CTX context;
};

struct DoubleSha256State : Sha256State {
  using Sha256State::Sha256State;
  void finish(MutableBytes out) { copy_front(sha2_256(Sha256State::finish()), out); }
};

struct Sha512State {
  explicit Sha512State(HashCode) { SHA512_Init(&context); }
  void update(Bytes bytes) { SHA512_Update(&context, bytes.data(), bytes.size()); }
  void finish(MutableBytes out) {
    std::array<std::uint8_t, SHA512_DIGEST_LENGTH> digest;
    SHA512_Final(digest.data(), &context);
    copy_front(digest, out);
  }
  SHA512_CTX context;
};

struct KeccakState {
  explicit KeccakState(HashCode code) : sponge(domain_of(code), capacity_of(code)) {}
  void update(Bytes bytes) { sponge.absorb(bytes); }
  void finish(MutableBytes out) { sponge.squeeze(out); }

  static Keccak::Domain domain_of(HashCode code) {
    if (code == HashCode::shake_256) return Keccak::Domain::shake;
    return code >= HashCode::keccak_224 ? Keccak::Domain::keccak : Keccak::Domain::sha3;
  }
  // Twice the digest; SHAKE-256 has that of a 32-byte one, however long its output.
  static std::size_t capacity_of(HashCode code) {
    return code == HashCode::shake_256 ? 64 : 2 * usual_bytes(code);
  }
  Keccak sponge;
};

struct Blake2bState {
  explicit Blake2bState(HashCode code) : digest_bytes(usual_bytes(code)) {
    crypto_generichash_blake2b_init(&state, nullptr, 0, digest_bytes);
  }
  void update(Bytes bytes) { crypto_generichash_blake2b_update(&state, bytes.data(), bytes.size()); }
  void finish(MutableBytes out) {
    std::array<std::uint8_t, crypto_generichash_blake2b_BYTES_MAX> digest;
    crypto_generichash_blake2b_final(&state, digest.data(), digest_bytes);
    copy_front(digest, out);
  }
  crypto_generichash_blake2b_state state;
  std::size_t digest_bytes;
};

struct Blake2sState {
  explicit Blake2sState(HashCode code) : hash(usual_bytes(code)) {}
  void update(Bytes bytes) { hash.update(bytes); }
  void finish(MutableBytes out) { hash.finish(out); }
  Blake2s hash;
};

struct Blake3State {
  explicit Blake3State(HashCode) { blake3_hasher_init(&hasher); }
  void update(Bytes bytes) { blake3_hasher_update(&hasher, bytes.data(), bytes.size()); }
  void finish(MutableBytes out) { blake3_hasher_finalize(&hasher, out.data(), out.size()); }
  blake3_hasher hasher;
};

constexpr DigestFunction sha1_function = function_of<Sha1State>();
constexpr DigestFunction sha256_function = function_of<Sha256State>();
constexpr DigestFunction double_sha256_function = function_of<DoubleSha256State>();
constexpr DigestFunction sha512_function = function_of<Sha512State>();
constexpr DigestFunction keccak_function = function_of<KeccakState>();
constexpr DigestFunction blake2b_function = function_of<Blake2bState>();
constexpr DigestFunction blake2s_function = function_of<Blake2sState>();
constexpr DigestFunction blake3_function = function_of<Blake3State>();

// Null for what is not on the allow list, and for identity.
const DigestFunction* find_function(HashCode code) {
  switch (code) {
    case HashCode::sha1: return &sha1_function;
    case HashCode::sha2_256: return &sha256_function;
    case HashCode::dbl_sha2_256: return &double_sha256_function;
    case HashCode::sha2_512: return &sha512_function;
    case HashCode::sha3_224:
    case HashCode::sha3_256:
    case HashCode::sha3_384:
    case HashCode::sha3_512:
    case HashCode::shake_256:
    case HashCode::keccak_224:
    case HashCode::keccak_256:
    case HashCode::keccak_384:
    case HashCode::keccak_512: return &keccak_function;
    case HashCode::blake3: return &blake3_function;
    default: break;
  }
  if (code >= HashCode::blake2b_160 && code <= HashCode::blake2b_512) return &blake2b_function;
  if (code >= HashCode::blake2s_160 && code <= HashCode::blake2s_256) return &blake2s_function;
  return nullptr;
}

}  // namespace

std::expected<void, HashRefusal> check_allowed(const Multihash& hash) {
  const std::size_t size = hash.digest().size();
  if (!hash.is_identity()) {
    if (find_function(hash.code()) == nullptr) return std::unexpected(HashRefusal::insecure_function);
    if (size < hash_digest_bytes_min) return std::unexpected(HashRefusal::digest_too_small);
  }
  if (size > digest_bytes_max) return std::unexpected(HashRefusal::digest_too_large);
  return {};
}

std::string explain(HashRefusal refusal, const Multihash& hash) {
  const auto sizes = [&hash](std::string_view what, std::string_view bound, std::size_t limit) {
    std::string text(what);
    text.append(": ").append(name_of(hash.code())).append(" digest got ");
    text.append(std::to_string(hash.digest().size())).append(" bytes, ").append(bound).append(" ");
    return text.append(std::to_string(limit));
  };
  switch (refusal) {
    case HashRefusal::insecure_function: return "potentially insecure hash functions not allowed";
    case HashRefusal::digest_too_small: return sizes("digest too small", "minimum", hash_digest_bytes_min);
    case HashRefusal::digest_too_large: return sizes("digest too large", "maximum", digest_bytes_max);
  }
  return {};
}

std::optional<DigestSizes> digest_sizes(HashCode code) {
  if (find_function(code) == nullptr) return std::nullopt;
  return DigestSizes{usual_bytes(code), most_bytes(code)};
}

bool computable(const Multihash& hash) {
  const auto sizes = digest_sizes(hash.code());
  return sizes && hash.digest().size() <= sizes->most;
}

Digester::Digester(HashCode code, std::pmr::memory_resource& memory)
    : function_(find_function(code)), code_(code), memory_(&memory) {
  MASU_CHECK(function_ != nullptr, "a hash function that is not here");
  if (function_->state_bytes > inline_.size() || function_->state_align > 8) {
    heap_ = memory.allocate(function_->state_bytes, function_->state_align);
  }
  function_->start(state(), code_);
}

Digester::~Digester() {
  if (heap_ != nullptr) memory_->deallocate(heap_, function_->state_bytes, function_->state_align);
}

Digester::Digester(Digester&& other) noexcept
    : function_(other.function_), code_(other.code_), memory_(other.memory_), heap_(other.heap_) {
  if (heap_ == nullptr) std::memcpy(inline_.data(), other.inline_.data(), function_->state_bytes);
  other.heap_ = nullptr;
}

void Digester::update(Bytes bytes) {
  if (!bytes.empty()) function_->update(state(), bytes);
}

Multihash Digester::finish() { return finish(usual_bytes(code_)); }

Multihash Digester::finish(std::size_t digest_bytes) {
  MASU_CHECK(digest_bytes <= most_bytes(code_), "a longer digest than the function makes");
  std::array<std::uint8_t, digest_bytes_max> digest;
  const MutableBytes out = MutableBytes(digest).first(digest_bytes);
  function_->finish(state(), out);
  function_->start(state(), code_);
  return Multihash::make(code_, out);
}

std::optional<Multihash> multihash_of(HashCode code, Bytes bytes) {
  if (code == HashCode::identity) {
    if (bytes.size() > digest_bytes_max) return std::nullopt;
    return Multihash::make(code, bytes);
  }
  if (find_function(code) == nullptr) return std::nullopt;
  Digester digester(code);
  digester.update(bytes);
  return digester.finish();
}

bool matches(const Multihash& hash, Bytes bytes) {
  if (hash.is_identity()) return equal(hash.digest(), bytes);
  if (!computable(hash)) return false;
  Digester digester(hash.code());
  digester.update(bytes);
  return digester.finish(hash.digest().size()) == hash;
}

Sha256 sha2_256(Bytes bytes) {
  Sha256State state;
  state.update(bytes);
  return state.finish();
}

}  // namespace masu
