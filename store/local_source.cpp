#include "store/local_source.hpp"

#include "alloc/check.hpp"
#include "alloc/plan.hpp"
#include "multiformats/digest.hpp"

#include <algorithm>
#include <utility>

namespace masu::store {

class LocalReads::Read final : public Job, public IntrusiveListNode<LocalReads::Read, LocalSource> {
 public:
  Read(LocalReads& reads, const Cid& cid, Account& holder, BlockRequest& request)
      : reads_(reads), cid_(cid), holder_(holder), request_(&request) {}

  void run() noexcept override {
    try {
      block_ = read();
    } catch (const std::bad_alloc&) {
      block_ = std::unexpected(StoreError{StoreErrorCode::out_of_memory, {}});
    }
  }
  void finish() noexcept override {
    LocalReads& reads = reads_;
    BlockRequest* const request = request_;
    StoreResult<ChunkChain> block = std::move(block_);
    LocalSource* const source = std::exchange(source_, nullptr);
    reads.reads_.destroy(this);
    if (source != nullptr) source->line_up();
    reads.pump();
    if (request != nullptr) request->on_block(std::move(block));
  }

  BlockRequest* request() const { return request_; }
  void join(LocalSource& source) { source_ = &source; }
  void drop_request() { request_ = nullptr; }
  void drop_source() {
    request_ = nullptr;
    source_ = nullptr;
  }

 private:
  StoreResult<ChunkChain> read() {
    const Multihash hash = cid_.hash();
    if (const auto allowed = check_allowed(hash); !allowed) {
      return fail(StoreErrorCode::refused, explain(allowed.error(), hash));
    }
    if (!hash.is_identity()) {
      auto block = reads_.store_.get(hash, reads_.chunks_, holder_);
      if (!block && block.error().code == StoreErrorCode::not_found) {
        block.error().detail =
            "block was not found locally (offline): ipld: could not find " + cid_.to_string();
      }
      return block;
    }
    ChunkChain block;
    if (!block.append_copy(reads_.chunks_, holder_, hash.digest())) {
      return fail(StoreErrorCode::out_of_memory, refusal_text(holder_));
    }
    return block;
  }

  LocalReads& reads_;
  const Cid cid_;
  Account& holder_;
  BlockRequest* request_;
  LocalSource* source_ = nullptr;
  StoreResult<ChunkChain> block_;
};

LocalReads::LocalReads(BlockStore& store, Jobs& jobs, ChunkPool& chunks, Account& account,
                       std::size_t reads_max)
    : store_(store), jobs_(jobs), chunks_(chunks), reads_(account, reads_max) {
  static_assert(sizeof(Read) <= plan_entry::read_bytes);
}

LocalReads::~LocalReads() {
  MASU_CHECK(reads_.used() == 0 && ready_.empty(), "reads are drained before their owner goes");
}

void LocalReads::pump() {
  while (!ready_.empty() && !JobRoomWaiter::linked()) {
    LocalSource& source = ready_.front();
    static_cast<IntrusiveListNode<LocalSource>&>(source).unlink();
    const bool started = start(source);
    source.line_up();  // behind the others
    if (!started) return;
  }
}

bool LocalReads::start(LocalSource& source) {
  BlockRequest& request = source.waiting_.front();
  Read* const read = reads_.create(*this, request.ask.cid, *request.ask.holder, request);
  if (read == nullptr) return false;  // the end of another read comes here again
  if (!jobs_.post(*read, JobClass::read)) {
    reads_.destroy(read);
    jobs_.wait_for_room(*this, JobClass::read);
    return false;
  }
  request.unlink();
  read->join(source);
  source.under_way_.push_back(*read);
  return true;
}

LocalSource::~LocalSource() {
  while (!waiting_.empty()) waiting_.pop_front();
  while (LocalReads::Read* read = under_way_.pop_front()) read->drop_source();
}

void LocalSource::line_up() {
  const bool ready = !waiting_.empty() && under_way_.size() < LocalReads::reads_per_source;
  if (ready && !IntrusiveListNode<LocalSource>::linked()) reads_.ready_.push_back(*this);
}

void LocalSource::get(const Cid& cid, Account& holder, BlockRequest& request) {
  request.ask = {cid, &holder};
  waiting_.push_back(request);
  line_up();
  reads_.pump();
}

void LocalSource::forget(BlockRequest& request) noexcept {
  if (request.linked()) {
    request.unlink();
    if (waiting_.empty()) IntrusiveListNode<LocalSource>::unlink();
    return;
  }
  const auto read = std::find_if(under_way_.begin(), under_way_.end(),
                                 [&](const LocalReads::Read& each) { return each.request() == &request; });
  MASU_CHECK(read != under_way_.end(), "what is forgotten is under way");
  read->drop_request();
}

}  // namespace masu::store
