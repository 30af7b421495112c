#include "unixfs/dag/node.hpp"

namespace masu::unixfs {
namespace {

using protobuf::WireType;

// Field numbers of the message Data, and of its UnixTime.
enum Field : std::uint32_t {
  field_type = 1,
  field_data = 2,
  field_filesize = 3,
  field_block_sizes = 4,
  field_hash_type = 5,
  field_fanout = 6,
  field_mode = 7,
  field_mtime = 8,
};
enum TimeField : std::uint32_t { field_seconds = 1, field_nanos = 2 };

constexpr std::uint32_t permission_bits = 0xfff;
constexpr std::uint32_t nanos_per_second = 1'000'000'000;

// Kubo's words.
auto malformed(const char* text) { return fail(ErrorCode::malformed, text); }
auto broken() { return malformed("proto: cannot parse invalid wire-format data"); }

// A time whose nanoseconds are out of range is no time (as Kubo reads it); a broken message is an error.
bool parse_mtime(Rope in, std::optional<Timestamp>& out) {
  std::optional<std::int64_t> seconds;
  std::optional<std::uint32_t> nanos;
  while (!in.empty()) {
    const auto tag = protobuf::take_tag(in);
    if (!tag) return false;
    if (tag->field == field_seconds && tag->type == WireType::varint) {
      const auto value = protobuf::take_varint(in);
      if (!value) return false;
      seconds = static_cast<std::int64_t>(*value);
    } else if (tag->field == field_nanos && tag->type == WireType::fixed32) {
      nanos = protobuf::take_fixed32(in);
      if (!nanos) return false;
    } else if (!protobuf::skip_field(in, tag->type)) {
      return false;
    }
  }
  out.reset();
  if (!seconds || (nanos && (*nanos == 0 || *nanos >= nanos_per_second))) return true;
  out = Timestamp{*seconds, nanos.value_or(0)};
  return true;
}

class NodeParser {
 public:
  explicit NodeParser(Rope message) : in_(message) { node_.message = message; }

  Result<Node> run() {
    while (!in_.empty()) {
      const auto tag = protobuf::take_tag(in_);
      if (!tag) return broken();
      const bool good = tag->type == WireType::varint  ? varint(tag->field)
                        : tag->type == WireType::bytes ? bytes(tag->field)
                                                       : protobuf::skip_field(in_, tag->type);
      if (!good) return broken();
    }
    if (!type_) return malformed("proto: required field ipfs.boxo.ipld.unixfs.pb.Data.Type not set");
    if (*type_ > static_cast<std::uint64_t>(NodeType::hamt_shard)) return malformed("unrecognized node type");
    node_.type = static_cast<NodeType>(*type_);
    return node_;
  }

 private:
  bool varint(std::uint32_t field) {
    const auto value = protobuf::take_varint(in_);
    if (!value) return false;
    switch (field) {
      case field_type: type_ = *value; break;
      case field_filesize: node_.filesize = *value; break;
      case field_block_sizes: return add_block_size(*value);
      case field_hash_type: node_.hash_type = *value; break;
      case field_fanout: node_.fanout = *value; break;
      case field_mode: node_.metadata.mode = static_cast<std::uint32_t>(*value) & permission_bits; break;
      default: break;
    }
    return true;
  }

  bool bytes(std::uint32_t field) {
    auto value = protobuf::take_bytes(in_);
    if (!value) return false;
    switch (field) {
      case field_data: node_.data = *value; return true;
      case field_mtime: return parse_mtime(*value, node_.metadata.mtime);
      case field_block_sizes:
        while (!value->empty()) {
          const auto size = protobuf::take_varint(*value);
          if (!size || !add_block_size(*size)) return false;
        }
        return true;
      default: return true;
    }
  }

  bool add_block_size(std::uint64_t bytes) {
    ++node_.block_size_count;
    return !__builtin_add_overflow(node_.block_size_sum, bytes, &node_.block_size_sum);
  }

  Rope in_;
  Node node_;
  std::optional<std::uint64_t> type_;
};

std::size_t mtime_size(const Timestamp& time) {
  return 1 + protobuf::varint_size(static_cast<std::uint64_t>(time.seconds)) + (time.nanos > 0 ? 5 : 0);
}

}  // namespace

std::optional<std::uint64_t> BlockSizes::next() {
  if (!packed_.empty()) return protobuf::take_varint(packed_);
  while (!message_.empty()) {
    const auto tag = protobuf::take_tag(message_);
    if (!tag) return std::nullopt;
    if (tag->field == field_block_sizes && tag->type == WireType::varint)
      return protobuf::take_varint(message_);
    if (tag->field == field_block_sizes && tag->type == WireType::bytes) {
      packed_ = protobuf::take_bytes(message_).value_or(Rope());
      if (!packed_.empty()) return protobuf::take_varint(packed_);
    } else if (!protobuf::skip_field(message_, tag->type)) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

Result<Node> Node::parse(Rope message) { return NodeParser(message).run(); }

Result<std::uint64_t> Node::file_size() const {
  std::uint64_t size = 0;
  if (__builtin_add_overflow(block_size_sum, std::uint64_t{data.size()}, &size) || size >> 63 != 0) {
    return fail(ErrorCode::hostile, "unixfs: file size overflows");
  }
  if (filesize && *filesize != size) {
    return fail(ErrorCode::hostile, "unixfs: file size " + std::to_string(*filesize) +
                                        " is not that of its blocks, " + std::to_string(size));
  }
  return size;
}

void put_block_size(ByteBuffer& out, std::uint64_t bytes) {
  protobuf::put_varint_field(out, field_block_sizes, bytes);
}

std::size_t message_size(const NodeFields& fields) {
  std::size_t size = 2 + fields.block_sizes.size();
  if (fields.data_bytes) size += protobuf::bytes_field_size(*fields.data_bytes);
  for (const auto& value : {fields.filesize, fields.hash_type, fields.fanout}) {
    if (value) size += 1 + protobuf::varint_size(*value);
  }
  if (fields.metadata.mode != 0) size += 1 + protobuf::varint_size(fields.metadata.mode);
  if (fields.metadata.mtime) size += protobuf::bytes_field_size(mtime_size(*fields.metadata.mtime));
  return size;
}

void put_node_head(ByteBuffer& out, const NodeFields& fields) {
  protobuf::put_length(out, 1, message_size(fields));  // PBNode.Data
  protobuf::put_varint_field(out, field_type, static_cast<std::uint64_t>(fields.type));
  if (fields.data_bytes) protobuf::put_length(out, field_data, *fields.data_bytes);
}

void put_node_tail(ByteBuffer& out, const NodeFields& fields) {
  if (fields.filesize) protobuf::put_varint_field(out, field_filesize, *fields.filesize);
  out.insert(out.end(), fields.block_sizes.begin(), fields.block_sizes.end());
  if (fields.hash_type) protobuf::put_varint_field(out, field_hash_type, *fields.hash_type);
  if (fields.fanout) protobuf::put_varint_field(out, field_fanout, *fields.fanout);
  if (fields.metadata.mode != 0) protobuf::put_varint_field(out, field_mode, fields.metadata.mode);
  if (fields.metadata.mtime) {
    const Timestamp& time = *fields.metadata.mtime;
    protobuf::put_length(out, field_mtime, mtime_size(time));
    protobuf::put_varint_field(out, field_seconds, static_cast<std::uint64_t>(time.seconds));
    if (time.nanos > 0) {
      out.push_back(protobuf::tag_byte(field_nanos, WireType::fixed32));
      for (unsigned shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<std::uint8_t>(time.nanos >> shift));
    }
  }
}

}  // namespace masu::unixfs
