// A spill space in memory that can be told to fail.
#pragma once

#include "unixfs/import/spill_file.hpp"

#include <algorithm>
#include <vector>

namespace masu::unixfs::test {

class MemorySpill final : public SpillSpace {
 public:
  Result<std::uint64_t> append(Bytes bytes) override {
    if (bytes_.size() + bytes.size() > capacity_bytes)
      return fail(ErrorCode::storage, "no space left on device");
    const std::uint64_t offset = bytes_.size();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    live_bytes += bytes.size();
    return offset;
  }
  Result<> read(std::uint64_t offset, MutableBytes out) override {
    if (reads_until_failure == 0) return fail(ErrorCode::storage, "input/output error");
    --reads_until_failure;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }
  Result<> write(std::uint64_t offset, Bytes bytes) override {
    std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  }
  void release(std::uint64_t, std::uint64_t bytes) override { live_bytes -= bytes; }

  std::uint64_t capacity_bytes = ~std::uint64_t{0};
  std::uint64_t reads_until_failure = ~std::uint64_t{0};
  std::uint64_t live_bytes = 0;

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace masu::unixfs::test
