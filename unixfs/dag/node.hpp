// Node: the UnixFS message in the Data field of a dag-pb node (specs.ipfs.tech/unixfs).
//
// Reading gives a view: Data and block sizes stay where they are in the block, whatever their number, and the
// view is valid as long as the rope it was parsed from. Fields come in any order, block sizes packed or not,
// unknown fields are skipped, of a field that is given twice the last one counts (all as protobuf has it).
// Writing is canonical: fields by number, block sizes unpacked, as Kubo writes them.
#pragma once

#include "unixfs/dag/protobuf.hpp"
#include "unixfs/error.hpp"

#include <cstdint>
#include <optional>

namespace masu::unixfs {

enum class NodeType : std::uint8_t {
  raw = 0,
  directory = 1,
  file = 2,
  metadata = 3,
  symlink = 4,
  hamt_shard = 5
};

inline constexpr std::uint64_t murmur3_x64_64 = 0x22;  // the one hash of sharded directories
inline constexpr std::uint64_t hamt_fanout_max = 1024;

struct Timestamp {
  std::int64_t seconds = 0;
  std::uint32_t nanos = 0;  // below 1e9
  friend bool operator==(const Timestamp&, const Timestamp&) = default;
};

// What UnixFS 1.5 adds to a root node. Mode: the twelve permission bits; 0 is "not set", as in Kubo.
struct Metadata {
  std::uint32_t mode = 0;
  std::optional<Timestamp> mtime;
  bool empty() const { return mode == 0 && !mtime; }
};

// The block sizes of a node in their order, both encodings mixed if they are.
class BlockSizes {
 public:
  BlockSizes() = default;
  explicit BlockSizes(Rope message) : message_(message) {}
  // The next size; nothing at the end. Requires: the message was parsed by Node::parse.
  std::optional<std::uint64_t> next();

 private:
  Rope message_;  // what is left of the UnixFS message
  Rope packed_;   // what is left of a packed field
};

struct Node {
  NodeType type = NodeType::raw;
  Rope data;                              // file bytes, link target, or HAMT bitfield
  std::optional<std::uint64_t> filesize;  // a claim
  std::uint64_t hash_type = 0;
  std::uint64_t fanout = 0;
  Metadata metadata;
  std::size_t block_size_count = 0;
  std::uint64_t block_size_sum = 0;
  Rope message;

  static Result<Node> parse(Rope message);
  BlockSizes block_sizes() const { return BlockSizes(message); }
  bool is_directory() const { return type == NodeType::directory || type == NodeType::hamt_shard; }
  // Bytes of the file below this node, as the node says: Data and the block sizes. An error when that
  // overflows, or is not what filesize claims.
  Result<std::uint64_t> file_size() const;
};

// What a UnixFS message is written from. Its Data bytes are not here: they are put between head and tail.
struct NodeFields {
  NodeType type = NodeType::file;
  std::optional<std::size_t> data_bytes;  // absent: no Data field
  std::optional<std::uint64_t> filesize;
  Bytes block_sizes;  // as put_block_size() wrote them
  std::optional<std::uint64_t> hash_type;
  std::optional<std::uint64_t> fanout;
  Metadata metadata;
};
void put_block_size(ByteBuffer& out, std::uint64_t bytes);
// The size of the whole message, Data bytes included.
std::size_t message_size(const NodeFields& fields);
// The dag-pb Data field that holds the message: its tag and length, and the message up to the Data bytes, ...
void put_node_head(ByteBuffer& out, const NodeFields& fields);
// ... and what follows them.
void put_node_tail(ByteBuffer& out, const NodeFields& fields);

}  // namespace masu::unixfs
