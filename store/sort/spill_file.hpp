// SpillSpace: room on disk for what does not fit in memory while something is sorted or walked.
//
// Bytes are appended, read back at their offset, and released when they are not wanted any more. Nothing in
// it outlives its user or a crash. Blocking calls, from one thread at a time (a worker's, never the loop's).
//
// SpillFile is one unnamed file in a directory of the repo, made at the first append.
#pragma once

#include "alloc/bytes.hpp"
#include "store/error.hpp"

#include <cstdint>
#include <string>

namespace masu::store {

class SpillSpace {
 public:
  virtual ~SpillSpace() = default;
  // The offset of the first byte; successive appends lie behind each other unless something was released.
  virtual StoreResult<std::uint64_t> append(Bytes bytes) = 0;
  virtual StoreResult<void> read(std::uint64_t offset, MutableBytes out) = 0;
  virtual StoreResult<void> write(std::uint64_t offset, Bytes bytes) = 0;  // over what was appended
  virtual void release(std::uint64_t offset, std::uint64_t bytes) = 0;
};

class SpillFile final : public SpillSpace {
 public:
  explicit SpillFile(std::string directory) : directory_(std::move(directory)) {}
  ~SpillFile() override;
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  StoreResult<std::uint64_t> append(Bytes bytes) override;
  StoreResult<void> read(std::uint64_t offset, MutableBytes out) override;
  StoreResult<void> write(std::uint64_t offset, Bytes bytes) override;
  void release(std::uint64_t offset, std::uint64_t bytes) override;
  std::uint64_t live_bytes() const { return live_bytes_; }

 private:
  StoreResult<void> open();
  StoreError failed(const char* what) const;

  const std::string directory_;
  int file_ = -1;
  std::uint64_t end_ = 0;
  std::uint64_t live_bytes_ = 0;
};

}  // namespace masu::store
