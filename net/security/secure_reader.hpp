// SecureReader: the inbound half of a secured link: gathers chunks, opens Noise frames in place, and presents
// plaintext piece by piece.
//
// Before start() it presents the bytes as they came (multistream-select and the handshake), all in one chunk.
// After it, a frame (2 bytes of length in network order, then the sealed message) is opened when its last
// byte is here, and nothing of it is shown before its tag is right. A part of a connection; one user, loop
// thread.
//
// Memory: chunks are taken when the link has bytes, and go back as they are consumed: with no part of a frame
// at hand it holds none. A frame that fits a chunk is gathered in one. A larger one takes a slot before its
// second chunk, and five chunks at most; the slot goes back when one chunk is left.
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

inline constexpr std::size_t noise_length_bytes = 2;
inline constexpr std::size_t noise_message_max_bytes = 65535;
// A frame lies in this many chunks at most, wherever in the first one it begins.
inline constexpr std::size_t frame_chunks_max = 5;
static_assert(frame_chunks_max * chunk_bytes - (chunk_bytes - noise_length_bytes) >=
              noise_length_bytes + noise_message_max_bytes);

class SecureReader {
 public:
  SecureReader(ChunkPool& chunks, Account& holder, SlotGroup& slots)
      : pool_(chunks), holder_(holder), slots_(slots) {}

  struct Claim {
    bool takes = true;           // else only space that it has already is lent
    std::size_t slots_left = 0;  // it takes none of so many
  };
  // A chunk to read into; it may hold bytes before its space. Empty: blocked() says why. It must come back
  // by add() before anything else is read.
  Chunk chunk_for_reading(const Claim& claim);
  // Further ones, where the frame needs more than the first has space for: fills `more` from the front. Each
  // comes back by add(), in order.
  std::size_t chunks_behind(const Claim& claim, std::span<Chunk> more);
  // Returns how many bytes are new.
  std::size_t add(Chunk chunk);

  enum class Blocked : std::uint8_t { no, chunk, slot };
  Blocked blocked() const { return blocked_; }

  // Before start(): what is here, to be worked on in place.
  MutableBytes raw();
  // From now on (behind what was consumed) come frames sealed with this key.
  void start(const CipherState& key);
  // The next piece of plaintext; empty: more must be read first. An error is final.
  [[nodiscard]] std::expected<Bytes, NoiseError> peek(AeadContext& aead);
  // Requires: `bytes` of what raw() or peek() showed.
  void consume(std::size_t bytes);

  // A part of a frame (or of a handshake message) is here and the rest is not.
  bool waits_for_rest() const { return count_ > 0 && opened_ == 0; }
  std::size_t gathered_bytes() const;  // sealed, or not consumed yet
  bool has_slot() const { return static_cast<bool>(slot_); }
  std::size_t held_bytes() const { return count_ * chunk_bytes; }
  // Gives everything back; a chunk that is lent is dropped when it comes.
  void clear();

 private:
  std::size_t frame_bytes() const;
  [[nodiscard]] std::expected<bool, NoiseError> open_frame(AeadContext& aead);
  void skip(std::size_t bytes);
  void drop_front();
  Chunk lend_last();
  std::size_t add_behind(Chunk chunk);

  ChunkPool& pool_;
  Account& holder_;
  SlotGroup& slots_;
  SlotGroup::Slot slot_;
  CipherState key_;
  std::array<Chunk, frame_chunks_max> chunks_;
  std::uint32_t opened_ = 0;  // plaintext bytes of the current frame not yet consumed
  std::uint16_t lent_data_ = 0;
  std::uint8_t count_ = 0;
  std::uint8_t behind_ = 0;     // chunks that the frame needs behind the one that is lent
  std::uint8_t lent_more_ = 0;  // of those
  bool lent_ = false;
  bool secure_ = false;
  Blocked blocked_ = Blocked::no;
};

}  // namespace masu::net
