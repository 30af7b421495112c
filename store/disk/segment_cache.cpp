#include "store/disk/segment_cache.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <utility>

namespace masu::store {

SegmentCache::SegmentCache(Files& files, std::string directory, std::size_t segments_max)
    : files_(files), directory_(std::move(directory)), segments_max_(segments_max) {
  MASU_CHECK(segments_max > 0, "some segment may be open");
  segments_.reserve(segments_max);
}

std::shared_ptr<SegmentFile> SegmentCache::find(std::uint32_t id) {
  const auto found = std::ranges::find(segments_, id, [](const auto& segment) { return segment->id(); });
  if (found == segments_.end()) return nullptr;
  std::rotate(found, found + 1, segments_.end());
  return segments_.back();
}

void SegmentCache::insert(std::shared_ptr<SegmentFile> segment) {
  if (find(segment->id())) return;
  if (segments_.size() == segments_max_) segments_.erase(segments_.begin());
  segments_.push_back(std::move(segment));
}

StoreResult<std::shared_ptr<SegmentFile>> SegmentCache::open(std::uint32_t id) {
  {
    const std::lock_guard guard(lock_);
    if (auto segment = find(id)) return segment;
  }
  auto file = files_.open(directory_ + "/" + segment_name(id), Files::Mode::read);
  if (!file) return std::unexpected(file.error());
  auto segment = std::make_shared<SegmentFile>(id, std::move(*file));
  add(segment);
  return segment;
}

void SegmentCache::add(std::shared_ptr<SegmentFile> segment) {
  const std::lock_guard guard(lock_);
  insert(std::move(segment));
}

StoreResult<void> SegmentCache::remove(std::uint32_t id) {
  {
    const std::lock_guard guard(lock_);
    std::erase_if(segments_, [id](const auto& segment) { return segment->id() == id; });
  }
  return files_.unlink(directory_ + "/" + segment_name(id));
}

std::size_t SegmentCache::size() const {
  const std::lock_guard guard(lock_);
  return segments_.size();
}

}  // namespace masu::store
