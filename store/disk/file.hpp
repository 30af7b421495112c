// Files: the little of a file system that the block store needs, behind one interface, so that tests can lose
// power, tear writes and fail any operation (tests/store/fault_files.hpp).
//
// Blocking calls, any thread; one File may be read, written and synced by several threads at once. Nothing is
// durable before sync() (bytes and size of a file) or sync_directory() (that a name exists, or no more).
#pragma once

#include "alloc/bytes.hpp"
#include "store/error.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace masu::store {

class File {
 public:
  virtual ~File() = default;
  virtual StoreResult<std::uint64_t> size() = 0;
  // Fills the pieces in order from `offset`; fewer bytes than asked for only at the end of the file.
  virtual StoreResult<std::size_t> read(std::uint64_t offset, std::span<const MutableBytes> pieces) = 0;
  StoreResult<std::size_t> read(std::uint64_t offset, MutableBytes out) { return read(offset, {&out, 1}); }
  // After an error any part of it may have been written.
  virtual StoreResult<void> write(std::uint64_t offset, std::span<const Bytes> pieces) = 0;
  virtual StoreResult<void> truncate(std::uint64_t bytes) = 0;
  virtual StoreResult<void> sync() = 0;
  // A hint: bytes of this range go to the disk now, and nobody waits for them.
  virtual void start_writeback(std::uint64_t offset, std::uint64_t bytes) noexcept = 0;
};

class Files {
 public:
  enum class Mode : std::uint8_t {
    read,        // it is there
    read_write,  // it is there
    create,      // read and write; it is not there
  };

  virtual ~Files() = default;
  virtual StoreResult<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  // The bytes of it go when the last open File is closed.
  virtual StoreResult<void> unlink(const std::string& path) = 0;
  virtual StoreResult<void> make_directory(const std::string& path) = 0;  // it may be there already
  virtual StoreResult<void> sync_directory(const std::string& path) = 0;
  // What may still be written on the disk of this directory.
  virtual StoreResult<std::uint64_t> free_bytes(const std::string& path) = 0;
  // The names in it, in no order, without "." and "..".
  virtual StoreResult<std::vector<std::string>> list(const std::string& path) = 0;
};

// The real ones. No state.
Files& posix_files();

// What errno says, as a value: ENOSPC, EDQUOT and EFBIG are disk_full, ENOENT is not_found, all else is io.
StoreError file_error(int error_number, const char* what, const std::string& path);

}  // namespace masu::store
