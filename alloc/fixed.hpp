// The fixed part: what the process has mapped outside the page box, by class, as /proc/self/smaps shows it.
//
// Each class is counted by its mappings, never by subtraction: memory that somebody maps behind the box's
// back lands in `unknown`, and the report shows it as unexplained. Reading allocates nothing. Any thread.
#pragma once

#include "alloc/page_box.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace masu {

// Resident bytes, unless said otherwise.
struct FixedPart {
  std::size_t code = 0;         // pages of files as they are on disk: instructions and constants
  std::size_t data = 0;         // variables, relocated constants
  std::size_t stacks = 0;       // of all threads
  std::size_t early = 0;        // what allocator and loader had mapped before the heap's hooks were there
  std::size_t kernel = 0;       // vdso and its like
  std::size_t unknown = 0;      // anonymous memory outside the box that none of the above explains
  std::size_t code_mapped = 0;  // size of the mappings in `code`: what it can grow to
  std::size_t box = 0;          // inside the box, no part of the fixed part

  std::size_t known() const { return code + data + stacks + early + kernel; }
};

// nullopt: /proc is not there.
std::optional<FixedPart> measure_fixed(const PageBox& box);

// The kernel's own sums, from /proc/self/status. They may lag behind by some pages a thread.
struct ProcessRss {
  std::size_t now = 0;
  std::size_t high_water = 0;
  std::size_t anonymous = 0;
  std::size_t file = 0;
};
std::optional<ProcessRss> read_process_rss();

// The two that change by the moment, from /proc/self/statm: two microseconds.
struct ResidentCount {
  std::size_t all = 0;
  std::size_t file = 0;  // of them, pages of files
};
std::optional<ResidentCount> read_resident();

// Resident pages of a mapped range, in bytes.
std::size_t resident_bytes(const void* start, std::size_t bytes);

// Remembers the anonymous mappings of this moment as `early`; forgets a part that has been unmapped since.
// The heap calls both.
void note_early_mappings(const PageBox& box);
void forget_early_mapping(const void* start, std::size_t bytes);

// Takes the pages of code and constants that nobody ever wrote to out of RSS; they come back from the page
// cache, or the disk, when they are used. Returns how many bytes were resident before. Needs no lock.
std::size_t drop_clean_code_pages();

// The same for who does it often: the mappings are looked up once. To be made when all libraries are loaded,
// before anything is mapped that must not be dropped.
class CleanCode {
 public:
  CleanCode();
  void drop() const noexcept;
  // A fault on a page of a file brings the pages around it in as well, up to 64 KiB: three times as much code
  // becomes resident as is run. It stays within its mapping, so the mappings are cut into pieces that the
  // kernel does not join again. Each costs some 200 bytes of kernel memory.
  void cut(std::size_t piece_bytes) const noexcept;
  std::size_t mapped_bytes() const noexcept;

 private:
  struct Range {
    std::uintptr_t start = 0;
    std::size_t bytes = 0;
  };
  static constexpr std::size_t ranges_max = 32;
  std::array<Range, ranges_max> ranges_{};
  std::size_t count_ = 0;
};

}  // namespace masu
