#include "alloc/smaps.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace masu {
namespace {

// Takes a hexadecimal number and the character behind it off the front of `line`.
bool take_hex(std::string_view& line, char behind, std::uintptr_t& number) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number, 16);
  if (error != std::errc() || end == line.data() + line.size() || *end != behind) return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
  return true;
}

std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return word;
}

Mapping::Backing backing_of(std::string_view inode, std::string_view name) {
  if (inode != "0") return Mapping::Backing::file;
  if (name == "[stack]") return Mapping::Backing::stack;
  // "[anon:...]" is memory that somebody gave a name; "[heap]" is what the C library took before us.
  if (name.empty() || name == "[heap]" || name.starts_with("[anon")) return Mapping::Backing::anonymous;
  return Mapping::Backing::kernel;
}

}  // namespace

bool parse_mapping(std::string_view line, Mapping& mapping) {
  Mapping parsed;
  if (!take_hex(line, '-', parsed.start) || !take_hex(line, ' ', parsed.end)) return false;
  const std::string_view rights = take_word(line);
  take_word(line);  // offset
  take_word(line);  // device
  const std::string_view inode = take_word(line);
  if (rights.size() < 4 || inode.empty()) return false;
  parsed.readable = rights[0] == 'r';
  parsed.writable = rights[1] == 'w';
  parsed.executable = rights[2] == 'x';
  parsed.shared = rights[3] == 's';
  parsed.backing = backing_of(inode, line);
  mapping = parsed;
  return true;
}

bool parse_kib_field(std::string_view line, std::string_view name, std::size_t& bytes) {
  if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') return false;
  line.remove_prefix(name.size() + 1);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  std::size_t kib = 0;
  if (std::from_chars(line.data(), line.data() + line.size(), kib).ec != std::errc()) return false;
  bytes = kib * 1024;
  return true;
}

LineReader::LineReader(const char* path) : file_(open(path, O_RDONLY | O_CLOEXEC)) {}

LineReader::~LineReader() {
  if (file_ >= 0) close(file_);
}

bool LineReader::refill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  ssize_t got = 0;
  do {
    got = read(file_, buffer_.data() + end_, buffer_.size() - end_);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  end_ += static_cast<std::size_t>(got);
  return true;
}

bool LineReader::next(std::string_view& line) {
  while (file_ >= 0) {
    const std::string_view held(buffer_.data() + begin_, end_ - begin_);
    const std::size_t newline = held.find('\n');
    const bool whole = newline != std::string_view::npos;
    if (!whole && held.size() < buffer_.size()) {
      if (refill()) continue;
      return false;
    }
    line = held.substr(0, newline);
    begin_ += whole ? newline + 1 : held.size();
    // Of a line that is longer than the buffer the front is given, and the rest passed over.
    if (!std::exchange(inside_line_, !whole)) return true;
  }
  return false;
}

}  // namespace masu
