#include "alloc/rope.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <cstring>

namespace masu {

Rope::Rope(const ChunkChain& chain) : more_(chain.begin()), size_(chain.size()) {
  if (size_ > 0) next_piece();
}

void Rope::next_piece() {
  do {
    MASU_CHECK(more_, "a rope ends with its chain");
    piece_ = more_.data();
    more_.next();
  } while (piece_.empty());
}

void Rope::skip(std::size_t bytes) {
  MASU_CHECK(bytes <= size_, "a rope is skipped within its end");
  size_ -= bytes;
  while (bytes >= piece_.size()) {
    bytes -= piece_.size();
    if (size_ == 0) {
      piece_ = {};
      return;
    }
    next_piece();
  }
  piece_ = piece_.subspan(bytes);
}

Rope Rope::take(std::size_t bytes) {
  Rope head = *this;
  head.size_ = bytes;
  skip(bytes);
  return head;
}

void Rope::copy_to(MutableBytes out) const {
  Rope rest = *this;
  while (!out.empty()) {
    const Bytes piece = rest.front();
    const std::size_t bytes = std::min(piece.size(), out.size());
    MASU_CHECK(bytes > 0, "a rope is copied within its end");
    std::memcpy(out.data(), piece.data(), bytes);
    out = out.subspan(bytes);
    rest.skip(bytes);
  }
}

std::uint8_t Rope::take_byte() {
  const std::uint8_t byte = piece_.front();
  skip(1);
  return byte;
}

bool operator==(const Rope& rope, std::string_view text) {
  if (rope.size() != text.size()) return false;
  for (Rope rest = rope; !rest.empty();) {
    const Bytes piece = rest.front();
    if (!equal(piece, as_bytes(text.substr(0, piece.size())))) return false;
    text.remove_prefix(piece.size());
    rest.skip(piece.size());
  }
  return true;
}

}  // namespace masu
