// TarReader: a tar stream taken apart as it arrives, whatever the pieces.
//
// Memory: one block, and the long names of the next member; every name is bounded. Reads ustar, PAX (path,
// linkpath, size, mtime; other records are skipped, as are global ones) and GNU's long names and binary
// numbers. Only files, directories and symlinks are members. A path that would leave the directory it is
// extracted to is an error; what a symlink points to is the visitor's question.
//
// No IO, no clock. After an error the reader is finished with; feed() must not be called again.
#pragma once

#include "unixfs/tar/tar_format.hpp"

#include <memory_resource>
#include <string>

namespace masu::unixfs::tar {

class Visitor {
 public:
  // A member begins; the views in it are valid during the call. A file's bytes follow.
  virtual Result<> on_entry(const Entry& entry) = 0;
  virtual Result<> on_data(Bytes bytes) = 0;
  virtual Result<> on_entry_end() = 0;

 protected:
  ~Visitor() = default;
};

class TarReader {
 public:
  static constexpr std::size_t extension_bytes_max = 64 * 1024;  // PAX records or a long name of one member

  TarReader(Visitor& visitor, std::pmr::memory_resource& memory)
      : visitor_(visitor), extension_(&memory), path_(&memory), link_target_(&memory) {}

  // Throws std::bad_alloc when `memory` refuses.
  Result<> feed(Bytes in);
  // The stream has ended: an error when that was in the middle of a member.
  Result<> finish() const;

 private:
  enum class State : std::uint8_t { header, extension, skipped, data, end };

  Result<> read_header(Bytes& in);
  Result<> take_header();
  Result<> begin_member(EntryType type);
  Result<> end_extension();
  Result<> take_pax_records(std::string_view records);
  Result<> take_pax_record(std::string_view key, std::string_view value);
  Result<> begin_payload(State state, std::uint64_t bytes);
  Result<> end_payload();

  Visitor& visitor_;
  State state_ = State::header;
  Block block_{};
  std::size_t block_used_ = 0;
  unsigned zero_blocks_ = 0;
  std::uint64_t left_ = 0;   // of the payload
  std::size_t padding_ = 0;  // behind it
  char extension_type_ = 0;  // of the payload in extension_
  std::pmr::string extension_;
  // For the next member, from extensions in front of it.
  std::pmr::string path_, link_target_;
  bool has_path_ = false, has_link_target_ = false;
  std::optional<std::uint64_t> bytes_;
  std::optional<Timestamp> mtime_;
};

}  // namespace masu::unixfs::tar
