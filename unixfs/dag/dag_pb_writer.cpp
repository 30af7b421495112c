#include "unixfs/dag/dag_pb_writer.hpp"

namespace masu::unixfs {
namespace {

enum NodeField : std::uint32_t { field_links = 2 };
enum LinkField : std::uint32_t { field_hash = 1, field_name = 2, field_tsize = 3 };

std::size_t link_message_size(std::size_t cid_bytes, std::size_t name_bytes, std::uint64_t tsize) {
  return protobuf::bytes_field_size(cid_bytes) + protobuf::bytes_field_size(name_bytes) + 1 +
         protobuf::varint_size(tsize);
}

}  // namespace

std::size_t link_size(std::size_t cid_bytes, std::size_t name_bytes, std::uint64_t tsize) {
  return protobuf::bytes_field_size(link_message_size(cid_bytes, name_bytes, tsize));
}

void put_link(ByteBuffer& out, const DagPbLinkFields& link) {
  const Bytes cid = link.cid.bytes();
  const std::size_t name_bytes = link.name_prefix.size() + link.name.size();
  protobuf::put_length(out, field_links, link_message_size(cid.size(), name_bytes, link.tsize));
  protobuf::put_bytes_field(out, field_hash, cid);
  protobuf::put_length(out, field_name, name_bytes);
  for (const std::string_view part : {link.name_prefix, link.name}) {
    const Bytes bytes = as_bytes(part);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  protobuf::put_varint_field(out, field_tsize, link.tsize);
}

}  // namespace masu::unixfs
