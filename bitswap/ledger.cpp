#include "bitswap/ledger.hpp"

#include "alloc/plan.hpp"

#include <bit>
#include <cstring>
#include <new>

namespace masu::bitswap {

// With its buckets in two tables (a power of two of them), and for one in eight a long CID.
static_assert(sizeof(ServerWant) + 2 * sizeof(ServerWant*) + sizeof(Cid) / 8 <=
              plan_entry::server_want_bytes);

void Ledger::move(ServerWant& want, WantState state) {
  want.unlink();
  want.state = state;
  IntrusiveList<ServerWant>& to = list(state);
  if (state == WantState::ready) {
    if (to.empty()) ready_is_sorted_ = true;
    if (!to.empty() && to.back().priority < want.priority) ready_is_sorted_ = false;
  }
  to.push_back(want);
}

ServerWant& Ledger::best_ready() {
  IntrusiveList<ServerWant>& ready = list(WantState::ready);
  ServerWant* best = &ready.front();
  if (ready_is_sorted_) return *best;
  for (ServerWant& want : ready) {
    if (want.priority > best->priority) best = &want;
  }
  return *best;
}

// Buckets hold one and a half wants when the table is full: pointers are dear.
ServerWants::ServerWants(Account& account, std::pmr::memory_resource& memory, const net::HashSecret& secret,
                         std::size_t capacity)
    : secret_(secret),
      wants_(account, capacity),
      long_cids_(account, capacity / 8 + 1),
      by_key_(std::bit_ceil(capacity / 2 + 1), nullptr, &memory),
      by_hash_(by_key_.size(), nullptr, &memory) {}

ServerWant*& ServerWants::key_bucket(const Ledger& ledger, Bytes cid) {
  std::array<std::uint8_t, sizeof(std::uint32_t) + cid_bytes_max> key;
  std::memcpy(key.data(), &ledger.number_, sizeof ledger.number_);
  std::memcpy(key.data() + sizeof ledger.number_, cid.data(), cid.size());
  return by_key_[secret_.hash(Bytes(key).first(sizeof ledger.number_ + cid.size())) & mask()];
}

ServerWant* ServerWants::find(const Ledger& ledger, Bytes cid) const {
  ServerWant* want = const_cast<ServerWants*>(this)->key_bucket(ledger, cid);
  while (want != nullptr && (&want->ledger != &ledger || !equal(want->cid.bytes(), cid))) {
    want = want->next_of_key;
  }
  return want;
}

ServerWant* ServerWants::add(Ledger& ledger, const Cid& cid) {
  ServerWant* want = nullptr;
  try {
    want = wants_.create(ledger, cid, long_cids_);
  } catch (const std::bad_alloc&) {
  }
  if (want == nullptr) return nullptr;
  ServerWant*& key_head = key_bucket(ledger, want->cid.bytes());
  want->next_of_key = key_head;
  key_head = want;
  ServerWant*& hash_head = by_hash_[secret_.hash(want->cid.hash_bytes()) & mask()];
  want->next_of_hash = hash_head;
  want->link_of_hash = &hash_head;
  if (hash_head != nullptr) hash_head->link_of_hash = &want->next_of_hash;
  hash_head = want;
  ++ledger.size_;
  ledger.move(*want, WantState::unknown);
  return want;
}

void ServerWants::remove(ServerWant& want) {
  ServerWant** link = &key_bucket(want.ledger, want.cid.bytes());
  while (*link != &want) link = &(*link)->next_of_key;
  *link = want.next_of_key;
  *want.link_of_hash = want.next_of_hash;
  if (want.next_of_hash != nullptr) want.next_of_hash->link_of_hash = want.link_of_hash;
  --want.ledger.size_;
  wants_.destroy(&want);
}

}  // namespace masu::bitswap
