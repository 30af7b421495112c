#include "unixfs/import/directory_builder.hpp"

#include "alloc/check.hpp"
#include "unixfs/dag/dag_pb_writer.hpp"
#include "unixfs/dag/hamt_hash.hpp"
#include "unixfs/import/hamt_writer.hpp"
#include "unixfs/memory_guard.hpp"

#include <array>
#include <cstring>
#include <string>

namespace masu::unixfs {
namespace {

// A record's key is the name, behind its hash when the directory is sharded; its value: tsize, then the CID.
constexpr std::size_t hash_bytes = 8;
constexpr std::size_t value_bytes_max = 8 + cid_bytes_max;

struct Value {
  std::array<std::uint8_t, value_bytes_max> bytes;
  std::size_t size;
  Bytes view() const { return Bytes(bytes).first(size); }
};

Value value_of(const ImportedNode& node) {
  Value value;
  std::memcpy(value.bytes.data(), &node.tsize, 8);
  const Bytes cid = node.cid.bytes();
  std::copy(cid.begin(), cid.end(), value.bytes.begin() + 8);
  value.size = 8 + cid.size();
  return value;
}

Result<ImportedNode> node_of(Bytes value) {
  ImportedNode node;
  if (value.size() >= 8) {
    std::memcpy(&node.tsize, value.data(), 8);
    if (const auto cid = Cid::decode(value.subspan(8)); cid) {
      node.cid = *cid;
      return node;
    }
  }
  return fail(ErrorCode::storage, "spilled directory entries are not what was written");
}

std::uint64_t hash_of(Bytes key) {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < hash_bytes; ++i) hash = hash << 8 | key[i];
  return hash;
}

std::uint64_t empty_directory_bytes(const Metadata& metadata) {
  return protobuf::bytes_field_size(message_size({.type = NodeType::directory, .metadata = metadata}));
}

Error duplicate() { return {ErrorCode::invalid, "directory already has entry by that name"}; }

// Tells when a key comes for the second time in a row.
class DuplicateCheck {
 public:
  explicit DuplicateCheck(std::pmr::memory_resource& memory) : last_(&memory) {}
  bool seen(Bytes key) {
    if (any_ && as_text(key) == last_) return true;
    last_ = as_text(key);
    any_ = true;
    return false;
  }

 private:
  std::pmr::string last_;
  bool any_ = false;
};

}  // namespace

DirectoryBuilder::DirectoryBuilder(const DirectoryShape& shape, const Metadata& metadata, BlockWriter& writer,
                                   store::SpillSpace& spill)
    : shape_(shape), metadata_(metadata), writer_(writer), spill_(spill) {
  by_name_.emplace(spill_, writer_.memory().heap);
  if (shape_.estimation == SizeEstimation::block) estimated_bytes_ = empty_directory_bytes(metadata_);
}

Result<> DirectoryBuilder::add(std::string_view name, const ImportedNode& node) {
  if (name.size() > entry_name_bytes_max) {
    return fail(ErrorCode::limit, "a name of " + std::to_string(name.size()) +
                                      " bytes is above the limit of " + std::to_string(entry_name_bytes_max));
  }
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<> {
    ++entry_count_;
    const std::size_t cid_bytes = node.cid.bytes().size();
    switch (shape_.estimation) {
      case SizeEstimation::links: estimated_bytes_ += name.size() + cid_bytes; break;
      case SizeEstimation::block: estimated_bytes_ += link_size(cid_bytes, name.size(), node.tsize); break;
      case SizeEstimation::none: break;
    }
    const bool too_large =
        shape_.estimation != SizeEstimation::none && estimated_bytes_ > shape_.threshold_bytes;
    const bool too_many = shape_.links_max > 0 && entry_count_ > shape_.links_max;
    if (!sharded() && shape_.threshold_bytes > 0 && (too_large || too_many)) {
      if (auto now = shard(); !now) return now;
    }
    put(name, value_of(node).view());
    return spill_if_large();
  });
}

void DirectoryBuilder::put(std::string_view name, Bytes value) {
  if (!by_hash_) return by_name_->add(as_bytes(name), value);
  std::array<std::uint8_t, hash_bytes + entry_name_bytes_max> key;
  const std::uint64_t hash = hamt_hash(as_bytes(name));
  for (std::size_t i = 0; i < hash_bytes; ++i) key[i] = static_cast<std::uint8_t>(hash >> 8 * (7 - i));
  std::copy(name.begin(), name.end(), key.begin() + hash_bytes);
  by_hash_->add(Bytes(key).first(hash_bytes + name.size()), value);
}

// Moves the entries into a sorter by hash. There are no more of them than a plain directory may have.
Result<> DirectoryBuilder::shard() {
  by_hash_.emplace(spill_, writer_.memory().heap);
  if (auto started = by_name_->start_reading(); !started) return std::unexpected(from_store(started.error()));
  while (true) {
    const auto record = by_name_->next();
    if (!record) return std::unexpected(from_store(record.error()));
    if (!*record) break;
    put(as_text((*record)->key), (*record)->value);
    if (auto spilled = spill_if_large(); !spilled) return spilled;
  }
  by_name_.reset();
  return {};
}

Result<> DirectoryBuilder::spill_if_large() {
  if (gathered_bytes() <= writer_.memory().gather_bytes) return {};
  if (auto spilled = entries().spill(); !spilled) return std::unexpected(from_store(spilled.error()));
  return {};
}

Result<> DirectoryBuilder::spill() {
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<> {
    if (auto spilled = entries().spill(); !spilled) return std::unexpected(from_store(spilled.error()));
    return {};
  });
}

Result<ImportedNode> DirectoryBuilder::finish() {
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<ImportedNode> {
    if (auto started = entries().start_reading(); !started) {
      return std::unexpected(from_store(started.error()));
    }
    return sharded() ? write_sharded() : write_basic();
  });
}

Result<ImportedNode> DirectoryBuilder::write_basic() {
  std::pmr::memory_resource& heap = writer_.memory().heap;
  NodeBytes links(writer_.memory());
  ByteBuffer scratch(&heap);
  DuplicateCheck names(heap);
  std::uint64_t tsize = 0;
  while (true) {
    const auto record = by_name_->next();
    if (!record) return std::unexpected(from_store(record.error()));
    if (!*record) break;
    if (names.seen((*record)->key)) return std::unexpected(duplicate());
    const auto node = node_of((*record)->value);
    if (!node) return std::unexpected(node.error());
    scratch.clear();
    put_link(scratch,
             {.cid = node->cid, .name_prefix = {}, .name = as_text((*record)->key), .tsize = node->tsize});
    if (links.size() + scratch.size() > store::block_bytes_max) {
      return fail(ErrorCode::limit, "a directory of " + std::to_string(entry_count_) +
                                        " entries does not fit into one block of " +
                                        std::to_string(store::block_bytes_max) + " bytes");
    }
    links.append(scratch);
    tsize += node->tsize;
  }
  const NodeFields fields{.type = NodeType::directory, .metadata = metadata_};
  scratch.clear();
  put_node_head(scratch, fields);
  put_node_tail(scratch, fields);
  writer_.add(links.rope());
  writer_.add(scratch);
  tsize += writer_.bytes();
  const auto cid = writer_.finish(Codec::dag_pb);
  if (!cid) return std::unexpected(cid.error());
  return ImportedNode{*cid, tsize};
}

Result<ImportedNode> DirectoryBuilder::write_sharded() {
  DuplicateCheck names(writer_.memory().heap);
  HamtWriter shards(shape_.fanout, metadata_, writer_);
  while (true) {
    const auto record = by_hash_->next();
    if (!record) return std::unexpected(from_store(record.error()));
    if (!*record) break;
    const Bytes key = (*record)->key;
    if (names.seen(key)) return std::unexpected(duplicate());
    const auto node = node_of((*record)->value);
    if (!node) return std::unexpected(node.error());
    if (auto added = shards.add(hash_of(key), as_text(key.subspan(hash_bytes)), *node); !added) {
      return std::unexpected(added.error());
    }
  }
  return shards.finish();
}

}  // namespace masu::unixfs
