// DagPbNode: a dag-pb block (codec 0x70) read as a view: its Data field and its links stay where they are.
//
// parse() looks at every byte once and refuses what Kubo's decoder refuses: unknown fields, a second Data
// field, a second run of links, a link whose fields are out of order, given twice, or whose Hash is no CID.
// Links may come before Data or behind it. What is read afterwards cannot fail. Nothing is allocated,
// whatever the block claims: there are as many links as there are bytes for them, and all sizes in them are
// claims.
//
// A view is valid as long as the rope it was parsed from. Any thread. Spec: ipld.io/specs/codecs/dag-pb.
#pragma once

#include "alloc/rope.hpp"
#include "multiformats/cid.hpp"
#include "store/error.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace masu::store {

// A link's name is as long as its block allows; who has to copy it refuses what is longer than this.
inline constexpr std::size_t link_name_bytes_max = 4096;

struct DagPbLink {
  Cid cid;
  Rope name;                           // often empty
  std::optional<std::uint64_t> tsize;  // "bytes of all blocks below": a claim
};

// The links of a node in their order. A small value: copy it to remember a place.
class DagPbLinks {
 public:
  DagPbLinks() = default;
  // The next link; nothing at the end.
  std::optional<DagPbLink> next();
  // Passes over one link without reading its CID; false at the end.
  bool skip();

 private:
  friend struct DagPbNode;
  explicit DagPbLinks(Rope block) : rest_(block) {}
  std::optional<Rope> next_field();
  Rope rest_;
};

// Whether a block is one Data field and nothing else, as UnixFS leaves are: it parses, and has no link. Takes
// no longer for a long block.
bool is_dag_pb_leaf(Rope block);

struct DagPbNode {
  std::optional<Rope> data;
  std::size_t link_count = 0;
  Rope block;

  static StoreResult<DagPbNode> parse(Rope block);
  DagPbLinks links() const { return DagPbLinks(block); }
};

}  // namespace masu::store
