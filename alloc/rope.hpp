// Rope: a borrowed run of bytes that may lie in pieces.
//
// What is read from a block is read through one: a block in flight is a chain of chunks, a block in a test or
// inside a CID is one span, and the parsers do not care. A Rope is a small value (a place and a length);
// copying it copies no bytes. Invariant: front() is empty only when the rope is.
//
// It owns nothing: the bytes, and the ChunkChain object they lie in, stay where they are while it is used.
#pragma once

#include "alloc/bytes.hpp"
#include "alloc/chunk_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace masu {

class Rope {
 public:
  Rope() = default;
  explicit Rope(Bytes bytes) : piece_(bytes), size_(bytes.size()) {}
  explicit Rope(const ChunkChain& chain);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // What lies in one piece at the start.
  Bytes front() const { return piece_.first(size_ < piece_.size() ? size_ : piece_.size()); }
  // Requires: bytes <= size(), for these three.
  void skip(std::size_t bytes);
  Rope take(std::size_t bytes);                       // the first bytes; this rope goes on behind them
  void shorten(std::size_t bytes) { size_ = bytes; }  // keeps the first bytes

  // Requires: out.size() <= size(). This rope stays where it is.
  void copy_to(MutableBytes out) const;
  std::uint8_t take_byte();  // Requires: !empty()

  friend bool operator==(const Rope& rope, std::string_view text);

 private:
  void next_piece();

  Bytes piece_;             // at the place; may reach behind the end
  ChunkChain::Piece more_;  // the piece behind piece_
  std::size_t size_ = 0;
};

// Appends all bytes to a container of characters or bytes.
template <class Container>
void append(Container& container, Rope rope) {
  for (; !rope.empty(); rope.skip(rope.front().size())) {
    const Bytes piece = rope.front();
    container.insert(container.end(), piece.begin(), piece.end());
  }
}

}  // namespace masu
