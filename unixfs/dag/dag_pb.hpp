// dag-pb blocks as unixfs reads them: the view of store/dag/dag_pb.hpp, with the errors of this folder. The
// writing side is in unixfs/dag/dag_pb_writer.hpp.
#pragma once

#include "store/dag/dag_pb.hpp"
#include "unixfs/error.hpp"

namespace masu::unixfs {

using store::DagPbLink;
using store::DagPbLinks;
using store::link_name_bytes_max;

struct DagPbNode : store::DagPbNode {
  static Result<DagPbNode> parse(Rope block) {
    auto node = store::DagPbNode::parse(block);
    if (!node) return fail(ErrorCode::malformed, std::move(node.error().detail));
    return DagPbNode{*node};
  }
};

}  // namespace masu::unixfs
