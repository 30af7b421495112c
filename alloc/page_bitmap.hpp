// PageBitmap: one bit a page, over words that somebody else owns. The page box keeps two of them: pages
// handed out, and pages charged. Not thread-safe. Every range is [first, first + count) and lies inside.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace masu {

class PageBitmap {
 public:
  static constexpr std::size_t word_bits = 64;
  static constexpr std::size_t npos = ~std::size_t{0};

  PageBitmap() = default;
  // `words` holds ceil(pages / 64) words, all zero.
  PageBitmap(std::uint64_t* words, std::size_t pages) : words_(words), pages_(pages) {}

  std::size_t pages() const { return pages_; }
  // Forgets the pages from `pages` on. Requires: they are clear.
  void shrink(std::size_t pages) { pages_ = pages; }

  void set(std::size_t first, std::size_t count) {
    for_words(first, count, [](std::uint64_t& word, std::uint64_t mask) { word |= mask; });
  }
  void clear(std::size_t first, std::size_t count) {
    for_words(first, count, [](std::uint64_t& word, std::uint64_t mask) { word &= ~mask; });
  }
  std::size_t count(std::size_t first, std::size_t count) const {
    std::size_t set_bits = 0;
    for_words(first, count, [&](std::uint64_t word, std::uint64_t mask) {
      set_bits += static_cast<std::size_t>(std::popcount(word & mask));
    });
    return set_bits;
  }
  // The first page from `from` on, and below `end`, whose bit is `value`; `end` when there is none.
  std::size_t find(bool value, std::size_t from, std::size_t end) const {
    while (from < end) {
      const std::uint64_t word = value ? words_[from / word_bits] : ~words_[from / word_bits];
      const std::uint64_t rest = word >> (from % word_bits);
      if (rest != 0) {
        const std::size_t found = from + static_cast<std::size_t>(std::countr_zero(rest));
        return found < end ? found : end;
      }
      from = (from / word_bits + 1) * word_bits;
    }
    return end;
  }
  // The lowest run of `count` clear pages at or above `from` with (bias + first) a multiple of `align`
  // (a power of two); npos when there is none.
  std::size_t find_clear_run(std::size_t from, std::size_t count, std::size_t align, std::size_t bias) const {
    while (true) {
      from = find(false, from, pages_);
      from = ((bias + from + align - 1) & ~(align - 1)) - bias;
      if (from >= pages_ || pages_ - from < count) return npos;
      const std::size_t taken = find(true, from, from + count);
      if (taken == from + count) return from;
      from = taken + 1;
    }
  }

 private:
  template <class Visitor>
  void for_words(std::size_t first, std::size_t count, Visitor&& visit) const {
    for (std::size_t page = first; page < first + count;) {
      const std::size_t bit = page % word_bits;
      const std::size_t bits =
          word_bits - bit < first + count - page ? word_bits - bit : first + count - page;
      const std::uint64_t mask = (bits == word_bits ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1)
                                 << bit;
      visit(words_[page / word_bits], mask);
      page += bits;
    }
  }

  std::uint64_t* words_ = nullptr;
  std::size_t pages_ = 0;
};

}  // namespace masu
