// A spill space in memory that can be told to fail.
#pragma once

#include "store/sort/spill_file.hpp"

#include <algorithm>
#include <vector>

namespace masu::store::test {

class MemorySpill final : public SpillSpace {
 public:
  StoreResult<std::uint64_t> append(Bytes bytes) override {
    if (bytes_.size() + bytes.size() > capacity_bytes)
      return fail(StoreErrorCode::io, "no space left on device");
    const std::uint64_t offset = bytes_.size();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    live_bytes += bytes.size();
    return offset;
  }
  StoreResult<void> read(std::uint64_t offset, MutableBytes out) override {
    if (reads_until_failure == 0) return fail(StoreErrorCode::io, "input/output error");
    --reads_until_failure;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }
  StoreResult<void> write(std::uint64_t offset, Bytes bytes) override {
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

}  // namespace masu::store::test
