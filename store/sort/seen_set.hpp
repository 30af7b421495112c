// SeenSet: which keys were met before, exactly, in bounded memory; with a number for each key (a depth), of
// which the least is kept.
//
// Keys are kept as 96 bits of a keyed hash, so that nobody can make two of them meet, and chance does so for
// a million keys with a probability below 1e-17. They lie in a table in memory until `memory_bytes_max` is
// reached or the memory is refused, and from then on in a hash table on the spill space: one page is read for
// a question, sixteen bytes are written for an answer, and when a page is full all are split in two.
//
// One owner, one thread at a time. Once on_disk() says so, calls block. Throws std::bad_alloc only in its
// constructor.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/bytes_hash.hpp"
#include "store/error.hpp"
#include "store/sort/spill_file.hpp"

#include <array>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

namespace masu::store {

class SeenSet {
 public:
  using Secret = std::array<std::uint8_t, 32>;  // random
  static constexpr std::uint32_t number_max = ~std::uint32_t{0} - 1;

  SeenSet(SpillSpace& spill, std::pmr::memory_resource& memory, const Secret& secret,
          std::size_t memory_bytes_max);
  ~SeenSet();
  SeenSet(const SeenSet&) = delete;
  SeenSet& operator=(const SeenSet&) = delete;

  // Notes `key` with `number`, or with the number it had if that is not greater. The number it had; nothing
  // when it is new.
  StoreResult<std::optional<std::uint32_t>> note(Bytes key, std::uint32_t number = 0);
  std::uint64_t size() const { return size_; }
  // From now on note() may read and write the disk.
  bool on_disk() const { return page_count_ > 0; }
  // So many notes will surely not be the first to touch the disk.
  bool has_room(std::size_t notes) const;

 private:
  struct Slot {
    std::array<std::uint32_t, 3> print;
    std::uint32_t number;
    bool free() const { return number == ~std::uint32_t{0}; }
    bool is(const Slot& other) const { return print == other.print; }
  };
  static_assert(sizeof(Slot) == 16);
  static constexpr std::size_t page_bytes = 4096;
  static constexpr std::size_t slots_per_page = page_bytes / sizeof(Slot);
  static constexpr Slot free_slot = {{0, 0, 0}, ~std::uint32_t{0}};
  using Page = std::array<Slot, slots_per_page>;

  Slot slot_of(Bytes key, std::uint32_t number) const;
  std::size_t page_of(const Slot& slot) const;
  Slot& find_in_memory(const Slot& slot);
  bool grow();
  StoreResult<void> move_to_disk();
  StoreResult<void> split_pages();
  StoreResult<std::optional<std::uint32_t>> note_on_disk(const Slot& slot);
  StoreResult<void> read_page(std::size_t page, Page& out);

  SpillSpace& spill_;
  const BytesHash high_, low_;
  const std::size_t memory_bytes_max_;
  std::uint64_t size_ = 0;
  std::pmr::vector<Slot> table_;  // a power of two; empty when on disk
  std::size_t page_count_ = 0;    // a power of two; 0 in memory
  std::uint64_t pages_at_ = 0;
  std::pmr::vector<Page> pages_;  // three: one is read into, two are split into
};

}  // namespace masu::store
