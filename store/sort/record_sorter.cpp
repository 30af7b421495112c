#include "store/sort/record_sorter.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace masu::store {
namespace {

// A record in memory and on disk: two 16-bit lengths, key, value.
constexpr std::size_t header_bytes = 4;
constexpr std::size_t block_bytes_first = 1024;
constexpr std::size_t block_bytes_last = 32 * 1024;

RecordSorter::Record record_at(const std::uint8_t* bytes) {
  std::array<std::uint16_t, 2> lengths;
  std::memcpy(lengths.data(), bytes, header_bytes);
  return {Bytes(bytes + header_bytes, lengths[0]), Bytes(bytes + header_bytes + lengths[0], lengths[1])};
}

std::size_t size_of(const RecordSorter::Record& record) {
  return header_bytes + record.key.size() + record.value.size();
}

bool less(Bytes a, Bytes b) { return as_text(a) < as_text(b); }

}  // namespace

// Memory for records, in a list; the newest has the room. Blocks double, so that a small directory is cheap.
struct RecordSorter::Block {
  Block* before;
  std::size_t capacity;
  std::size_t used;
  std::uint8_t* bytes() { return reinterpret_cast<std::uint8_t*>(this + 1); }
};

// Reads one run record by record through a window that holds at least one whole record.
class RecordSorter::RunReader {
 public:
  static constexpr std::size_t window_bytes = record_bytes_max;

  RunReader(SpillSpace& spill, const Run& run) : spill_(spill), offset_(run.offset), left_(run.bytes) {}

  const Record& record() const { return record_; }
  // The next record; false at the end.
  StoreResult<bool> next() {
    begin_ += size_of(record_) * (started_ ? 1 : 0);
    started_ = true;
    if (begin_ == end_ && left_ == 0) return false;
    if (!whole()) {
      std::memmove(window_.data(), window_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
      const std::size_t bytes = static_cast<std::size_t>(std::min<std::uint64_t>(left_, window_bytes - end_));
      if (auto read = spill_.read(offset_, MutableBytes(window_).subspan(end_, bytes)); !read) {
        return std::unexpected(read.error());
      }
      end_ += bytes;
      offset_ += bytes;
      left_ -= bytes;
      if (!whole()) return fail(StoreErrorCode::corrupt, "spilled records are not what was written");
    }
    record_ = record_at(window_.data() + begin_);
    return true;
  }

 private:
  bool whole() const {
    return end_ - begin_ >= header_bytes && end_ - begin_ >= size_of(record_at(window_.data() + begin_));
  }

  SpillSpace& spill_;
  std::uint64_t offset_, left_;  // of the run, behind the window
  std::size_t begin_ = 0, end_ = 0;
  bool started_ = false;
  Record record_;
  std::array<std::uint8_t, window_bytes> window_;
};

// Writes one run; the pieces lie behind each other because nobody else appends meanwhile.
class RecordSorter::RunWriter {
 public:
  explicit RunWriter(SpillSpace& spill, std::pmr::memory_resource& memory) : spill_(spill), buffer_(&memory) {
    buffer_.reserve(block_bytes_last);
  }
  StoreResult<void> put(const Record& record) {
    const std::array<std::uint16_t, 2> lengths = {static_cast<std::uint16_t>(record.key.size()),
                                                  static_cast<std::uint16_t>(record.value.size())};
    if (buffer_.size() + size_of(record) > buffer_.capacity()) {
      if (auto flushed = flush(); !flushed) return flushed;
    }
    const Bytes header(reinterpret_cast<const std::uint8_t*>(lengths.data()), header_bytes);
    for (const Bytes piece : {header, record.key, record.value}) {
      buffer_.insert(buffer_.end(), piece.begin(), piece.end());
    }
    return {};
  }
  StoreResult<Run> finish(unsigned tier) {
    if (auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
    run_.tier = tier;
    return run_;
  }

 private:
  StoreResult<void> flush() {
    auto offset = spill_.append(buffer_);
    if (!offset) return std::unexpected(offset.error());
    if (run_.bytes == 0) run_.offset = *offset;
    MASU_CHECK(*offset == run_.offset + run_.bytes, "a run is written in one piece");
    run_.bytes += buffer_.size();
    buffer_.clear();
    return {};
  }

  SpillSpace& spill_;
  std::pmr::vector<std::uint8_t> buffer_;
  Run run_;
};

RecordSorter::RecordSorter(SpillSpace& spill, std::pmr::memory_resource& memory)
    : spill_(spill), memory_(memory), gathered_(&memory), runs_(&memory), readers_(&memory) {}

RecordSorter::~RecordSorter() {
  drop_gathered();
  drop_readers();
  for (const Run& run : runs_) spill_.release(run.offset, run.bytes);
}

std::uint8_t* RecordSorter::reserve(std::size_t bytes) {
  if (blocks_ == nullptr || blocks_->capacity - blocks_->used < bytes) {
    const std::size_t grown =
        blocks_ == nullptr ? block_bytes_first : 2 * (blocks_->capacity + sizeof(Block));
    const std::size_t whole = std::max(std::min(grown, block_bytes_last), bytes + sizeof(Block));
    void* const memory = memory_.allocate(whole, alignof(Block));
    blocks_ = new (memory) Block{blocks_, whole - sizeof(Block), 0};
    gathered_bytes_ += whole;
  }
  std::uint8_t* const place = blocks_->bytes() + blocks_->used;
  blocks_->used += bytes;
  return place;
}

void RecordSorter::add(Bytes key, Bytes value) {
  const std::size_t bytes = header_bytes + key.size() + value.size();
  MASU_CHECK(bytes <= record_bytes_max, "a record fits into a window");
  std::uint8_t* const place = reserve(bytes);
  const std::array<std::uint16_t, 2> lengths = {static_cast<std::uint16_t>(key.size()),
                                                static_cast<std::uint16_t>(value.size())};
  std::memcpy(place, lengths.data(), header_bytes);
  std::copy(key.begin(), key.end(), place + header_bytes);
  std::copy(value.begin(), value.end(), place + header_bytes + key.size());
  const std::size_t capacity_before = gathered_.capacity();
  gathered_.push_back(place);
  gathered_bytes_ += (gathered_.capacity() - capacity_before) * sizeof(place);
  ++record_count_;
}

void RecordSorter::sort_gathered() {
  std::sort(gathered_.begin(), gathered_.end(), [](const std::uint8_t* a, const std::uint8_t* b) {
    return less(record_at(a).key, record_at(b).key);
  });
}

void RecordSorter::drop_gathered() noexcept {
  while (blocks_ != nullptr) {
    Block* const block = std::exchange(blocks_, blocks_->before);
    memory_.deallocate(block, block->capacity + sizeof(Block), alignof(Block));
  }
  std::pmr::vector<const std::uint8_t*>(&memory_).swap(gathered_);
  gathered_bytes_ = 0;
}

void RecordSorter::drop_readers() noexcept {
  for (RunReader* reader : readers_) {
    reader->~RunReader();
    memory_.deallocate(reader, sizeof(RunReader), alignof(RunReader));
  }
  readers_.clear();
}

StoreResult<void> RecordSorter::spill() {
  if (gathered_.empty()) return {};
  sort_gathered();
  {
    RunWriter writer(spill_, memory_);
    for (const std::uint8_t* record : gathered_) {
      if (auto put = writer.put(record_at(record)); !put) return put;
    }
    auto run = writer.finish(0);
    if (!run) return std::unexpected(run.error());
    runs_.push_back(*run);
  }
  drop_gathered();
  return merge_full_tiers();
}

StoreResult<void> RecordSorter::merge_full_tiers() {
  while (runs_.size() >= merge_fan_in && runs_[runs_.size() - merge_fan_in].tier == runs_.back().tier) {
    if (auto merged = merge(runs_.size() - merge_fan_in); !merged) return merged;
  }
  return {};
}

StoreResult<void> RecordSorter::merge(std::size_t first_run) {
  if (auto opened = open_readers(first_run); !opened) return opened;
  RunWriter writer(spill_, memory_);
  while (true) {
    auto record = next();
    if (!record) return std::unexpected(record.error());
    if (!*record) break;
    if (auto put = writer.put(**record); !put) return put;
  }
  auto run = writer.finish(runs_.back().tier + 1);
  if (!run) return std::unexpected(run.error());
  drop_readers();
  while (runs_.size() > first_run) {
    spill_.release(runs_.back().offset, runs_.back().bytes);
    runs_.pop_back();
  }
  runs_.push_back(*run);
  return {};
}

StoreResult<void> RecordSorter::open_readers(std::size_t first_run) {
  readers_.reserve(runs_.size() - first_run);
  for (std::size_t i = first_run; i < runs_.size(); ++i) {
    void* const memory = memory_.allocate(sizeof(RunReader), alignof(RunReader));
    readers_.push_back(new (memory) RunReader(spill_, runs_[i]));
    if (auto first = readers_.back()->next(); !first) return std::unexpected(first.error());
  }
  for (std::size_t i = readers_.size() / 2; i-- > 0;) sift_down(i);
  front_used_ = false;
  return {};
}

StoreResult<void> RecordSorter::start_reading() {
  if (runs_.empty()) {
    sort_gathered();
    return {};
  }
  if (auto spilled = spill(); !spilled) return spilled;
  return open_readers(0);
}

void RecordSorter::sift_down(std::size_t at) {
  while (true) {
    std::size_t least = at;
    for (const std::size_t child : {2 * at + 1, 2 * at + 2}) {
      if (child < readers_.size() && less(readers_[child]->record().key, readers_[least]->record().key)) {
        least = child;
      }
    }
    if (least == at) return;
    std::swap(readers_[at], readers_[least]);
    at = least;
  }
}

StoreResult<std::optional<RecordSorter::Record>> RecordSorter::next() {
  if (runs_.empty()) {
    if (next_gathered_ == gathered_.size()) return std::nullopt;
    return record_at(gathered_[next_gathered_++]);
  }
  if (front_used_) {
    auto more = readers_.front()->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) {
      std::swap(readers_.front(), readers_.back());
      readers_.back()->~RunReader();
      memory_.deallocate(readers_.back(), sizeof(RunReader), alignof(RunReader));
      readers_.pop_back();
    }
    front_used_ = false;
    sift_down(0);
  }
  if (readers_.empty()) return std::nullopt;
  front_used_ = true;
  return readers_.front()->record();
}

}  // namespace masu::store
