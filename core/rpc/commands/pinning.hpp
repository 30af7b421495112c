// What the commands about pins share: the pins of a node page by page, what pins a block through others, and
// the parts that pin a DAG. Loop thread.
#pragma once

#include "core/node.hpp"
#include "core/rpc/command.hpp"
#include "store/pin_dag.hpp"
#include "store/pin_set.hpp"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace masu::core::rpc::commands {

inline std::unexpected<CommandError> fail(const store::StoreError& error) {
  return std::unexpected(CommandError{error.detail, ErrorKind::normal});
}

store::SeenSet::Secret walk_secret(Node& node);
store::PinDag::Parts pin_parts(Node& node, store::BlockSource& source);
// A walk over what recursive pins reach; blocks without links are not read.
std::unique_ptr<store::DagWalk> walk_pins(Node& node, store::BlockSource& source);

// The next page of pins behind `after`, empty at the end.
Task<store::StoreResult<store::PinSet::Page>> next_pins(TaskMemory memory, Node& node, store::PinMode mode,
                                                        std::optional<Cid> after);
Task<store::StoreResult<std::optional<store::Pin>>> find_pin(TaskMemory memory, Node& node, Cid cid);

// How a block is pinned.
struct Pinned {
  std::optional<store::Pin> pin;  // itself
  std::optional<Cid> via;         // indirectly, by this recursive pin
  bool pinned() const { return pin || via; }
};
// Looks through all that recursive pins reach for those of `cids` whose Pinned says so in `wanted`, and fills
// in `via`. Ends early when all were found.
// Requires: one Pinned for each CID.
struct IndirectSearch {
  std::vector<Cid> cids;
  std::vector<Pinned> pinned;
  std::vector<bool> wanted;
};
Task<store::StoreResult<void>> search_indirect(TaskMemory memory, Call& call, store::BlockSource& source,
                                               IndirectSearch& search);

}  // namespace masu::core::rpc::commands
