#include "unixfs/read/tar_export.hpp"

#include "unixfs/read/directory_reader.hpp"
#include "unixfs/read/file_reader.hpp"

#include <algorithm>
#include <list>

namespace masu::unixfs {
namespace {

using tar::EntryType;

bool is_type(const LoadedNode& node, NodeType type) {
  return node.kind() == LoadedNode::Kind::dag_pb && node.unixfs() && node.unixfs()->type == type;
}

bool is_directory(const LoadedNode& node) {
  return node.kind() == LoadedNode::Kind::dag_pb && node.unixfs() && node.unixfs()->is_directory();
}

bool stays_below(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

class TarExporter {
 public:
  TarExporter(const ReadContext& context, std::pmr::memory_resource& memory, const TarOptions& options,
              ByteSink& sink)
      : context_(context),
        memory_(memory),
        options_(options),
        sink_(sink),
        path_(options.root_name, &memory),
        header_(&memory),
        directories_(&memory),
        entry_{.name = std::pmr::string(&memory), .cid = Cid(), .tsize = 0} {}

  Task<Result<>> run(TaskMemory memory, LoadedNode& root) {
    auto written = co_await write_node(memory, root);
    if (!written) co_return written;
    LoadedNode node;
    while (!directories_.empty()) {
      Directory& directory = directories_.back();
      path_.resize(directory.path_bytes);
      auto more = co_await directory.reader.next(memory, entry_);
      if (!more) co_return std::unexpected(std::move(more.error()));
      if (!*more) {
        directories_.pop_back();
        continue;
      }
      auto named = name_entry();
      if (!named) co_return named;
      auto loaded = co_await node.load(memory, context_, entry_.cid);
      if (!loaded) co_return loaded;
      written = co_await write_node(memory, node);
      if (!written) co_return written;
    }
    header_.clear();
    tar::put_end(header_);
    co_return co_await sink_.write(memory, header_);
  }

 private:
  struct Directory {
    Directory(const ReadContext& context, std::pmr::memory_resource& memory, std::size_t bytes)
        : reader(context, memory, DirectoryReader::Hint::shards_and_entries), path_bytes(bytes) {}
    DirectoryReader reader;
    std::size_t path_bytes;
  };

  Result<> name_entry() {
    if (!stays_below(entry_.name)) {
      return fail(ErrorCode::hostile,
                  "relative UnixFS paths outside the root are not allowed, use CAR instead");
    }
    path_.append("/").append(entry_.name);
    if (path_.size() > TarOptions::path_bytes_max) {
      return fail(ErrorCode::limit,
                  "tar: a path of more than " + std::to_string(TarOptions::path_bytes_max) + " bytes");
    }
    return {};
  }

  Task<Result<>> write_node(TaskMemory memory, LoadedNode& node) {
    if (is_directory(node)) co_return co_await begin_directory(memory, node);
    if (is_type(node, NodeType::symlink)) co_return co_await write_symlink(memory, node);
    co_return co_await write_file(memory, node);
  }

  Task<Result<>> begin_directory(TaskMemory memory, LoadedNode& node) {
    if (directories_.size() == TarOptions::levels_max) {
      co_return fail(ErrorCode::limit,
                     "tar: directories of more than " + std::to_string(TarOptions::levels_max) + " levels");
    }
    auto written = co_await write_header(memory, EntryType::directory, node.unixfs()->metadata, 0, {});
    if (!written) co_return written;
    if (!directories_.empty()) directories_.back().reader.rest();
    directories_.emplace_back(context_, memory_, path_.size());
    co_return directories_.back().reader.open(node);
  }

  Task<Result<>> write_symlink(TaskMemory memory, LoadedNode& node) {
    if (node.unixfs()->data.size() > link_name_bytes_max) {
      co_return fail(ErrorCode::limit, "tar: the target of a symlink has more than " +
                                           std::to_string(link_name_bytes_max) + " bytes");
    }
    std::pmr::string target(&memory_);
    append(target, node.unixfs()->data);
    // The mode that a symlink may say is left out, as Kubo does.
    const Metadata metadata{.mode = 0777, .mtime = node.unixfs()->metadata.mtime};
    node.clear();
    co_return co_await write_header(memory, EntryType::symlink, metadata, 0, target);
  }

  Task<Result<>> write_file(TaskMemory memory, LoadedNode& node) {
    FileReader reader(context_, memory_);
    auto opened = co_await reader.open(memory, node);
    if (!opened) co_return opened;
    auto written = co_await write_header(memory, EntryType::file, reader.metadata(), reader.size(), {});
    if (!written) co_return written;
    std::uint64_t left = reader.size();
    while (true) {
      Result<ChunkChain> chain = co_await reader.next(memory);
      if (!chain) co_return std::unexpected(std::move(chain.error()));
      if (chain->empty()) break;
      if (chain->size() > left) co_return fail(ErrorCode::hostile, "archive/tar: write too long");
      left -= chain->size();
      written = co_await sink_.write_chain(memory, std::move(*chain));
      if (!written) co_return written;
    }
    if (left > 0) {
      co_return fail(ErrorCode::hostile, "archive/tar: missed writing " + std::to_string(left) + " bytes");
    }
    header_.assign(tar::padding(reader.size()), 0);
    if (header_.empty()) co_return Result<>();
    co_return co_await sink_.write(memory, header_);
  }

  Task<Result<>> write_header(TaskMemory memory, EntryType type, Metadata metadata, std::uint64_t bytes,
                              std::string_view target) {
    const std::uint32_t usual = type == EntryType::directory ? 0755
                                : type == EntryType::symlink ? 0777
                                                             : 0644;
    tar::Entry entry;
    entry.path = path_;
    entry.type = type;
    entry.mode = metadata.mode != 0 ? metadata.mode : usual;
    entry.bytes = bytes;
    entry.link_target = target;
    entry.mtime = metadata.mtime.value_or(options_.now);
    header_.clear();
    auto put = tar::put_header(header_, entry, options_.format);
    if (!put) co_return put;
    co_return co_await sink_.write(memory, header_);
  }

  const ReadContext& context_;
  std::pmr::memory_resource& memory_;
  const TarOptions& options_;
  ByteSink& sink_;
  std::pmr::string path_;
  ByteBuffer header_;
  std::pmr::list<Directory> directories_;
  DirectoryEntry entry_;
};

}  // namespace

Task<Result<>> export_tar(TaskMemory memory, const ReadContext& context, LoadedNode& root, TarOptions options,
                          ByteSink& sink) {
  TarExporter exporter(context, memory.resource(), options, sink);
  co_return co_await exporter.run(memory, root);
}

Task<Result<>> export_file(TaskMemory memory, const ReadContext& context, LoadedNode& root, ByteSink& sink) {
  if (is_directory(root)) co_return fail(ErrorCode::not_file, "file is not regular");
  FileReader reader(context, memory.resource());
  auto opened = co_await reader.open(memory, root);
  if (!opened) co_return opened;
  while (true) {
    Result<ChunkChain> chain = co_await reader.next(memory);
    if (!chain) co_return std::unexpected(std::move(chain.error()));
    if (chain->empty()) co_return Result<>();
    auto written = co_await sink.write_chain(memory, std::move(*chain));
    if (!written) co_return written;
  }
}

Result<std::uint64_t> announced_size(const LoadedNode& node) {
  if (node.kind() == LoadedNode::Kind::raw) return node.block_bytes();
  if (node.kind() != LoadedNode::Kind::dag_pb) return fail(ErrorCode::unsupported, "unknown node type");
  if (!node.unixfs()) return std::unexpected(node.unixfs().error());
  if (node.unixfs()->type == NodeType::symlink) return node.unixfs()->data.size();
  if (!node.unixfs()->is_directory()) return node.unixfs()->filesize.value_or(0);
  std::uint64_t bytes = node.block_bytes();
  DagPbLinks links = node.dag_pb().links();
  while (const auto link = links.next()) bytes += link->tsize.value_or(0);
  return bytes;
}

}  // namespace masu::unixfs
