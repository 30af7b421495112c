#include "unixfs/import/tree_importer.hpp"

#include "alloc/check.hpp"
#include "unixfs/memory_guard.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace masu::unixfs {
namespace {

// A record's key is the path, a zero byte that no name begins with, and the number of the entry; its value
// begins with what it is.
constexpr std::size_t number_bytes = 8;
enum class RecordKind : std::uint8_t { leaf, directory };

template <class Number>
void put_number(ByteBuffer& out, Number number) {
  std::array<std::uint8_t, sizeof(Number)> bytes;
  std::memcpy(bytes.data(), &number, sizeof(Number));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

template <class Number>
bool take_number(Bytes& in, Number& number) {
  if (in.size() < sizeof(Number)) return false;
  std::memcpy(&number, in.data(), sizeof(Number));
  in = in.subspan(sizeof(Number));
  return true;
}

void put_metadata(ByteBuffer& out, const Metadata& metadata) {
  put_number(out, metadata.mode);
  out.push_back(metadata.mtime ? 1 : 0);
  const Timestamp time = metadata.mtime.value_or(Timestamp());
  put_number(out, time.seconds);
  put_number(out, time.nanos);
}

bool take_metadata(Bytes in, Metadata& metadata) {
  std::uint8_t has_time = 0;
  Timestamp time;
  if (!take_number(in, metadata.mode) || !take_number(in, has_time) || !take_number(in, time.seconds) ||
      !take_number(in, time.nanos)) {
    return false;
  }
  if (has_time != 0) metadata.mtime = time;
  return true;
}

bool take_node(Bytes in, ImportedNode& node) {
  if (!take_number(in, node.tsize)) return false;
  const auto cid = Cid::decode(in);
  if (cid) node.cid = *cid;
  return cid.has_value();
}

auto broken_record() { return fail(ErrorCode::storage, "spilled entries are not what was written"); }

// The first component of a clean path.
std::string_view first_of(std::string_view path) { return path.substr(0, path.find('/')); }

}  // namespace

TreeImporter::TreeImporter(const ImportOptions& options, BlockSink& sink, const ImportMemory& memory,
                           store::SpillSpace& spill)
    : options_(options),
      spill_(spill),
      writer_(options.format, sink, memory),
      path_(&memory.heap),
      root_name_(&memory.heap),
      open_(&memory.heap),
      walk_key_(&memory.heap) {}

// As Go's path.Clean("/" + path) without the slash in front.
Result<> TreeImporter::clean_path(std::string_view path) {
  path_.clear();
  if (path.size() > path_bytes_max) {
    return fail(ErrorCode::limit, "a path of " + std::to_string(path.size()) +
                                      " bytes is above the limit of " + std::to_string(path_bytes_max));
  }
  if (path.find('\0') != std::string_view::npos) {
    return fail(ErrorCode::invalid, "a path has a zero byte in it");
  }
  while (!path.empty()) {
    const std::string_view name = first_of(path);
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      const std::size_t slash = path_.rfind('/');
      path_.resize(slash == std::pmr::string::npos ? 0 : slash);
      continue;
    }
    if (!path_.empty()) path_ += '/';
    path_ += name;
  }
  return {};
}

Result<bool> TreeImporter::begins_root(const ImportEntry& entry) {
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<bool> {
    MASU_CHECK(!event_ready_, "events are taken before the next entry");
    if (auto clean = clean_path(entry.path); !clean) return std::unexpected(clean.error());
    if (phase_ == Phase::single) return true;
    if (phase_ == Phase::no_root || root_name_.empty()) return false;
    return first_of(path_) != root_name_ || path_ == root_name_;
  });
}

Metadata TreeImporter::metadata_of(const ImportEntry& entry) const {
  Metadata out = options_.metadata;
  if (out.mode == 0 && options_.preserve_mode) out.mode = entry.metadata.mode;
  if (!out.mtime && options_.preserve_mtime) out.mtime = entry.metadata.mtime;
  if (entry.kind == ImportEntry::Kind::symlink) out.mode = 0;
  return out;
}

void TreeImporter::open_root(const ImportEntry& entry) {
  const bool in_directory = options_.wrap || entry.kind == ImportEntry::Kind::directory ||
                            path_.find('/') != std::pmr::string::npos;
  had_root_ = true;
  if (!in_directory) {
    phase_ = Phase::single;
    return;
  }
  phase_ = Phase::gathering;
  root_name_ = options_.wrap ? std::string_view() : first_of(path_);
  root_metadata_ = options_.metadata;
  entries_.emplace(spill_, writer_.memory().heap);
  entry_count_ = 0;
}

Result<> TreeImporter::begin(const ImportEntry& entry) {
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<> {
    MASU_CHECK(!file_ && !event_ready_, "an entry begins when the one before has ended");
    if (auto clean = clean_path(entry.path); !clean) return clean;
    const bool first = phase_ == Phase::no_root;
    if (first) open_root(entry);
    MASU_CHECK(first || phase_ == Phase::gathering, "a root has ended before the next one begins");
    const Metadata metadata = metadata_of(entry);
    switch (entry.kind) {
      case ImportEntry::Kind::file: file_.emplace(options_.file, metadata, writer_); return {};
      case ImportEntry::Kind::symlink: return add_symlink(entry);
      case ImportEntry::Kind::directory: break;
    }
    if (path_ != root_name_) return record_directory(metadata);
    if (options_.wrap) return fail(ErrorCode::invalid, "no path given to Mkdir");
    if (first) root_metadata_ = metadata;
    return {};
  });
}

Result<> TreeImporter::feed(ChunkChain&& bytes) {
  MASU_CHECK(file_, "bytes belong to a file");
  return file_->feed(std::move(bytes));
}

Result<> TreeImporter::end_file() {
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<> {
    MASU_CHECK(file_, "a file ends that has begun");
    const auto node = file_->finish();
    if (!node) return std::unexpected(node.error());
    file_.reset();
    return add_leaf(*node);
  });
}

Result<> TreeImporter::add_symlink(const ImportEntry& entry) {
  const NodeFields fields{
      .type = NodeType::symlink, .data_bytes = entry.link_target.size(), .metadata = metadata_of(entry)};
  ByteBuffer head(&writer_.memory().heap), tail(&writer_.memory().heap);
  put_node_head(head, fields);
  put_node_tail(tail, fields);
  writer_.add(head);
  writer_.add(as_bytes(entry.link_target));
  writer_.add(tail);
  const std::uint64_t bytes = writer_.bytes();
  const auto cid = writer_.finish(Codec::dag_pb);
  if (!cid) return std::unexpected(cid.error());
  return add_leaf({*cid, bytes});
}

// A file or a symlink has become a node. Without a name it goes by its CID.
Result<> TreeImporter::add_leaf(const ImportedNode& node) {
  if (path_.empty()) path_ = node.cid.to_string();
  event_ready_ = true;
  last_ = node;
  if (phase_ == Phase::single) {
    root_ = node;
    return {};
  }
  ByteBuffer value(&writer_.memory().heap);
  put_number(value, RecordKind::leaf);
  put_number(value, node.tsize);
  const Bytes cid = last_.cid.bytes();
  value.insert(value.end(), cid.begin(), cid.end());
  return record(value);
}

Result<> TreeImporter::record_directory(const Metadata& metadata) {
  ByteBuffer value(&writer_.memory().heap);
  put_number(value, RecordKind::directory);
  put_metadata(value, metadata);
  return record(value);
}

Result<> TreeImporter::record(Bytes value) {
  std::array<std::uint8_t, path_bytes_max + 2 + number_bytes> key;
  std::size_t bytes = 0;
  for (const char c : path_) key[bytes++] = c == '/' ? 0 : static_cast<std::uint8_t>(c);
  key[bytes++] = 0;
  key[bytes++] = 0;
  const std::uint64_t number = entry_count_++;
  for (std::size_t i = 0; i < number_bytes; ++i) {
    key[bytes++] = static_cast<std::uint8_t>(number >> 8 * (number_bytes - 1 - i));
  }
  entries_->add(Bytes(key).first(bytes), value);
  if (entries_->gathered_bytes() <= writer_.memory().gather_bytes) return {};
  if (auto spilled = entries_->spill(); !spilled) return std::unexpected(from_store(spilled.error()));
  return {};
}

Result<> TreeImporter::end_root() {
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<> {
    MASU_CHECK(!file_ && !event_ready_ && phase_ != Phase::building, "a root ends when its entries have");
    if (options_.wrap && phase_ == Phase::no_root && !had_root_) {
      path_.clear();
      open_root({.kind = ImportEntry::Kind::directory, .path = {}, .link_target = {}, .metadata = {}});
    }
    if (phase_ != Phase::gathering) {
      phase_ = Phase::no_root;
      return {};
    }
    if (auto started = entries_->start_reading(); !started) {
      return std::unexpected(from_store(started.error()));
    }
    walk_key_.clear();
    if (!root_name_.empty()) walk_key_.append(root_name_).push_back('\0');
    open_directory(walk_key_.size(), root_metadata_);
    phase_ = Phase::building;
    return {};
  });
}

Result<std::optional<ImportEvent>> TreeImporter::next_event() {
  return guard_memory(writer_.memory().heap.account(), [&]() -> Result<std::optional<ImportEvent>> {
    if (event_ready_) {
      event_ready_ = false;
      return ImportEvent{path_, last_};
    }
    if (phase_ != Phase::building) return std::nullopt;
    return build();
  });
}

// Places records until a directory is done, which is an event. Nothing: the root is.
Result<std::optional<ImportEvent>> TreeImporter::build() {
  while (!open_.empty()) {
    if (!pending_) {
      const auto next = entries_->next();
      if (!next) return std::unexpected(from_store(next.error()));
      pending_ = *next;
    }
    const bool inside = pending_ && as_text(pending_->key).starts_with(walk_key_);
    if (inside) {
      if (auto placed = place(*pending_); !placed) return std::unexpected(placed.error());
      pending_.reset();
    } else if (auto closed = close_directory(); !closed || *closed) {
      return closed;
    }
  }
  MASU_CHECK(!pending_, "every record lies in the root");
  entries_.reset();
  phase_ = Phase::no_root;
  return std::nullopt;
}

// Opens the directories between the open one and the record's, and puts the record into the last. Requires:
// the open directory is above the record.
Result<> TreeImporter::place(const Record& record) {
  Bytes value = record.value;
  RecordKind kind;
  if (!take_number(value, kind) || record.key.size() < number_bytes + 2) return broken_record();
  const std::string_view key = as_text(record.key).substr(0, record.key.size() - number_bytes - 1);
  const bool is_directory = kind == RecordKind::directory;
  while (walk_key_.size() < key.size()) {
    const std::size_t end = key.find('\0', walk_key_.size()) + 1;
    if (end == 0) return broken_record();
    open_.back().has_entries = true;
    if (end == key.size() && !is_directory) {
      ImportedNode node;
      if (!take_node(value, node)) return broken_record();
      const std::string_view name = key.substr(walk_key_.size(), end - 1 - walk_key_.size());
      return add_to(open_.back(), name, node);
    }
    Metadata metadata = options_.metadata;
    if (end == key.size() && !take_metadata(value, metadata)) return broken_record();
    walk_key_ = key.substr(0, end);
    open_directory(end, metadata);
  }
  if (!is_directory) return fail(ErrorCode::invalid, "directory already has entry by that name");
  return {};  // a directory that is given again
}

void TreeImporter::open_directory(std::size_t key_bytes, const Metadata& metadata) {
  open_.emplace_back(options_.directory, metadata, writer_, spill_, key_bytes);
}

Result<std::optional<ImportEvent>> TreeImporter::close_directory() {
  OpenDirectory& last = open_.back();
  const bool is_root = open_.size() == 1;
  const bool skip = !last.has_entries && !options_.keep_empty_directories && !is_root;
  open_gathered_bytes_ -= last.builder.gathered_bytes();
  if (!skip) {
    const auto node = last.builder.finish();
    if (!node) return std::unexpected(node.error());
    last_ = *node;
  }
  path_ = std::string_view(walk_key_).substr(0, std::max<std::size_t>(walk_key_.size(), 1) - 1);
  std::replace(path_.begin(), path_.end(), '\0', '/');
  open_.pop_back();
  if (is_root) {
    root_ = last_;
    return ImportEvent{path_, last_};
  }
  walk_key_.resize(open_.back().key_bytes);
  if (skip) return std::nullopt;
  const std::size_t slash = path_.rfind('/');
  const auto name = std::string_view(path_).substr(slash == std::pmr::string::npos ? 0 : slash + 1);
  if (auto added = add_to(open_.back(), name, last_); !added) return std::unexpected(added.error());
  return ImportEvent{path_, last_};
}

Result<> TreeImporter::add_to(OpenDirectory& directory, std::string_view name, const ImportedNode& node) {
  const std::size_t before = directory.builder.gathered_bytes();
  if (auto added = directory.builder.add(name, node); !added) return added;
  open_gathered_bytes_ += directory.builder.gathered_bytes() - before;
  return spill_if_large();
}

// All open directories together gather no more than one may: the largest gives its memory back.
Result<> TreeImporter::spill_if_large() {
  if (open_gathered_bytes_ <= writer_.memory().gather_bytes) return {};
  const auto largest = std::max_element(open_.begin(), open_.end(), [](const auto& a, const auto& b) {
    return a.builder.gathered_bytes() < b.builder.gathered_bytes();
  });
  open_gathered_bytes_ -= largest->builder.gathered_bytes();
  return largest->builder.spill();
}

}  // namespace masu::unixfs
