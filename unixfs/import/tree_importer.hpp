// TreeImporter: the entries of an upload, one after the other, into UnixFS files, symlinks and directories.
//
// Entries come as a client sends them: depth first, parents implied or given. What has one first path
// component is a root of its own, unless everything is wrapped into one. Files are stored as they come; what
// they became is sorted by path (in memory, then in the spill space), and a root's directories are built from
// that in one pass when it ends: memory grows neither with the number of entries nor with the order they come
// in, only with the depth of the tree.
//
// The law: after each call that succeeds take the events until there are none. An event is what Kubo prints
// as "added": files and symlinks when they are stored, directories when the root ends, children before
// parents and siblings by name. (Kubo gives the children of a sharded directory in the order of their
// hashes.)
//
// One owner; any worker thread, one at a time. After an error it is destroyed. Limits: a path has at most
// path_bytes_max bytes; each directory that is open during the pass costs about 1 KiB.
#pragma once

#include "store/sort/record_sorter.hpp"
#include "unixfs/import/directory_builder.hpp"
#include "unixfs/import/file_importer.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace masu::unixfs {

struct ImportEntry {
  enum class Kind : std::uint8_t { file, directory, symlink };
  Kind kind = Kind::file;
  std::string_view path;         // as the client wrote it; may be empty
  std::string_view link_target;  // of a symlink
  Metadata metadata;             // used as ImportOptions say
};

struct ImportEvent {
  std::string_view name;  // the whole path; valid until the next call
  ImportedNode node;
};

class TreeImporter {
 public:
  static constexpr std::size_t path_bytes_max = 4096;

  // The sink, the spill space and the memory outlive this. Requires: options.check().
  TreeImporter(const ImportOptions& options, BlockSink& sink, const ImportMemory& memory,
               store::SpillSpace& spill);

  // Whether the entry lies outside of the root that is open: end_root() comes before its begin().
  Result<bool> begins_root(const ImportEntry& entry);
  // Requires: no file is open, and begins_root() said no or the root has ended. A file's bytes follow.
  Result<> begin(const ImportEntry& entry);
  Result<> feed(ChunkChain&& bytes);  // Requires: begin() of a file.
  Result<> end_file();
  // Nothing more comes below the open root. Its node is root() once its events are taken. The directory that
  // wraps everything is there also when no entry came.
  Result<> end_root();
  bool has_root() const { return phase_ != Phase::no_root; }
  // Of the entry that began last, clean; without a name it is empty until the entry is done.
  std::string_view path() const { return path_; }
  const ImportedNode& root() const { return root_; }

  Result<std::optional<ImportEvent>> next_event();

 private:
  enum class Phase : std::uint8_t {
    no_root,
    single,     // the root is a file or a symlink
    gathering,  // it is a directory, and entries come
    building,   // it has ended, and its directories are made
  };
  struct OpenDirectory {
    OpenDirectory(const DirectoryShape& shape, const Metadata& metadata, BlockWriter& writer,
                  store::SpillSpace& spill, std::size_t key_bytes_)
        : builder(shape, metadata, writer, spill), key_bytes(key_bytes_) {}
    DirectoryBuilder builder;
    std::size_t key_bytes;  // of walk_key_: what names this directory
    bool has_entries = false;
  };
  using Record = store::RecordSorter::Record;

  Result<> clean_path(std::string_view path);
  void open_root(const ImportEntry& entry);
  Metadata metadata_of(const ImportEntry& entry) const;
  Result<> add_symlink(const ImportEntry& entry);
  Result<> add_leaf(const ImportedNode& node);
  Result<> record(Bytes value);
  Result<> record_directory(const Metadata& metadata);
  Result<std::optional<ImportEvent>> build();
  Result<std::optional<ImportEvent>> close_directory();
  Result<> place(const Record& record);
  void open_directory(std::size_t key_bytes, const Metadata& metadata);
  Result<> add_to(OpenDirectory& directory, std::string_view name, const ImportedNode& node);
  Result<> spill_if_large();

  const ImportOptions options_;
  store::SpillSpace& spill_;
  BlockWriter writer_;

  Phase phase_ = Phase::no_root;
  bool had_root_ = false;
  std::pmr::string path_;       // of the last entry, clean
  std::pmr::string root_name_;  // empty: everything is in it
  Metadata root_metadata_;
  ImportedNode root_;
  std::optional<FileImporter> file_;
  bool event_ready_ = false;  // what path_ names was added as last_
  ImportedNode last_;

  // What was added below the root: by path, each component followed by a zero byte.
  std::optional<store::RecordSorter> entries_;
  std::uint64_t entry_count_ = 0;

  // The pass over them.
  std::list<OpenDirectory, std::pmr::polymorphic_allocator<OpenDirectory>> open_;  // the root first
  std::pmr::string walk_key_;                                                      // of the last of them
  std::optional<Record> pending_;                                                  // read, not placed yet
  std::size_t open_gathered_bytes_ = 0;
};

}  // namespace masu::unixfs
