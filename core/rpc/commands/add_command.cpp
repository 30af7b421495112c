// `add`: an upload becomes UnixFS DAGs. While a job imports one batch, the next one is read from the client,
// so that no worker ever waits for a client.

#include "bitswap/bitswap.hpp"
#include "core/node.hpp"
#include "core/repo.hpp"
#include "core/rpc/commands/add_session.hpp"
#include "core/rpc/commands/commands.hpp"
#include "store/awaited_job.hpp"
#include "store/disk_store.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

using boost::json::object;
using Job = store::AwaitedJob<unixfs::Result<bool>>;

constexpr auto options = std::to_array<OptionSpec>({
    {"recursive", "r", OptionType::boolean, "", "Add directory paths recursively."},
    {"dereference-args", "", OptionType::boolean, "",
     "DEPRECATED: use --dereference-symlinks instead. Only dereferences symlinks in CLI arguments, not "
     "inside "
     "directories."},
    {"stdin-name", "", OptionType::text, "", "Assign a name if the file source is stdin."},
    {"hidden", "H", OptionType::boolean, "",
     "Include files that are hidden. Only takes effect on recursive add."},
    {"ignore", "", OptionType::texts, "",
     "A rule (.gitignore-stype) defining which file(s) should be ignored (variadic, experimental)."},
    {"ignore-rules-path", "", OptionType::text, "",
     "A path to a file with .gitignore-style ignore rules (experimental)."},
    {"empty-dirs", "E", OptionType::boolean, "true", "Include empty directories in the import."},
    {"dereference-symlinks", "", OptionType::boolean, "",
     "Recursively resolve all symlinks to their target content. Works on symlinks inside directories, not "
     "just "
     "CLI arguments."},
    {"quiet", "q", OptionType::boolean, "", "Write minimal output."},
    {"quieter", "Q", OptionType::boolean, "", "Write only final hash."},
    {"silent", "", OptionType::boolean, "", "Write no output."},
    {"progress", "p", OptionType::boolean, "",
     "Stream progress data. Defaults to true when stderr is a terminal."},
    {"only-hash", "n", OptionType::boolean, "", "Only chunk and hash - do not write to disk."},
    {"wrap-with-directory", "w", OptionType::boolean, "", "Wrap files with a directory object."},
    {"pin", "", OptionType::boolean, "true", "Pin locally to protect added files from garbage collection."},
    {"pin-name", "", OptionType::text, "",
     "Name to use for the pin. Requires explicit value (e.g., --pin-name=myname)."},
    {"to-files", "", OptionType::text, "", "Add reference to Files API (MFS) at the provided path."},
    {"cid-version", "", OptionType::integer, "",
     "CID version (0 or 1). CIDv1 automatically enables raw-leaves and is required for non-sha2-256 hashes. "
     "Default: Import.CidVersion."},
    {"hash", "", OptionType::text, "",
     "Hash function to use. Implies CIDv1 if not sha2-256. Default: Import.HashFunction."},
    {"raw-leaves", "", OptionType::boolean, "",
     "Use raw blocks for leaf nodes. Note: CIDv1 automatically enables raw-leaves. Default: false for CIDv0, "
     "true for CIDv1 (Import.UnixFSRawLeaves)."},
    {"chunker", "s", OptionType::text, "",
     "Chunking algorithm: size-[bytes]. Files larger than chunk size are split into multiple blocks. "
     "Default: "
     "Import.UnixFSChunker."},
    {"trickle", "t", OptionType::boolean, "", "Use trickle-dag format for dag generation."},
    {"max-file-links", "", OptionType::integer, "",
     "Limit the maximum number of links in UnixFS file nodes to this value. WARNING: experimental. Default: "
     "Import.UnixFSFileMaxLinks."},
    {"max-directory-links", "", OptionType::integer, "",
     "Limit the maximum number of links in UnixFS basic directory nodes to this value. WARNING: "
     "experimental, "
     "Import.UnixFSHAMTDirectorySizeThreshold is safer. Default: Import.UnixFSDirectoryMaxLinks."},
    {"max-hamt-fanout", "", OptionType::integer, "",
     "Limit the maximum number of links of a UnixFS HAMT directory node to this (power of 2, between 8 and "
     "1024). WARNING: experimental, Import.UnixFSHAMTDirectorySizeThreshold is safer. Default: "
     "Import.UnixFSHAMTDirectoryMaxFanout."},
    {"inline", "", OptionType::boolean, "", "Inline small blocks into CIDs. WARNING: experimental."},
    {"inline-limit", "", OptionType::integer, "32",
     "Maximum block size to inline. Maximum: 128 bytes. WARNING: experimental."},
    {"nocopy", "", OptionType::boolean, "",
     "Add the file using filestore. Implies raw-leaves. WARNING: experimental."},
    {"fscache", "", OptionType::boolean, "",
     "Check the filestore for pre-existing blocks. WARNING: experimental."},
    {"preserve-mode", "", OptionType::boolean, "",
     "Apply existing POSIX permissions to created UnixFS entries. WARNING: experimental, forces dag-pb for "
     "root block, disables raw-leaves."},
    {"preserve-mtime", "", OptionType::boolean, "",
     "Apply existing POSIX modification time to created UnixFS entries. WARNING: experimental, forces dag-pb "
     "for root block, disables raw-leaves."},
    {"mode", "", OptionType::unsigned_integer, "",
     "Custom POSIX file mode to store in created UnixFS entries. WARNING: experimental, forces dag-pb for "
     "root "
     "block, disables raw-leaves."},
    {"mtime", "", OptionType::integer, "",
     "Custom POSIX modification time to store in created UnixFS entries (seconds before or after the Unix "
     "Epoch). WARNING: experimental, forces dag-pb for root block, disables raw-leaves."},
    {"mtime-nsecs", "", OptionType::unsigned_integer, "",
     "Custom POSIX modification time (optional time fraction in nanoseconds)."},
    {"fast-provide-root", "", OptionType::boolean, "",
     "Immediately provide root CID to DHT in addition to regular queue, for faster discovery. Default: "
     "Import.FastProvideRoot."},
    {"fast-provide-dag", "", OptionType::boolean, "",
     "Walk and provide the full DAG according to Provide.Strategy immediately after add. Default: "
     "Import.FastProvideDAG."},
    {"fast-provide-wait", "", OptionType::boolean, "",
     "Block until the immediate provide completes before returning. Default: Import.FastProvideWait."},
});

constexpr auto arguments = std::to_array<ArgumentSpec>({
    {.name = "path",
     .required = true,
     .variadic = true,
     .is_file = true,
     .recursive = true,
     .accepts_stdin = true,
     .help = "The path to a file to be added to IPFS."},
});

std::unexpected<CommandError> fail(const unixfs::Error& error) { return rpc::fail(error.text); }
std::unexpected<CommandError> client_gone() { return rpc::fail("context canceled"); }

// The fields and their order are Kubo's.
object value_of(const Call& call, const AddEvent& event) {
  object value;
  value["Name"] = std::string_view(event.name);
  if (event.cid) value["Hash"] = call.show(*event.cid);
  if (!event.cid && event.bytes > 0) value["Bytes"] = event.bytes;
  if (event.cid) value["Size"] = std::to_string(event.bytes);
  if (event.mode != 0) {
    std::array<char, 16> octal;
    const int size = std::snprintf(octal.data(), octal.size(), "0%o", event.mode);
    value["Mode"] = std::string_view(octal.data(), static_cast<std::size_t>(size));
  }
  if (event.mtime && event.mtime->seconds != 0) value["Mtime"] = event.mtime->seconds;
  if (event.mtime && event.mtime->nanos != 0) value["MtimeNsecs"] = event.mtime->nanos;
  return value;
}

AddSession::Parts parts_of(Node& node) {
  // Two batches and a leaf of 2 MiB have room beside what others read at the same time.
  constexpr std::size_t leaf_chunks = store::block_bytes_max / chunk_bytes;
  const std::size_t spare = node.plan().chunks - std::min(node.plan().chunks, leaf_chunks);
  const std::size_t batch_chunks = std::clamp<std::size_t>(spare / 8, 4, 64);
  return {node.blocks(),         node.pins(),        node.chunks(), node.block_account(),
          node.import_account(), node.repo().path(), batch_chunks};
}

// One `add`, on the loop.
class Add final : private StopListener {
 public:
  Add(Call& call, std::shared_ptr<AddSession> session) : call_(call), session_(std::move(session)) {
    call_.watch(*this);
  }
  ~Add() { session_->stop(); }
  Add(const Add&) = delete;
  Add& operator=(const Add&) = delete;

  Task<CommandResult> run(TaskMemory memory) {
    while (!call_.stopped()) {
      if (!job_) {
        CommandResult read = co_await read_some(memory);
        if (!read) co_return read;
        start_next_batch();
      } else if (may_read() && !job_->done()) {
        CommandResult read = co_await read_some(memory);
        if (!read) co_return read;
      } else {
        const unixfs::Result<bool> batch_done = co_await *job_;
        job_.reset();
        const std::pmr::vector<AddEvent> events = session_->take_events();
        tell_peers();
        const bool ended = !batch_done || (*batch_done && last_started_);
        if (!ended) go_on(*batch_done);
        CommandResult told = co_await tell(memory, events);
        if (!batch_done) co_return fail(batch_done.error());
        if (ended || !told) co_return told;
      }
    }
    co_return client_gone();
  }

 private:
  void on_stop() override { session_->stop(); }  // the job ends at its next block

  bool may_read() const { return !over_ && !session_->filling().full(); }

  // The next entry, or the next bytes of the one that is read.
  Task<CommandResult> read_some(TaskMemory memory) {
    if (!may_read()) co_return CommandResult();
    if (in_file_) {
      std::expected<ChunkChain, CommandError> bytes =
          co_await call_.read_entry(memory, call_.node().upload_account());
      if (!bytes) co_return std::unexpected(std::move(bytes.error()));
      in_file_ = !bytes->empty();
      if (in_file_) {
        session_->filling().add(std::move(*bytes));
      } else {
        session_->filling().end_file();
      }
      co_return CommandResult();
    }
    const std::expected<std::optional<UploadEntry>, CommandError> entry = co_await call_.next_entry(memory);
    if (!entry) co_return std::unexpected(entry.error());
    over_ = !entry->has_value();
    if (over_) co_return CommandResult();
    session_->filling().begin(**entry);
    in_file_ = (*entry)->kind == UploadEntry::Kind::file;
    co_return CommandResult();
  }

  void go_on(bool batch_done) {
    if (batch_done) {
      start_next_batch();
    } else {
      start_job();
    }
  }
  void start_next_batch() {
    if (session_->filling().empty() && !over_) return;
    session_->swap_batches(over_);
    last_started_ = over_;
    start_job();
  }
  void start_job() {
    job_.emplace(call_.node().jobs(), store::JobClass::long_, call_.node().import_account(),
                 [session = session_] { return session->work(); });
  }

  Task<CommandResult> tell(TaskMemory memory, const std::pmr::vector<AddEvent>& events) {
    for (const AddEvent& event : events) {
      const boost::json::value value = value_of(call_, event);
      const bool sent = co_await call_.emit(memory, value);
      if (!sent) co_return client_gone();
    }
    co_return CommandResult();
  }
  void tell_peers() {
    const std::pmr::vector<Multihash> stored = session_->take_stored();
    bitswap::Bitswap* const bitswap = call_.node().bitswap();
    if (bitswap == nullptr) return;
    for (const Multihash& hash : stored) bitswap->on_block_stored(hash);
  }

  Call& call_;
  const std::shared_ptr<AddSession> session_;
  std::optional<Job> job_;
  bool in_file_ = false;
  bool over_ = false;          // the upload has nothing more
  bool last_started_ = false;  // and the job has all of it
};

Task<CommandResult> run_add(TaskMemory memory, Call& call) {
  Node& node = call.node();
  const std::expected<AddOptions, CommandError> asked = add_options(call, node.config());
  if (!asked) co_return std::unexpected(asked.error());
  node.before_large_work();
  const AccountAllocator<AddSession> allocator(node.import_account());
  Add add(call, std::allocate_shared<AddSession>(allocator, *asked, parts_of(node)));
  CommandResult result = co_await add.run(memory);
  co_return result;
}

}  // namespace

constexpr CommandSpec add{.path = "add",
                          .tagline = "Add a file or directory to IPFS.",
                          .description =
                              R"(Adds the content of <path> to IPFS. Use -r to add directories (recursively).

Big files are cut into blocks, which form a Merkle DAG. Files imported with 'masu add' are protected from
garbage collection (implicit '--pin=true'), but it is up to you to remember the returned CID to get the data
back later.

The wrap option, '-w', wraps the file (or files, if using the recursive option) in a directory. This directory
contains only the files which have been added, and means that the file retains its filename. For example:

  > masu add example.jpg
  added QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH example.jpg
  > masu add example.jpg -w
  added QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH example.jpg
  added QmaG4FuMqEBnQNn3C8XJ5bpW8kLs7zq2ZXgHptJHbKDDVx

You can now refer to the added file in a gateway, like so:

  /ipfs/QmaG4FuMqEBnQNn3C8XJ5bpW8kLs7zq2ZXgHptJHbKDDVx/example.jpg

Symbolic links are kept as links; --dereference-symlinks adds what they point at instead.

The chunker option, '-s', says how files are cut: 'size-262144' makes blocks of 256 KiB. The largest accepted
size is 2MiB minus 256 bytes (2096896 bytes).

Almost all the flags of this command change the final CID. Use the Import.* section of the configuration to
override the defaults, or a profile (unixfs-v1-2025) for all of them at once. CIDv1 is automatically used when
using non-default options like custom hash functions or when raw-leaves is explicitly enabled.
)",
                          .options = options,
                          .arguments = arguments,
                          .run = run_add};

}  // namespace masu::core::rpc::commands
