#include "net/swarm/dial_backoff.hpp"

#include <algorithm>
#include <cstring>

namespace masu::net {

DialBackoff::DialBackoff(Account& account, AccountResource& memory, const HashSecret& secret,
                         std::size_t entries_max)
    : entries_(account, entries_max), index_(memory, secret, entries_max) {}

DialBackoff::~DialBackoff() {
  while (!by_age_.empty()) remove(by_age_.front());
}

// The peer in front, so that clear() finds it. The end of a longer address is left out: two that differ only
// there share their failures.
DialBackoff::Key DialBackoff::key_of(const PeerId& peer, const MultiaddrView& address) {
  Key key;
  const Bytes first = peer.bytes();
  const Bytes second = address.bytes().first(std::min(address.bytes().size(), address_bytes_max));
  std::memcpy(key.bytes.data(), first.data(), first.size());
  std::memcpy(key.bytes.data() + first.size(), second.data(), second.size());
  key.size = static_cast<std::uint8_t>(first.size() + second.size());
  return key;
}

bool DialBackoff::allows(const PeerId& peer, const MultiaddrView& address, TimePoint now) const {
  const Entry* entry = index_.find(key_of(peer, address));
  return entry == nullptr || entry->until <= now;
}

void DialBackoff::on_failure(const PeerId& peer, const MultiaddrView& address, TimePoint now) {
  const Key key = key_of(peer, address);
  Entry* entry = index_.find(key);
  if (entry != nullptr) {
    entry->unlink();
    // After a long time without a try the failures before count no more.
    if (now > entry->until + longest) entry->failures = 0;
  } else {
    if (entries_.full() && !by_age_.empty()) remove(by_age_.front());
    entry = entries_.create();
    if (entry == nullptr) return;
    entry->key = key;
    index_.insert(*entry);
  }
  by_age_.push_back(*entry);
  const Duration wait = base + std::chrono::seconds(entry->failures * entry->failures);
  entry->failures = std::min(entry->failures + 1, 32u);
  entry->until = now + std::min(wait, longest);
}

void DialBackoff::on_success(const PeerId& peer, const MultiaddrView& address) {
  if (Entry* entry = index_.find(key_of(peer, address))) remove(*entry);
}

void DialBackoff::clear(const PeerId& peer) {
  const Bytes prefix = peer.bytes();
  index_.for_each([&](Entry& entry) {
    if (equal(entry.hash_key().first(std::min(prefix.size(), entry.hash_key().size())), prefix))
      remove(entry);
  });
}

void DialBackoff::remove(Entry& entry) {
  index_.remove(entry);
  entries_.destroy(&entry);
}

}  // namespace masu::net
