// FaultIndex: a file system for RocksDB that loses power: it lies in memory, and what was not synced of a
// file is cut off at a random place when the power goes.
#pragma once

#include "tests/store/bytes.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace masu::store::test {

class FaultIndex {
 public:
  explicit FaultIndex(std::uint64_t seed);

  rocksdb::Env* env() { return env_.get(); }
  void power_off();
  // Requires: nobody has a database open.
  void power_on();
  // From now on nothing is written: the disk is full, or broken.
  void refuse_writes(bool full);
  // The operation `count` operations from now on fails, once.
  void fail_after(std::uint64_t count, bool full);
  // Since then: what failed and its path; empty when nothing has.
  std::string failed() const;
  void heal();

 private:
  class FileSystem;

  std::unique_ptr<rocksdb::Env> memory_;
  std::shared_ptr<FileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace masu::store::test
