#include "store/collectable_store.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <mutex>

namespace masu::store {

WriteHold::WriteHold(CollectableStore& store) : store_(store) {
  // Under the lock: a collection that asks for the oldest hold sees this one, or has a later beginning.
  const std::lock_guard guard(store.holds_lock_);
  since_ = store.next_sequence();
  store.holds_.push_back(*this);
}

WriteHold::~WriteHold() {
  const std::lock_guard guard(store_.holds_lock_);
  unlink();
}

CollectableStore::~CollectableStore() { MASU_CHECK(holds_.empty(), "a store outlives the holds on it"); }

WriteSequence CollectableStore::held_since() const {
  const std::lock_guard guard(holds_lock_);
  WriteSequence oldest = next_sequence();
  for (const WriteHold& hold : holds_) oldest = std::min(oldest, hold.since_);
  return oldest;
}

}  // namespace masu::store
