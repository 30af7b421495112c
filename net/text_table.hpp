// TextTable: short texts that many peers share (protocol ids, agent versions), each kept once.
//
// A text lives while a TextRef to it does. Bounded by a count of texts; each has at most text_bytes_max
// bytes, so the count is also a bound of bytes. Loop thread only; the table outlives its refs.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/resource.hpp"
#include "alloc/slab_pool.hpp"
#include "net/hash_index.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace masu::net {

class TextTable;

class TextRef {
 public:
  TextRef() = default;
  TextRef(TextRef&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  TextRef& operator=(TextRef&& other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~TextRef() { reset(); }

  explicit operator bool() const { return entry_ != nullptr; }
  // Empty for an empty ref.
  std::string_view text() const;
  // Refs to the same text of one table are equal.
  friend bool operator==(const TextRef&, const TextRef&) = default;
  void reset();

 private:
  friend class TextTable;
  struct Entry;
  explicit TextRef(Entry* entry) : entry_(entry) {}
  Entry* entry_ = nullptr;
};

class TextTable {
 public:
  static constexpr std::size_t text_bytes_max = 128;
  static constexpr std::size_t text_entry_bytes = 168;  // at most, of its slab

  TextTable(Account& account, AccountResource& memory, const HashSecret& secret, std::size_t texts_max);
  ~TextTable();  // Requires: no refs.
  TextTable(const TextTable&) = delete;
  TextTable& operator=(const TextTable&) = delete;

  // An empty ref: longer than text_bytes_max, empty, or the table is full.
  [[nodiscard]] TextRef intern(std::string_view text);
  // The same for a text that is there already; an empty ref when it is not.
  [[nodiscard]] TextRef find(std::string_view text);
  std::size_t size() const { return entries_.used(); }
  std::size_t capacity() const { return entries_.capacity(); }

 private:
  friend class TextRef;
  HashIndex<TextRef::Entry> index_;
  SlabPool<TextRef::Entry> entries_;
};

struct TextRef::Entry : HashIndexNode<TextRef::Entry> {
  Entry(TextTable& its_table, std::string_view its_text)
      : table(its_table), size(static_cast<std::uint8_t>(its_text.size())) {
    std::memcpy(bytes.data(), its_text.data(), its_text.size());
  }
  std::string_view text() const { return {bytes.data(), size}; }
  Bytes hash_key() const { return as_bytes(text()); }

  TextTable& table;
  std::uint32_t refs = 0;
  std::uint8_t size;
  std::array<char, TextTable::text_bytes_max> bytes;
};

inline std::string_view TextRef::text() const {
  return entry_ != nullptr ? entry_->text() : std::string_view();
}

}  // namespace masu::net
