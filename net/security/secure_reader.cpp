#include "net/security/secure_reader.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace masu::net {
namespace {

// Moves the data of a chunk to its beginning, so that all other space lies behind it.
void compact(Chunk& chunk) {
  const Bytes data = chunk.data();
  const std::size_t bytes = data.size();
  chunk.consume(bytes);
  std::memmove(chunk.space().data(), data.data(), bytes);
  chunk.fill(bytes);
}

}  // namespace

Chunk SecureReader::chunk_for_reading(const Claim& claim) {
  MASU_CHECK(!lent_, "one read at a time");
  lent_more_ = 0;  // of a read that clear() interrupted
  blocked_ = Blocked::no;
  if (count_ == 0) {
    if (claim.takes) chunks_[0] = pool_.take(holder_);
    if (!chunks_[0]) {
      blocked_ = Blocked::chunk;
      return Chunk();
    }
    count_ = 1;
    return lend_last();
  }
  Chunk& last = chunks_[count_ - 1];
  // Unknown is as good as small: the two bytes of the length are kept in one chunk.
  const std::size_t frame = secure_ ? frame_bytes() : 0;
  if (frame <= chunk_bytes && count_ == 1) {
    const std::size_t missing = frame == 0 ? chunk_bytes / 2 : frame - last.data().size();
    if (last.space().size() < missing) compact(last);
    MASU_CHECK(!last.space().empty(), "what fills a chunk was consumed or refused");
    return lend_last();
  }
  if (!last.space().empty()) return lend_last();
  if (!claim.takes) {
    blocked_ = Blocked::chunk;
    return Chunk();
  }
  if (!slot_) slot_ = slots_.take(claim.slots_left);
  if (!slot_) {
    blocked_ = Blocked::slot;
    return Chunk();
  }
  MASU_CHECK(count_ < frame_chunks_max, "a frame has so many chunks at most");
  chunks_[count_] = pool_.take(holder_);
  if (!chunks_[count_]) {
    blocked_ = Blocked::chunk;
    return Chunk();
  }
  ++count_;
  return lend_last();
}

Chunk SecureReader::lend_last() {
  lent_ = true;
  Chunk& last = chunks_[count_ - 1];
  lent_data_ = static_cast<std::uint16_t>(last.data().size());
  const std::size_t frame = secure_ ? frame_bytes() : 0;
  const std::size_t room = gathered_bytes() + last.space().size();
  const std::size_t missing = frame - std::min(frame, room);
  behind_ = static_cast<std::uint8_t>((missing + chunk_bytes - 1) / chunk_bytes);
  return std::move(chunks_[count_ - 1]);
}

std::size_t SecureReader::chunks_behind(const Claim& claim, std::span<Chunk> more) {
  MASU_CHECK(lent_ && lent_more_ == 0, "the first chunk is lent");
  if (behind_ == 0 || !claim.takes) return 0;
  if (!slot_) slot_ = slots_.take(claim.slots_left);
  if (!slot_) return 0;
  MASU_CHECK(count_ + behind_ <= frame_chunks_max, "a frame has so many chunks at most");
  for (Chunk& chunk : more.first(std::min<std::size_t>(more.size(), behind_))) {
    chunk = pool_.take(holder_);
    if (!chunk) break;
    ++lent_more_;
  }
  if (lent_more_ == 0 && count_ == 1) slot_.reset();
  return lent_more_;
}

std::size_t SecureReader::add(Chunk chunk) {
  MASU_CHECK(chunk, "a chunk that was lent comes back");
  if (!lent_) return add_behind(std::move(chunk));
  lent_ = false;
  const std::size_t fresh = chunk.data().size() - lent_data_;
  if (count_ == 0) return fresh;  // cleared meanwhile: dropped
  chunks_[count_ - 1] = std::move(chunk);
  if (chunks_[count_ - 1].data().empty()) chunks_[--count_].reset();
  return fresh;
}

// The frame is complete with the last of them at the earliest.
std::size_t SecureReader::add_behind(Chunk chunk) {
  const std::size_t fresh = chunk.data().size();
  if (count_ == 0) return fresh;  // cleared meanwhile: dropped
  MASU_CHECK(lent_more_ > 0, "a chunk that was lent comes back");
  --lent_more_;
  if (fresh > 0) chunks_[count_++] = std::move(chunk);
  if (lent_more_ == 0 && count_ == 1) slot_.reset();
  return fresh;
}

MutableBytes SecureReader::raw() {
  MASU_CHECK(!secure_, "raw bytes are shown before start() only");
  return count_ == 0 ? MutableBytes() : chunks_[0].mutable_data();
}

void SecureReader::start(const CipherState& key) {
  key_ = key;
  secure_ = true;
}

// The length of the frame that begins the first chunk, with its two bytes; 0: not known yet.
std::size_t SecureReader::frame_bytes() const {
  const Bytes data = chunks_[0].data();
  if (data.size() < noise_length_bytes) return 0;
  return noise_length_bytes + (std::size_t{data[0]} << 8 | data[1]);
}

std::expected<Bytes, NoiseError> SecureReader::peek(AeadContext& aead) {
  MASU_CHECK(secure_, "plaintext comes after start()");
  while (opened_ == 0) {
    const auto opened = open_frame(aead);
    if (!opened) return std::unexpected(opened.error());
    if (!*opened) return Bytes();
  }
  const Bytes data = chunks_[0].data();
  return data.first(std::min<std::size_t>(data.size(), opened_));
}

// True: a frame was opened (it may be empty); false: it is not all here.
std::expected<bool, NoiseError> SecureReader::open_frame(AeadContext& aead) {
  if (count_ == 0) return false;
  const std::size_t frame = frame_bytes();
  const std::size_t here = gathered_bytes();
  if (frame == 0) return false;
  if (frame < noise_length_bytes + aead_tag_bytes) return std::unexpected(NoiseError::truncated);
  if (here < frame) return false;
  if (key_.exhausted()) return std::unexpected(NoiseError::exhausted);

  skip(noise_length_bytes);
  if (!aead.begin_open(key_)) return std::unexpected(NoiseError::no_memory);
  const std::size_t text = frame - noise_length_bytes - aead_tag_bytes;
  std::size_t text_left = text;
  std::array<std::uint8_t, aead_tag_bytes> tag;
  std::size_t tag_have = 0;
  for (std::size_t i = 0; tag_have < tag.size(); ++i) {
    MutableBytes data = chunks_[i].mutable_data();
    const MutableBytes piece = data.first(std::min(text_left, data.size()));
    if (!aead.update(piece)) return std::unexpected(NoiseError::no_memory);
    text_left -= piece.size();
    data = data.subspan(piece.size());
    data = data.first(std::min(data.size(), tag.size() - tag_have));
    std::copy(data.begin(), data.end(), tag.begin() + static_cast<std::ptrdiff_t>(tag_have));
    tag_have += data.size();
  }
  if (!aead.finish_open(tag)) return std::unexpected(NoiseError::bad_tag);
  opened_ = static_cast<std::uint32_t>(text);
  if (opened_ == 0) skip(aead_tag_bytes);
  return true;
}

void SecureReader::consume(std::size_t bytes) {
  if (bytes == 0) return;
  skip(bytes);
  if (!secure_) return;
  MASU_CHECK(bytes <= opened_, "what is consumed was shown");
  opened_ -= static_cast<std::uint32_t>(bytes);
  if (opened_ == 0) skip(aead_tag_bytes);
}

void SecureReader::skip(std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t part = std::min(bytes, chunks_[0].data().size());
    MASU_CHECK(part > 0, "what is skipped is here");
    chunks_[0].consume(part);
    bytes -= part;
    if (chunks_[0].data().empty()) drop_front();
  }
  if (count_ <= 1) slot_.reset();
}

void SecureReader::drop_front() {
  chunks_[0].reset();
  for (std::size_t i = 1; i < count_; ++i) chunks_[i - 1] = std::move(chunks_[i]);
  --count_;
}

std::size_t SecureReader::gathered_bytes() const {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count_; ++i) bytes += chunks_[i].data().size();
  return bytes;
}

void SecureReader::clear() {
  for (Chunk& chunk : chunks_) chunk.reset();
  count_ = 0;
  opened_ = 0;
  slot_.reset();
}

}  // namespace masu::net
