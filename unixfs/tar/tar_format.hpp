// The tar format: what writer and reader share. Fields of a 512-byte header block as POSIX.1-1988 (ustar) has
// them, with PAX records (POSIX.1-2001) where a field is too small. GNU's long names are read, not written.
#pragma once

#include "unixfs/dag/node.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace masu::unixfs::tar {

inline constexpr std::size_t block_bytes = 512;
using Block = std::array<std::uint8_t, block_bytes>;

struct Field {
  std::size_t offset, bytes;
};
inline constexpr Field field_name{0, 100}, field_mode{100, 8}, field_uid{108, 8}, field_gid{116, 8},
    field_size{124, 12}, field_mtime{136, 12}, field_checksum{148, 8}, field_type{156, 1},
    field_link_name{157, 100}, field_magic{257, 6}, field_version{263, 2}, field_dev_major{329, 8},
    field_dev_minor{337, 8}, field_prefix{345, 155};

enum class EntryType : char { file = '0', symlink = '2', directory = '5' };

// One member. The views are borrowed.
struct Entry {
  std::string_view path;  // components with '/' between them
  EntryType type = EntryType::file;
  std::uint32_t mode = 0;
  std::uint64_t bytes = 0;  // of a file
  std::string_view link_target;
  Timestamp mtime;
};

// Zero bytes between a member's data and the next header.
constexpr std::size_t padding(std::uint64_t bytes) {
  return static_cast<std::size_t>((block_bytes - bytes % block_bytes) % block_bytes);
}
// The sum of a header's bytes, its checksum field read as spaces.
std::uint32_t checksum(const Block& header);

// A path that stays below the directory it is extracted to: relative, no empty component, no "." or "..", no
// NUL. The error reads as Kubo's.
Result<> check_path(std::string_view path);

}  // namespace masu::unixfs::tar
