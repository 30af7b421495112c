// LsEntry: one line of `ls`, and how Kubo writes it: as JSON, and as text in columns. Pure functions.
#pragma once

#include "multiformats/cid.hpp"
#include "unixfs/dag/node.hpp"
#include "unixfs/error.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace masu::core::rpc::commands {

struct LsEntry {
  std::string name;
  Cid cid;
  std::uint64_t size = 0;
  std::uint8_t type = 0;  // UnixFS: 1 directory, 2 file, 4 symlink; 0 not known
  std::string target;     // of a symlink
  unixfs::Metadata metadata;

  bool is_directory() const { return type == 1; }
};

// {"Name":…,"Hash":…,"Size":…,"Type":…,"Target":…,"Mode":…,"ModTime":…}
void append_ls_json(std::string& out, const LsEntry& entry, std::string_view hash);

// Text: `hash size name`, with --long `mode hash size time name`.
struct LsColumns {
  static constexpr std::size_t columns_max = 4;

  bool size = true;
  bool long_format = false;
  std::size_t width_min = 1;                      // of a column: 10 when it is not known what follows
  std::array<std::size_t, columns_max> widths{};  // of the longest cell of each

  // Makes the columns as wide as this line, or as the header, needs them.
  void fit(const LsEntry& entry, std::string_view hash, std::int64_t now_seconds);
  void fit_header();
  void append_line(std::string& out, const LsEntry& entry, std::string_view hash,
                   std::int64_t now_seconds) const;
  void append_header(std::string& out) const;

 private:
  std::size_t cells(std::array<std::string, columns_max>& out, const LsEntry& entry, std::string_view hash,
                    std::int64_t now_seconds) const;
  std::size_t header_cells(std::array<std::string, columns_max>& out) const;
  void append_cells(std::string& out, const std::array<std::string, columns_max>& cells,
                    std::size_t count) const;
};

// A line as the value of a sorted record, without its name.
std::string pack_ls_entry(const LsEntry& entry);
LsEntry unpack_ls_entry(std::string_view name, std::string_view packed);

}  // namespace masu::core::rpc::commands
