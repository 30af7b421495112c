#include "bitswap/session.hpp"

#include "bitswap/client.hpp"

#include <algorithm>

namespace masu::bitswap {

static_assert(Session::slab_bytes(sizeof(Session)) <= plan_entry::session_bytes);

Session::~Session() { client_.close(*this); }

void* Session::operator new(std::size_t, SlabRuns& runs) noexcept {
  void* const memory = runs.take();
  return memory == nullptr ? nullptr : new (memory) Header{&runs} + 1;
}
void Session::operator delete(void* memory, SlabRuns&) noexcept { operator delete(memory); }
void Session::operator delete(void* memory) noexcept {
  Header* const header = static_cast<Header*>(memory) - 1;
  header->runs->give(header);
}

void Session::get(const Cid& cid, Account& holder, store::BlockRequest& request) {
  client_.get(*this, cid, holder, request);
}
void Session::forget(store::BlockRequest& request) noexcept { client_.forget(*this, request); }
void Session::prefetch(std::span<const Cid> cids) {
  for (const Cid& cid : cids) client_.prefetch(*this, cid);
  client_.pump_looks();
}

void Session::move(ClientWant& want, ClientWantState state) {
  static_cast<IntrusiveListNode<ClientWant>&>(want).unlink();
  want.state = state;
  list(state).push_back(want);
}

Session::Member* Session::member(const Asker& asker) {
  const std::span<Member> all = members();
  const auto found = std::ranges::find(all, &asker, &Member::asker);
  return found == all.end() ? nullptr : &*found;
}

// Null: as many as can be are known.
Session::Member* Session::add_member(Asker& asker) {
  if (Member* const known = member(asker)) return known;
  if (member_count_ == peers_max) return nullptr;
  members_[member_count_] = {&asker, 0, 0, false};
  asker.join();
  return &members_[member_count_++];
}

void Session::remove_member(const Asker& asker) {
  Member* const gone = member(asker);
  if (gone == nullptr) return;
  if (gone->held) gone->asker->let_go();
  gone->asker->leave();
  *gone = members_[member_count_ - 1];
  --member_count_;
}

void Session::remove_members() {
  while (member_count_ > 0) remove_member(*members_[member_count_ - 1].asker);
}

ClientWant* Session::next_to_ask() {
  for (const ClientWantState state : {ClientWantState::urgent, ClientWantState::queued}) {
    if (!list(state).empty()) return &list(state).front();
  }
  return nullptr;
}

}  // namespace masu::bitswap
