// TarExtractor: writes the members of a tar below one path, as Kubo's `get` does on the client's side.
//
// The archive has one root: a file or symlink, or a directory that holds everything else. A directory becomes
// `output` itself; a file or symlink becomes `output`, or goes into it when that is a directory already.
// Existing files, symlinks and empty directories are replaced; a file appears whole, under its name, or not
// at all.
//
// Nothing is written outside: each directory on the way is opened without following symlinks, so neither a
// symlink of the archive nor one that lies there leads out. Modes and times are applied, directories' when
// they are left; setuid and setgid bits of strangers are not.
//
// A visitor of TarReader; blocking file calls. Memory: the path of the current member, and some bytes a
// level; one open directory.
#pragma once

#include "unixfs/tar/tar_reader.hpp"

#include <string>
#include <vector>

namespace masu::unixfs::tar {

class TarExtractor final : public Visitor {
 public:
  static constexpr std::size_t depth_max = 1024;

  explicit TarExtractor(std::string output);
  ~TarExtractor();
  TarExtractor(const TarExtractor&) = delete;
  TarExtractor& operator=(const TarExtractor&) = delete;

  Result<> on_entry(const Entry& entry) override;
  Result<> on_data(Bytes bytes) override;
  Result<> on_entry_end() override;
  // After the last member: modes and times of the directories that are still open.
  Result<> finish();

 private:
  // A directory on the way to the current member, from the root down. Only the innermost is open; the one
  // above is opened again through "..", and must be the one that was left.
  struct Level {
    std::uint64_t device = 0, inode = 0;
    std::size_t path_bytes = 0;  // of directory_path_
    bool from_archive = false;   // has a mode and a time to be set when it is left
    std::uint32_t mode = 0;
    Timestamp mtime;
  };

  Result<> begin_root(const Entry& entry);
  Result<> begin_lone_root(const Entry& entry);
  Result<> enter_parent(std::string_view parent);
  Result<> enter(const std::string& name, const Entry* entry);
  Result<> leave();
  Result<> make_directory(const std::string& name, const Entry& entry);
  Result<> make_symlink(const std::string& name, const Entry& entry);
  Result<> begin_file(const std::string& name, const Entry& entry);
  Result<> remove_existing(const std::string& name);
  Error failed(std::string_view what, std::string_view path) const;

  const std::string output_;
  std::string root_name_;  // of the archive; empty before the first member
  bool root_is_directory_ = false;
  int directory_ = -1;          // the innermost level, or where a lone root goes
  std::string directory_path_;  // the innermost level, as the archive names it
  std::vector<Level> levels_;
  // The file that is being written, under a name of its own until it is whole.
  int file_ = -1;
  std::string file_name_, temporary_name_;
  std::uint32_t file_mode_ = 0;
  Timestamp file_mtime_;
  std::uint64_t file_count_ = 0;
};

}  // namespace masu::unixfs::tar
