#include "store/sort/seen_set.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <span>

namespace masu::store {
namespace {

constexpr std::size_t slots_first = 64;

BytesHash::Key half(const SeenSet::Secret& secret, std::size_t at) {
  BytesHash::Key key;
  std::copy_n(secret.begin() + static_cast<std::ptrdiff_t>(at), key.size(), key.begin());
  return key;
}

template <class T>
Bytes bytes_of(const T& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)};
}

}  // namespace

SeenSet::SeenSet(SpillSpace& spill, std::pmr::memory_resource& memory, const Secret& secret,
                 std::size_t memory_bytes_max)
    : spill_(spill),
      high_(half(secret, 0)),
      low_(half(secret, 16)),
      memory_bytes_max_(memory_bytes_max),
      table_(slots_first, free_slot, &memory),
      pages_(3, &memory) {}

SeenSet::~SeenSet() {
  if (on_disk()) spill_.release(pages_at_, page_count_ * page_bytes);
}

SeenSet::Slot SeenSet::slot_of(Bytes key, std::uint32_t number) const {
  const std::uint64_t high = high_(key), low = low_(key);
  return {{static_cast<std::uint32_t>(high >> 32), static_cast<std::uint32_t>(high),
           static_cast<std::uint32_t>(low)},
          number};
}

// By the highest bits, so that a page splits into two that follow one another.
std::size_t SeenSet::page_of(const Slot& slot) const {
  const int bits = std::countr_zero(page_count_);
  return bits == 0 ? 0 : slot.print[0] >> (32 - bits);
}

SeenSet::Slot& SeenSet::find_in_memory(const Slot& slot) {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = slot.print[1] & mask;; at = (at + 1) & mask) {
    if (table_[at].free() || table_[at].is(slot)) return table_[at];
  }
}

// Three quarters full at most; while it grows the old table is there beside the new one.
bool SeenSet::has_room(std::size_t notes) const {
  return !on_disk() && (size_ + notes) * 4 <= table_.size() * 3;
}

bool SeenSet::grow() {
  const std::size_t doubled = table_.size() * 2;
  if ((doubled + table_.size()) * sizeof(Slot) > memory_bytes_max_) return false;
  try {
    std::pmr::vector<Slot> larger(doubled, free_slot, table_.get_allocator());
    larger.swap(table_);
    for (const Slot& slot : larger) {
      if (!slot.free()) find_in_memory(slot) = slot;
    }
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

StoreResult<std::optional<std::uint32_t>> SeenSet::note(Bytes key, std::uint32_t number) {
  MASU_CHECK(number <= number_max, "a number is below its limit");
  const Slot slot = slot_of(key, number);
  if (!on_disk() && !has_room(1) && !grow()) {
    if (auto moved = move_to_disk(); !moved) return std::unexpected(std::move(moved.error()));
  }
  if (on_disk()) return note_on_disk(slot);
  Slot& place = find_in_memory(slot);
  if (place.free()) {
    place = slot;
    ++size_;
    return std::nullopt;
  }
  const std::uint32_t before = place.number;
  place.number = std::min(before, number);
  return before;
}

StoreResult<void> SeenSet::move_to_disk() {
  std::ranges::sort(table_, [](const Slot& a, const Slot& b) {
    return a.free() != b.free() ? b.free() : a.print[0] < b.print[0];
  });
  const auto used = std::span(table_).first(static_cast<std::size_t>(size_));
  // A third full at first, so that no page of so many is likely to be full.
  std::size_t pages = 1;
  while (pages * slots_per_page < 3 * used.size()) pages *= 2;
  page_count_ = pages;
  std::uint64_t written = 0;
  auto next = used.begin();
  for (std::size_t page = 0; page < pages; ++page) {
    Page& out = pages_[0];
    out.fill(free_slot);
    std::size_t count = 0;
    for (; next != used.end() && page_of(*next) == page; ++next) {
      MASU_CHECK(count < slots_per_page, "a page is not full at a third");
      out[count++] = *next;
    }
    auto at = spill_.append(bytes_of(out));
    if (!at) {
      if (written > 0) spill_.release(pages_at_, written);
      page_count_ = 0;
      return std::unexpected(std::move(at.error()));
    }
    if (page == 0) pages_at_ = *at;
    MASU_CHECK(*at == pages_at_ + written, "pages lie behind one another");
    written += page_bytes;
  }
  std::pmr::vector<Slot>(table_.get_allocator()).swap(table_);
  return {};
}

StoreResult<void> SeenSet::read_page(std::size_t page, Page& out) {
  return spill_.read(pages_at_ + page * page_bytes,
                     MutableBytes(reinterpret_cast<std::uint8_t*>(&out), page_bytes));
}

StoreResult<void> SeenSet::split_pages() {
  if (page_count_ >= std::size_t{1} << 31) return fail(StoreErrorCode::io, "too many keys in a set on disk");
  std::uint64_t larger_at = 0, written = 0;
  const auto undo = [&](StoreError error) {
    if (written > 0) spill_.release(larger_at, written);
    return std::unexpected(std::move(error));
  };
  const int bit = 31 - std::countr_zero(page_count_);  // of print[0]: the first one that pages do not look at
  for (std::size_t page = 0; page < page_count_; ++page) {
    if (auto read = read_page(page, pages_[0]); !read) return undo(std::move(read.error()));
    pages_[1].fill(free_slot);
    pages_[2].fill(free_slot);
    std::array<std::size_t, 2> counts{};
    for (const Slot& slot : pages_[0]) {
      if (slot.free()) break;
      const std::size_t side = slot.print[0] >> bit & 1;
      pages_[1 + side][counts[side]++] = slot;
    }
    for (const Page* half_page : {&pages_[1], &pages_[2]}) {
      auto at = spill_.append(bytes_of(*half_page));
      if (!at) return undo(std::move(at.error()));
      if (written == 0) larger_at = *at;
      MASU_CHECK(*at == larger_at + written, "pages lie behind one another");
      written += page_bytes;
    }
  }
  spill_.release(pages_at_, page_count_ * page_bytes);
  pages_at_ = larger_at;
  page_count_ *= 2;
  return {};
}

StoreResult<std::optional<std::uint32_t>> SeenSet::note_on_disk(const Slot& slot) {
  while (true) {
    const std::size_t page = page_of(slot);
    Page& slots = pages_[0];
    if (auto read = read_page(page, slots); !read) return std::unexpected(std::move(read.error()));
    const auto place =
        std::ranges::find_if(slots, [&](const Slot& each) { return each.free() || each.is(slot); });
    if (place == slots.end()) {
      if (auto split = split_pages(); !split) return std::unexpected(std::move(split.error()));
      continue;
    }
    const bool known = !place->free();
    const std::uint32_t before = place->number;
    if (known && before <= slot.number) return before;
    *place = slot;
    const std::uint64_t at =
        pages_at_ + page * page_bytes + static_cast<std::uint64_t>(place - slots.begin()) * sizeof(Slot);
    if (auto written = spill_.write(at, bytes_of(*place)); !written) {
      return std::unexpected(std::move(written.error()));
    }
    if (known) return before;
    ++size_;
    return std::nullopt;
  }
}

}  // namespace masu::store
