#include "bitswap/client.hpp"

#include <algorithm>
#include <utility>

namespace masu::bitswap {
namespace {

constexpr std::uint16_t starved_ticks_max = 40;  // ten seconds

}  // namespace

void LocalJob::add(ClientWant& want) {
  want.job = this;
  want.place = static_cast<std::uint8_t>(count_);
  wants_[count_] = &want;
  hashes_[count_] = *Multihash::decode(want.hash_key());
  ++count_;
}

void LocalJob::run() noexcept {
  if (holder_ != nullptr) {
    block_ = blocks_.get(hashes_[0], chunks_, *holder_);
    return;
  }
  for (std::size_t i = 0; i < count_; ++i) {
    const auto bytes = blocks_.size(hashes_[i]);
    here_[i] = bytes && bytes->has_value();
  }
}
void LocalJob::finish() noexcept { client_.on_looked(*this); }

void StoreJob::run() noexcept {
  const auto stored = blocks_.put(block.hash, block.bytes);
  if (!stored) error = stored.error().code;
}
void StoreJob::finish() noexcept { client_.on_stored(*this); }

// --- Looking into the store. ---

// To be followed by pump_looks().
void Client::look(ClientWant& want) { want.session->move(want, ClientWantState::looking); }

// A job of each session in turn, while there are jobs. What a session asks for is read at once while it finds
// its blocks here. After a miss it looks for many with one job, and the next ones gather meanwhile: a block
// that comes from the network would wake a worker twice else.
void Client::pump_looks() {
  bool more = true;
  while (more && !stopped_ && !read_waiter_.linked()) {
    more = false;
    for (Session& session : sessions_) more = pump_looks(session) || more;
  }
}

bool Client::pump_looks(Session& session) {
  IntrusiveList<ClientWant>& looking = session.list(ClientWantState::looking);
  if (looking.empty() || read_waiter_.linked()) return false;
  const bool reads = session.reads(looking.front());
  if (!reads && session.checking_ != nullptr) return false;
  LocalJob* const job = local_jobs_.create(*this, session, blocks_, chunks_);
  if (job == nullptr) return false;
  if (reads) {
    job->read_for(*looking.front().holder);
    job->add(looking.front());
  } else {
    for (ClientWant& want : looking) {
      if (job->full() || session.reads(want)) break;
      job->add(want);
    }
  }
  const bool posted = jobs_.post(*job, store::JobClass::read);
  for (std::size_t i = 0; i < job->size(); ++i) {
    ClientWant& want = *job->want(i);
    if (posted) {
      session.move(want, ClientWantState::reading);
    } else {
      want.job = nullptr;
    }
  }
  if (posted) {
    if (!reads) session.checking_ = job;
    return true;
  }
  local_jobs_.destroy(job);
  jobs_.wait_for_room(read_waiter_, store::JobClass::read);
  return false;
}

void Client::on_looked(LocalJob& job) {
  if (!job.reads()) return on_checked(job);
  ClientWant* const want = job.want(0);
  store::StoreResult<ChunkChain> block = job.take_block();
  local_jobs_.destroy(&job);
  if (want == nullptr) return pump();
  want->job = nullptr;
  want->session->missed_ = !block && block.error().code == store::StoreErrorCode::not_found;
  if (want->session->missed_) {
    on_absent(*want);
    return pump();
  }
  const bool starved = !block && block.error().code == store::StoreErrorCode::out_of_memory;
  if (starved && may_wait_for_memory(*want)) {
    wait_for_memory(*want);
    return pump();
  }
  store::BlockRequest* const request = want->request;
  if (want->leads) release_followers(*want);
  end(*want);
  pump();
  request->on_block(std::move(block));
}

void Client::on_checked(LocalJob& job) {
  Session* const session = job.session();
  if (session != nullptr) session->checking_ = nullptr;
  for (std::size_t i = 0; i < job.size(); ++i) {
    ClientWant* const want = job.want(i);
    if (want == nullptr) continue;
    want->job = nullptr;
    if (want->request != nullptr) want->session->missed_ = !job.here(i);
    job.here(i) ? on_found(*want) : on_absent(*want);
  }
  local_jobs_.destroy(&job);
  pump();
}

// --- Blocks for which there is no memory. ---

// A reader that has asked for several is told, and asks for fewer at a time. One that waits for this block
// alone could do nothing but fail: what others hold comes back.
bool Client::may_wait_for_memory(const ClientWant& want) const {
  const Session& session = *want.session;
  if (want.again_ticks >= starved_ticks_max || !session.waiting_.empty()) return false;
  return std::ranges::all_of(session.lists_, [&](const IntrusiveList<ClientWant>& list) {
    return std::ranges::all_of(
        list, [&](const ClientWant& other) { return &other == &want || other.request == nullptr; });
  });
}

// The block is in the store: those that follow read it with memory of their own.
void Client::wait_for_memory(ClientWant& want) {
  if (want.leads) release_followers(want);
  want.here = true;
  want.session->move(want, ClientWantState::starved);
  arm();
}

// To be followed by pump_looks().
void Client::look_for_starved(Session& session) {
  IntrusiveList<ClientWant>& starved = session.list(ClientWantState::starved);
  for (std::size_t left = starved.size(); left > 0; --left) {
    ++starved.front().again_ticks;
    look(starved.front());
  }
}

// To be followed by pump_looks(). A prefetched block that is here needs nothing more.
void Client::on_found(ClientWant& want) {
  want.here = true;
  if (want.request != nullptr) return look(want);
  if (want.leads) release_followers(want);
  end(want);
}

void Client::on_absent(ClientWant& want) {
  want.here = false;
  const bool led = want.leads;
  if (!led) lead_or_follow(want);
  if (!want.leads) return;
  want.session->move(want, want.request != nullptr ? ClientWantState::urgent : ClientWantState::queued);
}

// The block is in the store: those that wait for it besides read it there.
void Client::release_followers(ClientWant& leader) {
  index_.remove(leader);
  leader.leads = false;
  ClientWant* next = std::exchange(leader.next_same, nullptr);
  while (next != nullptr) {
    ClientWant& want = *next;
    next = std::exchange(want.next_same, nullptr);
    if (want.request != nullptr) {
      want.here = true;
      look(want);
    } else {
      end(want);
    }
  }
}

// --- Writing what came. ---

void Client::store(ReceivedBlock block) {
  const Multihash hash = block.hash;
  StoreJob* const job = store_jobs_.create(*this, blocks_, std::move(block));
  if (job == nullptr) {
    // There is a place for the job, but no page.
    if (ClientWant* const want = index_.find(hash.bytes())) fail(*want, store::StoreErrorCode::out_of_memory);
    return;
  }
  unposted_.push_back(*job);
  post_stores();
}

// All who want the block.
void Client::fail(ClientWant& leader, store::StoreErrorCode error) {
  index_.remove(leader);
  leader.leads = false;
  for (ClientWant* next = &leader; next != nullptr;) {
    ClientWant& want = *std::exchange(next, next->next_same);
    want.next_same = nullptr;
    settle(want, error);
  }
}

void Client::post_stores() {
  while (!write_waiter_.linked()) {
    store::Job* const job = unposted_.pop_front();
    if (job == nullptr || jobs_.post(*job, store::JobClass::write)) {
      if (job == nullptr) return;
      continue;
    }
    unposted_.push_front(*job);
    jobs_.wait_for_room(write_waiter_, store::JobClass::write);
  }
}

void Client::on_stored(StoreJob& job) {
  const std::optional<store::StoreErrorCode> error = job.error;
  ReceivedBlock block = std::move(job.block);
  store_jobs_.destroy(&job);
  if (!error) listener_.on_block_stored(block.hash);
  ClientWant* want = index_.find(block.hash.bytes());
  store::BlockRequest* request = nullptr;
  store::StoreResult<ChunkChain> outcome;
  if (want != nullptr && want->state == ClientWantState::storing) {
    if (error) {
      fail(*want, *error);
    } else {
      request = want->request;
      const bool refused = request != nullptr && !chunks_.transfer(block.bytes, *want->holder);
      if (refused && may_wait_for_memory(*want)) {
        request = nullptr;
        wait_for_memory(*want);
      } else {
        if (refused) {
          outcome = store::fail(store::StoreErrorCode::out_of_memory, refusal_text(*want->holder));
        } else if (request != nullptr) {
          outcome = std::move(block.bytes);
        }
        release_followers(*want);
        end(*want);
      }
    }
  }
  block.bytes.clear();
  block.room.reset();
  listener_.on_intake_room();
  pump();
  if (request != nullptr) request->on_block(std::move(outcome));
}

void Client::on_job_room() noexcept {
  pump_looks();
  post_stores();
}

}  // namespace masu::bitswap
