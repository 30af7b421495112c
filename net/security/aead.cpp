#include "net/security/aead.hpp"

#include "alloc/check.hpp"

#include <new>

#include <openssl/evp.h>
#include <sodium.h>

namespace masu::net {

CipherState::~CipherState() { sodium_memzero(key_.data(), key_.size()); }

struct AeadContext::Impl {
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();

  ~Impl() {
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
  }
};

AeadContext::AeadContext() : impl_(std::make_unique<Impl>()) {
  if (impl_->cipher == nullptr || impl_->context == nullptr ||
      EVP_CipherInit_ex(impl_->context, impl_->cipher, nullptr, nullptr, nullptr, 1) != 1) {
    throw std::bad_alloc();
  }
}

AeadContext::~AeadContext() = default;

bool AeadContext::begin_seal(CipherState& state, Bytes associated) { return begin(state, associated, true); }

bool AeadContext::begin_open(CipherState& state, Bytes associated) { return begin(state, associated, false); }

bool AeadContext::begin(CipherState& state, Bytes associated, bool seal) {
  MASU_CHECK(!state.exhausted(), "a nonce is never used twice");
  std::array<std::uint8_t, 12> nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(state.counter_ >> (8 * i));
  ++state.counter_;
  if (EVP_CipherInit_ex(impl_->context, nullptr, nullptr, state.key_.data(), nonce.data(), seal ? 1 : 0) !=
      1) {
    return false;
  }
  if (associated.empty()) return true;
  int written = 0;
  return EVP_CipherUpdate(impl_->context, nullptr, &written, associated.data(),
                          static_cast<int>(associated.size())) == 1;
}

bool AeadContext::update(MutableBytes piece) {
  if (piece.empty()) return true;
  int written = 0;
  return EVP_CipherUpdate(impl_->context, piece.data(), &written, piece.data(),
                          static_cast<int>(piece.size())) == 1;
}

bool AeadContext::finish_seal(std::span<std::uint8_t, aead_tag_bytes> tag) {
  std::array<std::uint8_t, 64> none;
  int written = 0;
  return EVP_CipherFinal_ex(impl_->context, none.data(), &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(impl_->context, EVP_CTRL_AEAD_GET_TAG, aead_tag_bytes, tag.data()) == 1;
}

bool AeadContext::finish_open(std::span<const std::uint8_t, aead_tag_bytes> tag) {
  std::array<std::uint8_t, aead_tag_bytes> expected;
  std::copy(tag.begin(), tag.end(), expected.begin());
  std::array<std::uint8_t, 64> none;
  int written = 0;
  return EVP_CIPHER_CTX_ctrl(impl_->context, EVP_CTRL_AEAD_SET_TAG, aead_tag_bytes, expected.data()) == 1 &&
         EVP_CipherFinal_ex(impl_->context, none.data(), &written) == 1;
}

}  // namespace masu::net
