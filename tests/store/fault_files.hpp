// FaultFiles: a disk in memory that loses power and fails.
//
// A write is in the cache until its file is synced, a name until its directory is. When the power goes, each
// sector (512 bytes) of an unsynced write and each unsynced change of a name is there or not, as the seed
// says. After power_off() every operation fails, so that the store that used it can be destroyed; power_on()
// is the disk that the next one finds. What is written without a sync that failed is not on the disk, and a
// later sync does not bring it there, as kernels do.
#pragma once

#include "store/disk/file.hpp"
#include "tests/store/bytes.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace masu::store::test {

class FaultFiles final : public Files {
 public:
  explicit FaultFiles(std::uint64_t seed) : random_(seed) {}

  StoreResult<std::unique_ptr<File>> open(const std::string& path, Mode mode) override;
  StoreResult<void> unlink(const std::string& path) override;
  StoreResult<void> make_directory(const std::string&) override { return step("mkdir"); }
  StoreResult<void> sync_directory(const std::string& path) override;
  StoreResult<std::uint64_t> free_bytes(const std::string&) override;
  StoreResult<std::vector<std::string>> list(const std::string& path) override;

  void power_off();
  void power_on();
  // The operation `count` operations from now on fails with this errno, and those behind it `also` times.
  void fail_after(std::uint64_t count, int error_number, std::uint64_t also = 0);
  void heal();
  // Syncs of files wait until they are let go.
  void hold_syncs();
  void let_syncs_go();
  void wait_for_held_sync();
  std::uint64_t operations() const;
  bool failed_one() const;  // of those that fail_after() named
  void set_capacity(std::uint64_t bytes);
  std::uint64_t used_bytes() const;
  // Changes a byte of a file behind everybody's back.
  void corrupt_byte(const std::string& path, std::uint64_t offset);
  void truncate_behind_back(const std::string& path, std::uint64_t bytes);

 private:
  struct Node {
    std::string cached, durable;
    struct Write {
      std::uint64_t offset;
      std::string bytes;
      std::optional<std::uint64_t> truncated;  // it was no write
    };
    std::vector<Write> unsynced;
  };
  struct NameChange {
    std::string path;
    std::shared_ptr<Node> node;  // null: unlinked
  };
  class OpenFile;

  StoreResult<void> step(const std::string& what);
  void pass_gate(std::unique_lock<std::mutex>& guard);
  void settle(Node& node);
  std::uint64_t used_locked() const;

  mutable std::mutex lock_;
  std::condition_variable syncs_changed_;
  bool syncs_held_ = false;
  std::size_t syncs_waiting_ = 0;
  ByteStream random_;
  std::map<std::string, std::shared_ptr<Node>> names_, durable_names_;
  std::vector<NameChange> unsynced_names_;
  std::uint64_t capacity_ = std::uint64_t{1} << 40;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_from_ = ~std::uint64_t{0}, fail_to_ = 0;
  int error_number_ = 0;
  bool off_ = false;
};

}  // namespace masu::store::test
