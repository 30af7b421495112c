// SegmentCache: the segments whose descriptors are kept open for reading, the least recently used closed
// first.
//
// A segment lives as long as somebody holds it. Locks itself; any thread.
#pragma once

#include "store/disk/file.hpp"
#include "store/disk/segment_file.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace masu::store {

class SegmentCache {
 public:
  // Requires: segments_max > 0.
  SegmentCache(Files& files, std::string directory, std::size_t segments_max);

  // `not_found`: there is no such file (it may have been reclaimed since the index was asked).
  StoreResult<std::shared_ptr<SegmentFile>> open(std::uint32_t id);
  void add(std::shared_ptr<SegmentFile> segment);
  // Unlinks the file.
  StoreResult<void> remove(std::uint32_t id);
  std::size_t size() const;

 private:
  std::shared_ptr<SegmentFile> find(std::uint32_t id);
  void insert(std::shared_ptr<SegmentFile> segment);

  Files& files_;
  const std::string directory_;
  const std::size_t segments_max_;
  mutable std::mutex lock_;                             // guards what follows
  std::vector<std::shared_ptr<SegmentFile>> segments_;  // the most recently used at the back
};

}  // namespace masu::store
