#include "unixfs/read/resolver.hpp"

#include "unixfs/read/cbor_path.hpp"
#include "unixfs/read/hamt_shard.hpp"
#include "unixfs/read/quote.hpp"

#include <charconv>

namespace masu::unixfs {
namespace {

auto no_link(std::string_view name, const Cid& under) {
  return fail(ErrorCode::no_link, "no link named " + quote(name) + " under " + under.to_string());
}

// What Kubo's resolver says of a path that goes on behind a file.
Error behind_file(const LoadedNode& node) {
  const char* const text =
      node.kind() == LoadedNode::Kind::raw
          ? "func called on wrong kind: \"LookupBySegment\" called on a bytes node (kind: bytes), but only "
            "makes sense on map or list"
      : node.dag_pb().link_count == 0 ? "func called on wrong kind: \"LookupBySegment\" called on a "
                                        "data.Bytes node (kind: bytes), but only "
                                        "makes sense on map or list"
                                      : "func called on wrong kind: \"\" called on a INVALID node, but only "
                                        "makes sense on <empty KindSet>";
  return {ErrorCode::not_directory, text};
}

bool is_file(const LoadedNode& node) {
  if (node.kind() == LoadedNode::Kind::raw) return true;
  return node.unixfs() && (node.unixfs()->type == NodeType::file || node.unixfs()->type == NodeType::raw);
}

std::optional<Cid> find_link(const DagPbNode& node, std::string_view name) {
  DagPbLinks links = node.links();
  while (const auto link = links.next()) {
    if (link->name == name) return link->cid;
  }
  return std::nullopt;
}

// "Links/3/Hash": the one kind of link in the data model of dag-pb. `path` moves behind what was used.
Result<Cid> follow_data_model(const LoadedNode& node, std::string_view& path) {
  const std::string_view first = take_component(path);
  const std::string_view number = take_component(path);
  const std::string_view field = take_component(path);
  if (first != "Links") return no_link(first, node.cid());
  std::uint64_t index = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), index);
  DagPbLinks links = node.dag_pb().links();
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() ||
      index >= node.dag_pb().link_count) {
    return no_link(number.empty() ? first : number, node.cid());
  }
  if (field != "Hash") return no_link(field.empty() ? number : field, node.cid());
  while (index-- > 0) static_cast<void>(links.skip());
  return links.next()->cid;
}

struct ShardStep {
  Cid cid;
  bool found = false;  // else the shard below, to be looked at next
};

// One shard on the way to `name`; nothing: it is not here.
Result<std::optional<ShardStep>> step(const LoadedNode& node, std::string_view name, std::uint64_t hash,
                                      unsigned level) {
  const auto shard = HamtShard::read(node);
  if (!shard) return std::unexpected(shard.error());
  if (level >= shard->shape().levels_max()) return fail(ErrorCode::hostile, "sharded directory too deep");
  const std::uint32_t slot = shard->shape().index(hash, level);
  if (!shard->has(slot)) return std::nullopt;
  DagPbLinks links = node.dag_pb().links();
  for (std::uint32_t i = shard->rank(slot); i > 0; --i) static_cast<void>(links.skip());
  const auto link = links.next();
  const auto entry = shard->entry_name(link->name, slot);
  if (!entry) return fail(ErrorCode::hostile, "unixfs: a link of a shard is not named by its place");
  if (entry->empty()) return ShardStep{link->cid, false};
  if (!(*entry == name)) return std::nullopt;
  return ShardStep{link->cid, true};
}

Task<Result<Cid>> look_up_sharded(TaskMemory memory, const ReadContext& context, LoadedNode& node,
                                  std::string_view name) {
  const Cid root = node.cid();
  const std::uint64_t hash = hamt_hash(as_bytes(name));
  const std::uint64_t fanout = node.unixfs()->fanout;
  for (unsigned level = 0;; ++level) {
    const auto here = step(node, name, hash, level);
    if (!here) co_return std::unexpected(here.error());
    if (!*here) co_return no_link(name, root);
    const Cid cid = (*here)->cid;
    if ((*here)->found) co_return cid;
    auto loaded = co_await node.load(memory, context, cid);
    if (!loaded) co_return std::unexpected(std::move(loaded.error()));
    if (node.kind() == LoadedNode::Kind::dag_pb && node.unixfs() && node.unixfs()->fanout != fanout) {
      co_return fail(ErrorCode::hostile, "unixfs: shards of different fanouts in one directory");
    }
  }
}

}  // namespace

Task<Result<Cid>> look_up(TaskMemory memory, const ReadContext& context, LoadedNode& node,
                          std::string_view name) {
  if (node.kind() == LoadedNode::Kind::dag_pb && node.unixfs() &&
      node.unixfs()->type == NodeType::hamt_shard) {
    co_return co_await look_up_sharded(memory, context, node, name);
  }
  const auto cid = find_link(node.dag_pb(), name);
  if (!cid) co_return no_link(name, node.cid());
  co_return *cid;
}

Task<Result<ResolvedPath>> resolve_path(TaskMemory memory, const ReadContext& context,
                                        const ContentPath& path) {
  Cid cid = path.cid();
  LoadedNode node;
  for (std::string_view rest = path.rest(); !rest.empty();) {
    auto loaded = co_await node.load(memory, context, cid);
    if (!loaded) co_return std::unexpected(std::move(loaded.error()));
    if (node.kind() == LoadedNode::Kind::other) {
      if (cid.codec() != Codec::dag_cbor && cid.codec() != Codec::cbor) {
        co_return fail(ErrorCode::unsupported, "a path inside of " + cid.to_string() +
                                                   " cannot be followed: its codec is not known here");
      }
      const std::string_view inside = rest;
      const auto link = follow_cbor(node.block(), cid, rest);
      if (!link) co_return std::unexpected(link.error());
      if (!*link) co_return ResolvedPath{cid, std::string(inside)};
      cid = **link;
      continue;
    }
    Result<Cid> below;
    if (path.space() == PathNamespace::ipld && node.kind() == LoadedNode::Kind::dag_pb) {
      below = follow_data_model(node, rest);
    } else {
      const std::string_view name = take_component(rest);
      if (is_file(node)) {
        if (!rest.empty()) co_return no_link(name, cid);
        co_return std::unexpected(behind_file(node));
      }
      below = co_await look_up(memory, context, node, name);
    }
    if (!below) co_return std::unexpected(std::move(below.error()));
    cid = *below;
  }
  co_return ResolvedPath{cid, std::string()};
}

Task<Result<Cid>> resolve(TaskMemory memory, const ReadContext& context, const ContentPath& path) {
  auto resolved = co_await resolve_path(memory, context, path);
  if (!resolved) co_return std::unexpected(std::move(resolved.error()));
  co_return resolved->cid;
}

}  // namespace masu::unixfs
