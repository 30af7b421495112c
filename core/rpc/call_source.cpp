#include "core/rpc/call_source.hpp"

#include "alloc/check.hpp"
#include "core/node.hpp"

#include <new>

namespace masu::core::rpc {

void Call::watch(StopListener&) {}

std::unique_ptr<store::BlockSource> Call::open_source() {
  return std::make_unique<CallSource>(*this, node().open_source(offline()));
}

class CallSource::Waiting final : public store::BlockRequest, public IntrusiveListNode<Waiting, WaitingTag> {
 public:
  Waiting(CallSource& source, store::BlockRequest& its_request) : request(its_request), source_(source) {}

  void on_block(store::StoreResult<ChunkChain> block) override {
    store::BlockRequest& outer = request;
    source_.destroy(*this);
    outer.on_block(std::move(block));  // may destroy the source
  }

  store::BlockRequest& request;
  bool asked = false;  // the inner source knows of it

 private:
  CallSource& source_;
};

CallSource::CallSource(Call& call, std::unique_ptr<store::BlockSource> inner)
    : call_(call), inner_(std::move(inner)) {
  call.watch(*this);
}

CallSource::~CallSource() {
  while (!waiting_.empty()) forget(waiting_.front().request);
}

void CallSource::get(const Cid& cid, Account& holder, store::BlockRequest& request) {
  void* const memory = call_.memory().allocate(sizeof(Waiting), alignof(Waiting));
  auto* const waiting = new (memory) Waiting(*this, request);
  waiting_.push_back(*waiting);
  if (call_.stopped()) {
    // Told from the loop, never from inside of a call.
    call_.node().timers().arm(*this, call_.node().clock().now());
    return;
  }
  try {
    inner_->get(cid, holder, *waiting);
  } catch (...) {
    destroy(*waiting);
    throw;
  }
  waiting->asked = true;
}

void CallSource::forget(store::BlockRequest& request) noexcept {
  for (Waiting& waiting : waiting_) {
    if (&waiting.request != &request) continue;
    if (waiting.asked) inner_->forget(waiting);
    return destroy(waiting);
  }
  MASU_CHECK(false, "only a request that is under way is forgotten");
}

void CallSource::prefetch(std::span<const Cid> cids) {
  if (!call_.stopped()) inner_->prefetch(cids);
}

void CallSource::destroy(Waiting& waiting) noexcept {
  std::pmr::memory_resource& memory = call_.memory();
  waiting.~Waiting();
  memory.deallocate(&waiting, sizeof(Waiting), alignof(Waiting));
}

void CallSource::on_stop() { call_.node().timers().arm(*this, call_.node().clock().now()); }

void CallSource::on_timer(TimePoint now) {
  if (waiting_.empty()) return;
  Waiting& waiting = waiting_.front();
  store::BlockRequest& request = waiting.request;
  if (waiting.asked) inner_->forget(waiting);
  destroy(waiting);
  // Each answer may destroy this; the next one has a turn of its own.
  if (!waiting_.empty()) call_.node().timers().arm(*this, now);
  request.on_block(std::unexpected(store::StoreError{store::StoreErrorCode::stopped, "context canceled"}));
}

}  // namespace masu::core::rpc
