// Reading /proc/self/smaps, maps and status: one line after another through a fixed buffer, so that nothing
// is allocated, whatever the process has mapped. Also called where memory has just run out. Format: proc(5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace masu {

// One mapping: its first line in maps and smaps, and of smaps the fields that we use.
struct Mapping {
  enum class Backing : std::uint8_t { anonymous, file, stack, kernel };

  std::uintptr_t start = 0;
  std::uintptr_t end = 0;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool shared = false;
  Backing backing = Backing::anonymous;
  std::size_t rss_bytes = 0;
  std::size_t anonymous_bytes = 0;  // of rss_bytes: pages that are no longer (or never were) the file's

  std::size_t bytes() const { return end - start; }
};

// "7f00-7f80 r-xp 00000000 fe:00 247026  /usr/bin/cat": true, and `mapping` is that line's.
bool parse_mapping(std::string_view line, Mapping& mapping);
// "Rss:      20 kB" with name "Rss": the number in bytes. False: another field.
bool parse_kib_field(std::string_view line, std::string_view name, std::size_t& bytes);

// Lines of a file. What is longer than the buffer is cut off; no field that we read is.
class LineReader {
 public:
  explicit LineReader(const char* path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  bool opened() const { return file_ >= 0; }
  // The next line without its end, valid until the next call. False: the end of the file.
  bool next(std::string_view& line);

 private:
  bool refill();

  int file_ = -1;
  bool inside_line_ = false;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::array<char, 2048> buffer_;
};

// Calls `visit(const Mapping&)` for each mapping of this process, in the order of addresses. `path` is
// /proc/self/smaps, or /proc/self/maps where no sizes are needed: that is faster, as no page is looked at.
// False: /proc is not there.
template <class Visitor>
bool for_each_mapping(const char* path, Visitor&& visit) {
  LineReader reader(path);
  Mapping mapping;
  bool started = false;
  for (std::string_view line; reader.next(line);) {
    Mapping next;
    if (parse_mapping(line, next)) {
      if (started) visit(mapping);
      mapping = next;
      started = true;
    } else if (!parse_kib_field(line, "Rss", mapping.rss_bytes)) {
      parse_kib_field(line, "Anonymous", mapping.anonymous_bytes);
    }
  }
  if (started) visit(mapping);
  return started;
}

}  // namespace masu
