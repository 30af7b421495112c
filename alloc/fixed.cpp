#include "alloc/fixed.hpp"

#include "alloc/smaps.hpp"
#include "alloc/spin_lock.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <mutex>

#include <pthread.h>
#include <sys/mman.h>

namespace masu {
namespace {

struct Range {
  std::uintptr_t start = 0;
  std::uintptr_t end = 0;

  std::size_t bytes() const { return end > start ? end - start : 0; }
  Range overlap(const Range& other) const { return {std::max(start, other.start), std::min(end, other.end)}; }
};

// A fixed table: it is written before main, and shrinks afterwards.
class EarlyMappings {
 public:
  void add(Range range) {
    const std::lock_guard guard(lock_);
    if (count_ < ranges_.size()) ranges_[count_++] = range;
  }
  void remove(Range gone) {
    const std::lock_guard guard(lock_);
    for (std::size_t i = 0, before = count_; i < before; ++i) {
      Range& range = ranges_[i];
      if (range.overlap(gone).bytes() == 0) continue;
      const Range behind{gone.end, range.end};
      range.end = std::max(range.start, gone.start);
      if (behind.bytes() != 0 && count_ < ranges_.size()) ranges_[count_++] = behind;
    }
  }
  // Bytes of `mapping` that are early and resident. `rss` is known for the mapping as a whole.
  std::size_t resident(Range mapping, std::size_t rss) const {
    const std::lock_guard guard(lock_);
    std::size_t resident = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const Range part = ranges_[i].overlap(mapping);
      if (part.bytes() == mapping.bytes()) return rss;
      if (part.bytes() != 0) resident += resident_bytes(reinterpret_cast<void*>(part.start), part.bytes());
    }
    return std::min(resident, rss);
  }

 private:
  mutable SpinLock lock_;
  std::array<Range, 128> ranges_;
  std::size_t count_ = 0;
};

constinit EarlyMappings early_mappings;

std::size_t thread_stack_bytes() {
  pthread_attr_t attributes;
  std::size_t bytes = 0;
  if (pthread_getattr_default_np(&attributes) == 0) {
    pthread_attr_getstacksize(&attributes, &bytes);
    pthread_attr_destroy(&attributes);
  }
  return bytes;
}

// Sorts one mapping after another into its class.
class Classifier {
 public:
  explicit Classifier(const PageBox& box) : box_(box), stack_bytes_(thread_stack_bytes()) {}

  void add(const Mapping& mapping) {
    if (box_.contains(reinterpret_cast<const void*>(mapping.start))) {
      fixed_.box += mapping.rss_bytes;
    } else if (mapping.backing == Mapping::Backing::file) {
      add_file(mapping);
    } else if (mapping.backing == Mapping::Backing::stack) {
      fixed_.stacks += mapping.rss_bytes;
    } else if (mapping.backing == Mapping::Backing::kernel) {
      fixed_.kernel += mapping.rss_bytes;
    } else {
      add_anonymous(mapping);
    }
    before_ = mapping;
  }
  const FixedPart& fixed() const { return fixed_; }

 private:
  void add_file(const Mapping& mapping) {
    fixed_.data += mapping.anonymous_bytes;
    fixed_.code += mapping.rss_bytes - std::min(mapping.anonymous_bytes, mapping.rss_bytes);
    if (!mapping.writable && mapping.anonymous_bytes == 0) fixed_.code_mapped += mapping.bytes();
  }

  void add_anonymous(const Mapping& mapping) {
    std::size_t rss = mapping.rss_bytes;
    const Range range{mapping.start, mapping.end};
    const bool touches = before_.end == mapping.start;
    if (touches && before_.backing == Mapping::Backing::file && before_.writable) {
      // Zero-initialised variables follow their file's data; they were there before main.
      const std::size_t early = early_mappings.resident(range, rss);
      fixed_.data += early;
      fixed_.unknown += rss - early;
      return;
    }
    if (touches && before_.backing == Mapping::Backing::anonymous && !before_.readable && mapping.writable) {
      // What a guard area stands below is a thread's stack. Something else may have been joined to its top.
      const std::size_t stack = std::min(stack_bytes_, mapping.bytes());
      const std::size_t resident =
          stack == mapping.bytes() ? rss : resident_bytes(reinterpret_cast<void*>(mapping.start), stack);
      fixed_.stacks += std::min(resident, rss);
      rss -= std::min(resident, rss);
    }
    const std::size_t early = early_mappings.resident(range, rss);
    fixed_.early += early;
    fixed_.unknown += rss - early;
  }

  const PageBox& box_;
  const std::size_t stack_bytes_;
  FixedPart fixed_;
  Mapping before_;
};

bool is_clean_code(const Mapping& mapping) {
  return mapping.backing == Mapping::Backing::file && mapping.readable && !mapping.writable &&
         !mapping.shared && mapping.anonymous_bytes == 0;
}

}  // namespace

std::optional<FixedPart> measure_fixed(const PageBox& box) {
  Classifier classifier(box);
  if (!for_each_mapping("/proc/self/smaps", [&](const Mapping& mapping) { classifier.add(mapping); }))
    return std::nullopt;
  return classifier.fixed();
}

std::optional<ProcessRss> read_process_rss() {
  LineReader reader("/proc/self/status");
  if (!reader.opened()) return std::nullopt;
  ProcessRss rss;
  for (std::string_view line; reader.next(line);) {
    parse_kib_field(line, "VmHWM", rss.high_water) || parse_kib_field(line, "VmRSS", rss.now) ||
        parse_kib_field(line, "RssAnon", rss.anonymous) || parse_kib_field(line, "RssFile", rss.file);
  }
  return rss;
}

std::optional<ResidentCount> read_resident() {
  LineReader reader("/proc/self/statm");
  std::string_view line;
  if (!reader.opened() || !reader.next(line)) return std::nullopt;
  // size resident shared ...
  std::array<std::size_t, 3> pages{};
  const char* at = line.data();
  const char* const end = at + line.size();
  for (std::size_t& count : pages) {
    const auto [next, error] = std::from_chars(at, end, count);
    if (error != std::errc()) return std::nullopt;
    at = next == end ? end : next + 1;
  }
  return ResidentCount{pages[1] * page_bytes, pages[2] * page_bytes};
}

std::size_t resident_bytes(const void* start, std::size_t bytes) {
  std::array<unsigned char, 512> seen;
  auto* at = const_cast<std::uint8_t*>(static_cast<const std::uint8_t*>(start));
  std::size_t pages = 0;
  for (std::size_t left = bytes / page_bytes; left > 0;) {
    const std::size_t part = std::min(left, seen.size());
    if (mincore(at, part * page_bytes, seen.data()) == 0) {
      for (std::size_t page = 0; page < part; ++page) pages += seen[page] & 1;
    }
    at += part * page_bytes;
    left -= part;
  }
  return pages * page_bytes;
}

void note_early_mappings(const PageBox& box) {
  for_each_mapping("/proc/self/maps", [&](const Mapping& mapping) {
    if (mapping.backing == Mapping::Backing::anonymous &&
        !box.contains(reinterpret_cast<const void*>(mapping.start))) {
      early_mappings.add({mapping.start, mapping.end});
    }
  });
}

void forget_early_mapping(const void* start, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  early_mappings.remove({address, address + bytes});
}

std::size_t drop_clean_code_pages() {
  std::size_t dropped = 0;
  for_each_mapping("/proc/self/smaps", [&](const Mapping& mapping) {
    if (is_clean_code(mapping) &&
        madvise(reinterpret_cast<void*>(mapping.start), mapping.bytes(), MADV_DONTNEED) == 0) {
      dropped += mapping.rss_bytes;
    }
  });
  return dropped;
}

CleanCode::CleanCode() {
  for_each_mapping("/proc/self/smaps", [this](const Mapping& mapping) {
    if (is_clean_code(mapping) && count_ < ranges_.size())
      ranges_[count_++] = {mapping.start, mapping.bytes()};
  });
}

void CleanCode::drop() const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    madvise(reinterpret_cast<void*>(ranges_[i].start), ranges_[i].bytes, MADV_DONTNEED);
  }
}

void CleanCode::cut(std::size_t piece_bytes) const noexcept {
  // Neighbours differ in whether they go into a core dump, which matters to nobody: the file has what is in
  // them.
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t at = 0; at < ranges_[i].bytes; at += 2 * piece_bytes) {
      const std::size_t bytes = std::min(piece_bytes, ranges_[i].bytes - at);
      madvise(reinterpret_cast<void*>(ranges_[i].start + at), bytes, MADV_DONTDUMP);
    }
  }
}

std::size_t CleanCode::mapped_bytes() const noexcept {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count_; ++i) bytes += ranges_[i].bytes;
  return bytes;
}

}  // namespace masu
