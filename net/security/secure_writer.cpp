#include "net/security/secure_writer.hpp"

#include "alloc/check.hpp"
#include "net/security/secure_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace masu::net {

// Each chunk keeps room for the tag, so that whichever is the last one of its frame can take it.
static_assert(noise_length_bytes + SecureWriter::open_chunks_max * (chunk_bytes - aead_tag_bytes) <=
              noise_length_bytes + noise_message_max_bytes);

std::size_t SecureWriter::space_of(std::size_t index) {
  const std::size_t space = open_[index].space().size();
  return space > aead_tag_bytes ? space - aead_tag_bytes : 0;
}

std::size_t SecureWriter::room(std::size_t wish) {
  std::size_t have = 0;
  refused_ = false;
  for (std::size_t i = 0; i < open_count_; ++i) have += space_of(i);
  while (have < wish) {
    if (open_count_ >= frame_chunks_) {  // above it when the link stalled meanwhile
      filled_ = true;
      return have;
    }
    const bool first = open_count_ == 0;
    Chunk chunk = pool_.take(holder_, first && sealed_.empty() ? Need::essential : Need::optional);
    if (!chunk) {
      refused_ = have == 0;
      return have;
    }
    if (first && secure_) {
      std::memset(chunk.space().data(), 0, noise_length_bytes);
      chunk.fill(noise_length_bytes);
    }
    open_[open_count_] = std::move(chunk);
    have += space_of(open_count_++);
  }
  return wish;
}

void SecureWriter::append(Bytes bytes) {
  open_bytes_ += static_cast<std::uint32_t>(bytes.size());
  for (std::size_t i = 0; i < open_count_ && !bytes.empty(); ++i) {
    const std::size_t part = std::min(bytes.size(), space_of(i));
    if (part == 0) continue;
    std::memcpy(open_[i].space().data(), bytes.data(), part);
    open_[i].fill(part);
    bytes = bytes.subspan(part);
  }
  MASU_CHECK(bytes.empty(), "what is appended fits the room");
}

void SecureWriter::start(const CipherState& key) {
  close_frame();  // what was appended goes as it is
  key_ = key;
  secure_ = true;
}

std::expected<Bytes, NoiseError> SecureWriter::front(AeadContext& aead) {
  if (sealed_.empty() && open_bytes_ > 0) {
    if (auto sealed = seal(aead); !sealed) return std::unexpected(sealed.error());
  }
  return sealed_.front();
}

std::size_t SecureWriter::behind_front(std::span<Bytes> pieces) const {
  std::size_t count = 0;
  ChunkChain::Piece piece = sealed_.begin();
  if (piece) piece.next();
  for (; piece && count < pieces.size(); piece.next()) pieces[count++] = piece.data();
  return count;
}

std::expected<void, NoiseError> SecureWriter::seal(AeadContext& aead) {
  if (secure_) {
    if (key_.exhausted()) return std::unexpected(NoiseError::exhausted);
    if (!aead.begin_seal(key_)) return std::unexpected(NoiseError::no_memory);
    const std::size_t message = open_bytes_ + aead_tag_bytes;
    std::size_t last = 0;
    for (std::size_t i = 0; i < open_count_; ++i) {
      MutableBytes data = open_[i].mutable_data();
      if (i == 0) {
        data[0] = static_cast<std::uint8_t>(message >> 8);
        data[1] = static_cast<std::uint8_t>(message);
        data = data.subspan(noise_length_bytes);
      }
      if (data.empty()) continue;
      if (!aead.update(data)) return std::unexpected(NoiseError::no_memory);
      last = i;
    }
    const MutableBytes tag = open_[last].space();
    if (!aead.finish_seal(tag.first<aead_tag_bytes>())) return std::unexpected(NoiseError::no_memory);
    open_[last].fill(aead_tag_bytes);
  }
  close_frame();
  return {};
}

void SecureWriter::close_frame() {
  for (std::size_t i = 0; i < open_count_; ++i) {
    if (open_bytes_ > 0 && !open_[i].data().empty()) sealed_.append(std::move(open_[i]));
    open_[i].reset();
  }
  open_count_ = 0;
  open_bytes_ = 0;
}

void SecureWriter::sent(std::size_t bytes) {
  sealed_.consume(bytes);
  if (!sealed_.empty() || !filled_) return;
  filled_ = false;
  frame_chunks_ = std::min<std::uint8_t>(frame_chunks_ * 2, open_chunks_max);
}

void SecureWriter::clear() {
  sealed_.clear();
  open_bytes_ = 0;
  close_frame();
}

}  // namespace masu::net
