// DirectoryBuilder: a UnixFS directory from any number of entries in any order, in bounded memory.
//
// Entries are gathered in a sorter, which spills above ImportMemory::gather_bytes, and earlier when the owner
// says so. A directory up to the
// threshold of its shape is one block with its links by name; above it is a HAMT (hamt_writer.hpp). Which of
// the two is known as soon as the threshold is passed, since entries only come: until then they are sorted by
// name, from then on by hash. What is written at the end is the block, or the open shards, in chunks.
//
// One owner, one thread (a worker's). After an error it is destroyed.
#pragma once

#include "store/sort/record_sorter.hpp"
#include "unixfs/import/file_importer.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace masu::unixfs {

inline constexpr std::size_t entry_name_bytes_max = 4096;

class DirectoryBuilder {
 public:
  // The writer and the spill space outlive this. Requires: the shape is valid (ImportOptions::check).
  DirectoryBuilder(const DirectoryShape& shape, const Metadata& metadata, BlockWriter& writer,
                   store::SpillSpace& spill);

  Result<> add(std::string_view name, const ImportedNode& node);
  // What the gathered entries take in memory, and moves it to the spill space.
  std::size_t gathered_bytes() const { return entries().gathered_bytes(); }
  Result<> spill();

  std::uint64_t entry_count() const { return entry_count_; }
  bool sharded() const { return by_hash_.has_value(); }
  // Writes the directory. An entry that was given twice is an error. The writer has no other user meanwhile.
  Result<ImportedNode> finish();

 private:
  void put(std::string_view name, Bytes value);
  Result<> shard();
  Result<> spill_if_large();
  const store::RecordSorter& entries() const { return by_hash_ ? *by_hash_ : *by_name_; }
  store::RecordSorter& entries() { return by_hash_ ? *by_hash_ : *by_name_; }
  Result<ImportedNode> write_basic();
  Result<ImportedNode> write_sharded();

  const DirectoryShape shape_;
  const Metadata metadata_;
  BlockWriter& writer_;
  store::SpillSpace& spill_;
  std::optional<store::RecordSorter> by_name_;
  std::optional<store::RecordSorter> by_hash_;  // once the threshold is passed
  std::uint64_t entry_count_ = 0;
  std::uint64_t estimated_bytes_ = 0;
};

}  // namespace masu::unixfs
