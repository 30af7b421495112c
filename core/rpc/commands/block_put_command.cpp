// `block put`: each part of the upload becomes a block as it is.

#include "bitswap/bitswap.hpp"
#include "core/config.hpp"
#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/network.hpp"
#include "core/rpc/options.hpp"
#include "core/rpc/upload_reader.hpp"
#include "multiformats/digest.hpp"
#include "store/awaited_job.hpp"
#include "store/disk_store.hpp"
#include "store/pin_set.hpp"

#include <array>
#include <memory>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

constexpr auto options = std::to_array<OptionSpec>({
    {"cid-codec", "", OptionType::text, "raw", "Multicodec to use in returned CID."},
    {"mhtype", "", OptionType::text, "", "Multihash hash function."},
    {"mhlen", "", OptionType::integer, "-1", "Multihash hash length."},
    {"pin", "", OptionType::boolean, "false", "Pin added blocks recursively."},
    {"allow-big-block", "", OptionType::boolean, "false",
     "Disable block size check and allow creation of blocks bigger than 2MiB. WARNING: such blocks won't be "
     "transferable over the standard bitswap."},
    {"format", "f", OptionType::text, "", "Use legacy format for returned CID (DEPRECATED)."},
});
constexpr auto arguments = std::to_array<ArgumentSpec>({
    {.name = "data",
     .required = true,
     .variadic = true,
     .is_file = true,
     .accepts_stdin = true,
     .help = "The data to be stored as an IPFS block."},
});

// How the blocks of one call are named.
struct BlockNaming {
  int version = 1;
  Codec codec = Codec::raw;
  HashCode hash = HashCode::sha2_256;
  std::optional<std::size_t> digest_bytes;
};

std::expected<Codec, CommandError> codec_of(std::string_view name) {
  if (const auto codec = codec_from_name(name)) return *codec;
  if (const auto number = parse_unsigned(name)) return static_cast<Codec>(*number);
  return fail("unknown multicodec: \"" + std::string(name) + "\"");
}

// The rules of the digest, in Kubo's words. Identity has them when the bytes are there.
CommandResult check_digest(const BlockNaming& naming) {
  if (naming.hash == HashCode::identity) return {};
  const auto sizes = digest_sizes(naming.hash);
  if (!sizes) return fail("potentially insecure hash functions not allowed");
  if (!naming.digest_bytes) return {};
  if (*naming.digest_bytes > sizes->most) {
    return fail("invalid cid: requested length was too large for digest");
  }
  if (*naming.digest_bytes < hash_digest_bytes_min) {
    return fail("digest too small: " + std::string(name_of(naming.hash)) + " digest got " +
                std::to_string(*naming.digest_bytes) + " bytes, minimum " +
                std::to_string(hash_digest_bytes_min));
  }
  return {};
}

std::expected<BlockNaming, CommandError> naming_of(const Call& call, const Config& config) {
  BlockNaming naming;
  std::string hash(call.text("mhtype"));
  if (hash.empty()) hash = config.text("Import.HashFunction").value_or("sha2-256");
  const auto code = hash_from_name(hash);
  if (!code) return fail("unrecognized multihash function: " + hash);
  naming.hash = *code;
  const std::int64_t length = call.integer("mhlen").value_or(-1);
  if (length >= 0) naming.digest_bytes = static_cast<std::size_t>(length);

  std::string_view codec = call.text("cid-codec");
  std::string_view format = call.text("format");
  if (!format.empty()) {
    if (!codec.empty() && codec != "raw") {
      return fail("unable to use \"format\" (deprecated) and a custom \"cid-codec\" at the same time");
    }
    if (format == "v0") naming.version = 0;
    codec = format == "v0" || format == "protobuf" ? "dag-pb" : format == "cbor" ? "dag-cbor" : format;
  }
  if (!codec.empty()) {
    const auto named = codec_of(codec);
    if (!named) return std::unexpected(named.error());
    naming.codec = *named;
  }
  const bool plain = naming.hash == HashCode::sha2_256 && naming.digest_bytes.value_or(32) == 32;
  if (naming.version == 0 && !plain) return fail("only sha2-255-32 is allowed with CIDv0");
  if (auto good = check_digest(naming); !good) return std::unexpected(good.error());
  return naming;
}

std::expected<Multihash, CommandError> hash_block(const BlockNaming& naming, const ChunkChain& block) {
  if (naming.hash == HashCode::identity) {
    std::array<std::uint8_t, digest_bytes_max> bytes;
    if (block.size() > bytes.size()) {
      return fail("digest too large: identity digest got " + std::to_string(block.size()) +
                  " bytes, maximum " + std::to_string(digest_bytes_max));
    }
    block.copy_to(0, MutableBytes(bytes).first(block.size()));
    return Multihash::make(HashCode::identity, Bytes(bytes).first(block.size()));
  }
  Digester digester(naming.hash);
  for (auto piece = block.begin(); piece; piece.next()) digester.update(piece.data());
  return naming.digest_bytes ? digester.finish(*naming.digest_bytes) : digester.finish();
}

using PutResult = std::expected<Cid, CommandError>;

// On a worker.
PutResult put_block(store::DiskStore& blocks, store::PinSet* pins, const BlockNaming& naming,
                    const ChunkChain& block) {
  const auto hash = hash_block(naming, block);
  if (!hash) return std::unexpected(hash.error());
  const Cid cid = naming.version == 0 ? Cid::v0(*hash) : Cid::v1(naming.codec, *hash);
  if (!hash->is_identity()) {
    if (auto put = blocks.put(*hash, block); !put) return fail(put.error().detail);
  }
  if (pins == nullptr) return cid;
  if (auto synced = blocks.sync(); !synced) return fail(synced.error().detail);
  auto pinned = pins->pin(cid, store::PinMode::recursive, {});
  if (!pinned) return fail(pinned.error().detail);
  return cid;
}

CommandError too_large(const Call& call) {
  if (call.flag("allow-big-block")) {
    return {"a block of more than " + std::to_string(store::block_bytes_max) +
                " bytes cannot be stored by this node, with --allow-big-block neither",
            ErrorKind::normal};
  }
  return {
      "produced block is over 2MiB: big blocks can't be exchanged with other peers. consider using UnixFS "
      "for automatic chunking of bigger files, or pass --allow-big-block to override",
      ErrorKind::normal};
}

// A block that is being uploaded, in chunks that are full: it takes no more of the account than its slot
// says, and of the pool nothing that frames and blocks from the network need.
class UploadedBlock {
 public:
  explicit UploadedBlock(Node& node) : node_(node) {}

  std::size_t size() const { return bytes_.size(); }
  ChunkChain take() { return std::move(bytes_); }
  // Takes what fits; true: all.
  bool append(ChunkChain& more) {
    if (!slot_ && bytes_.size() + more.size() > chunk_bytes) {
      slot_ = node_.upload_slots().take();
      if (!slot_) return false;
    }
    bool fits = true;
    while (fits && !more.empty()) {
      const std::size_t before = bytes_.size();
      fits = bytes_.append_copy(node_.chunks(), node_.upload_account(), more.front(), Need::patient);
      more.consume(bytes_.size() - before);
    }
    return fits;
  }

 private:
  Node& node_;
  SlotGroup::Slot slot_;
  ChunkChain bytes_;
};

// The whole part, which is one block. When others have the memory, the client waits with us.
Task<CommandResult> read_block(TaskMemory memory, Call& call, UploadedBlock& block) {
  Node& node = call.node();
  while (true) {
    std::expected<ChunkChain, CommandError> bytes = co_await call.read_entry(memory, node.upload_account());
    if (!bytes) co_return std::unexpected(std::move(bytes.error()));
    if (bytes->empty()) co_return CommandResult();
    if (block.size() + bytes->size() > store::block_bytes_max) co_return std::unexpected(too_large(call));
    const TimePoint since = node.clock().now();
    while (!block.append(*bytes)) {
      if (call.stopped()) co_return fail("context canceled");
      if (!upload_waits_on(call, since)) {
        co_return fail("out of memory: others upload blocks (account " +
                       std::string(node.upload_account().name()) + ")");
      }
      Pause pause(call, node.clock().now() + upload_memory_look);
      co_await pause;
    }
  }
}

Task<CommandResult> run_block_put(TaskMemory memory, Call& call) {
  Node& node = call.node();
  const auto naming = naming_of(call, node.config());
  if (!naming) co_return std::unexpected(naming.error());
  const auto hold = std::allocate_shared<store::WriteHold>(
      AccountAllocator<store::WriteHold>(node.import_account()), node.blocks());
  store::PinSet* const pins = call.flag("pin") ? &node.pins() : nullptr;
  while (!call.stopped()) {
    const std::expected<std::optional<UploadEntry>, CommandError> entry = co_await call.next_entry(memory);
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) break;
    if ((*entry)->kind != UploadEntry::Kind::file) co_return fail("expected a file");
    node.before_large_work();
    UploadedBlock block(node);  // its slot is kept until the block is stored
    CommandResult read = co_await read_block(memory, call, block);
    if (!read) co_return read;
    const std::size_t bytes = block.size();
    auto work = [&blocks = node.blocks(), pins, naming = *naming, hold, block = block.take()] {
      return put_block(blocks, pins, naming, block);
    };
    store::AwaitedJob<PutResult> put(node.jobs(), store::JobClass::write, node.import_account(),
                                     std::move(work));
    const PutResult cid = co_await put;
    if (!cid) co_return std::unexpected(cid.error());
    if (node.bitswap() != nullptr) node.bitswap()->on_block_stored(cid->hash());
    const boost::json::value value = boost::json::object{{"Key", call.show(*cid)}, {"Size", bytes}};
    const bool sent = co_await call.emit(memory, value);
    if (!sent) co_return fail("context canceled");
  }
  auto work = [&blocks = node.blocks(), hold] { return blocks.sync(); };
  store::AwaitedJob<store::StoreResult<void>> sync(node.jobs(), store::JobClass::write, node.import_account(),
                                                   std::move(work));
  const store::StoreResult<void> synced = co_await sync;
  if (!synced) co_return fail(synced.error().detail);
  co_return CommandResult();
}

void text_of(const boost::json::value& value, const Call&, std::string& out) {
  const boost::json::string& key = value.at("Key").as_string();
  out.append(key.data(), key.size()).append("\n");
}

}  // namespace

constexpr CommandSpec block_put{
    .path = "block put",
    .tagline = "Store input as an IPFS block.",
    .description =
        R"('masu block put' is a plumbing command for storing raw IPFS blocks. It reads data from stdin, and outputs
the block's CID to stdout.

Unless cid-codec is specified, this command returns raw (0x55) CIDv1 CIDs.

Passing alternative --cid-codec does not modify imported data, nor run any validation. It is provided solely for
convenience for users who create blocks in userland.

NOTE:
Do not use --format for any new code. It got superseded by --cid-codec and left only for backward compatibility
when a legacy CIDv0 is required (--format=v0).
)",
    .options = options,
    .arguments = arguments,
    .run = run_block_put,
    .text = text_of};

}  // namespace masu::core::rpc::commands
