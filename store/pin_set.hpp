// PinSet: which blocks stay: recursive pins (with everything below them) and direct pins (the block alone),
// with names, as Kubo has them. A pin is of a CID: version 0 and 1 of one block are two pins.
//
// A pin is a record: record_table::pin, the mode, the CID; the value is a format byte and the name. So pins
// of one mode are listed in the order of their CIDs, page by page, with no more than a page in memory.
// Durable when a call returns. The order that makes a pin worth something is the caller's: blocks first, then
// BlockStore::sync(), then pin() (store/pin_dag.hpp does it).
//
// Which blocks are pinned indirectly is nowhere written; store/dag_walk.hpp finds it out.
//
// Blocking calls from any thread but the loop.
#pragma once

#include "alloc/resource.hpp"
#include "multiformats/cid.hpp"
#include "store/record_store.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace masu::store {

inline constexpr std::size_t pin_name_bytes_max = 255;

enum class PinMode : std::uint8_t { recursive = 1, direct = 2 };
std::string_view name_of(PinMode mode);

struct Pin {
  Cid cid;
  PinMode mode = PinMode::recursive;
  std::string name;
};

class PinSet {
 public:
  static constexpr std::size_t page_pins = 128;
  using Page = std::vector<Pin, AccountAllocator<Pin>>;

  explicit PinSet(RecordStore& records) : records_(records) {}

  // "pin name is 300 bytes (max 255 bytes)", or nothing.
  static StoreResult<void> check_name(std::string_view name);

  StoreResult<std::optional<Pin>> find(const Cid& cid);
  // A pin that is there gets the new name, and a direct one becomes recursive when asked for. `refused`: "CID
  // already pinned recursively", when a direct one is asked for; a name that is too long.
  StoreResult<void> pin(const Cid& cid, PinMode mode, std::string_view name);
  // `refused`: "not pinned or pinned indirectly"; "CID is pinned recursively", for a recursive pin when
  // `recursive` is false.
  StoreResult<void> unpin(const Cid& cid, bool recursive);
  // Fills `page` with the next pins of a mode behind `after` (from the first one when it is null), up to
  // page_pins; empty at the end. Pins that come or go meanwhile may or may not show. Throws std::bad_alloc.
  StoreResult<void> list(PinMode mode, const Cid* after, Page& page);

 private:
  StoreResult<std::optional<Pin>> find(const Cid& cid, PinMode mode);

  RecordStore& records_;
  std::mutex changing_;  // one reads and writes at a time
};

}  // namespace masu::store
