// SecureWriter: the outbound half of a secured link: gathers plaintext in an open frame, seals it in place
// when the link asks, and holds it until the link took it.
//
// Before start() bytes go out as they are (multistream-select and the handshake). After it, what was
// appended since the last frame becomes one Noise frame at the moment when the link has nothing else to
// send: small when there was little, up to 64 KiB when there is much. A part of a connection; loop thread.
//
// Memory: at most one sealed frame and one open one. The frame's size begins at one chunk, doubles
// while the link drains full frames, up to four chunks, and falls back when the link stalls, so that peers
// which do not read hold little. The first chunk is essential, the others are optional growth.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "net/security/aead.hpp"
#include "net/security/noise_xx.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace masu::net {

class SecureWriter {
 public:
  static constexpr std::size_t open_chunks_max = 4;

  SecureWriter(ChunkPool& chunks, Account& holder) : pool_(chunks), holder_(holder) {}

  // How many bytes append() takes now, up to `wish`: takes the chunks for them. Less than asked: the frame is
  // full until the link took more, or (refused()) there is no memory.
  std::size_t room(std::size_t wish);
  bool refused() const { return refused_; }
  // Requires: bytes.size() <= the last room().
  void append(Bytes bytes);
  // From now on (behind what was appended) everything is sealed with this key.
  void start(const CipherState& key);

  bool empty() const { return open_bytes_ == 0 && sealed_.empty(); }
  bool has_sealed() const { return !sealed_.empty(); }
  // The next bytes for the link, valid until sent(); seals what is open when there are no others. Empty:
  // nothing.
  [[nodiscard]] std::expected<Bytes, NoiseError> front(AeadContext& aead);
  // What follows front() and is sealed too: fills `pieces`, and says how many it used.
  std::size_t behind_front(std::span<Bytes> pieces) const;
  void sent(std::size_t bytes);
  // The link took nothing for a while: frames are small again.
  void stalled() { frame_chunks_ = 1; }

  std::size_t held_bytes() const { return (sealed_.chunks() + open_count_) * chunk_bytes; }
  // Gives back chunks that room() took and nobody filled.
  void trim() {
    if (open_bytes_ == 0) close_frame();
  }
  void clear();

 private:
  std::size_t space_of(std::size_t index);
  [[nodiscard]] std::expected<void, NoiseError> seal(AeadContext& aead);
  void close_frame();

  ChunkPool& pool_;
  Account& holder_;
  CipherState key_;
  ChunkChain sealed_;
  std::array<Chunk, open_chunks_max> open_;
  std::uint32_t open_bytes_ = 0;  // plaintext in open_
  std::uint8_t open_count_ = 0;
  std::uint8_t frame_chunks_ = 1;
  bool secure_ = false;
  bool filled_ = false;  // the open frame had no room for what was wished
  bool refused_ = false;
};

}  // namespace masu::net
