// RecordSorter: any number of records put into the order of their keys, in bounded memory.
//
// Records are gathered in memory; spill() sorts them and writes them to the spill space as one run, and runs
// are merged sixteen at a time, so that few are open when the records are read back. Nothing is written
// while everything fits. Keys compare bytewise; records with one key come out in no stated order.
//
// One owner, one thread (a worker's: it blocks). Throws std::bad_alloc where `memory` refuses; the owner
// turns that into an error and destroys the sorter.
#pragma once

#include "alloc/bytes.hpp"
#include "store/error.hpp"
#include "store/sort/spill_file.hpp"

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

namespace masu::store {

class RecordSorter {
 public:
  static constexpr std::size_t record_bytes_max = 8 * 1024;  // key, value and their lengths
  static constexpr std::size_t merge_fan_in = 16;

  struct Record {
    Bytes key, value;
  };

  RecordSorter(SpillSpace& spill, std::pmr::memory_resource& memory);
  ~RecordSorter();
  RecordSorter(const RecordSorter&) = delete;
  RecordSorter& operator=(const RecordSorter&) = delete;

  // Copies a record. Requires: 4 + key.size() + value.size() <= record_bytes_max, and no start_reading().
  void add(Bytes key, Bytes value);
  // What is gathered in memory, and its price there.
  std::size_t gathered_bytes() const { return gathered_bytes_; }
  std::uint64_t record_count() const { return record_count_; }
  // Moves what is gathered to the spill space and gives its memory back.
  StoreResult<void> spill();

  // Ends the adding. After it next() gives the records in order, each valid until the next call; nothing at
  // the end.
  StoreResult<void> start_reading();
  StoreResult<std::optional<Record>> next();

 private:
  struct Block;
  struct Run {
    std::uint64_t offset = 0, bytes = 0;
    unsigned tier = 0;
  };
  class RunReader;
  class RunWriter;

  std::uint8_t* reserve(std::size_t bytes);
  void sort_gathered();
  void drop_gathered() noexcept;
  void drop_readers() noexcept;
  StoreResult<void> merge_full_tiers();
  StoreResult<void> merge(std::size_t first_run);
  StoreResult<void> open_readers(std::size_t first_run);
  void sift_down(std::size_t at);

  SpillSpace& spill_;
  std::pmr::memory_resource& memory_;
  Block* blocks_ = nullptr;
  std::pmr::vector<const std::uint8_t*> gathered_;  // records in blocks_
  std::size_t gathered_bytes_ = 0;
  std::uint64_t record_count_ = 0;
  std::pmr::vector<Run> runs_;            // tiers do not grow from front to back
  std::pmr::vector<RunReader*> readers_;  // a heap, the least record at the front
  std::size_t next_gathered_ = 0;
  bool front_used_ = false;  // the front reader's record was handed out
};

}  // namespace masu::store
