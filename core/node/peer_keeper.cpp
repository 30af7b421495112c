#include "core/node/peer_keeper.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace masu::core {
namespace {

constexpr int giver_value = 5;

std::size_t account_bytes(std::size_t peers) {
  return peers * plan_entry::known_peer_bytes * 9 / 8 + peers * 2 * sizeof(void*) + 8192;
}

}  // namespace

PeerKeeper::PeerKeeper(Budget& budget, net::Swarm& swarm, bitswap::Bitswap& bitswap,
                       store::RecordStore& records, store::Jobs& jobs, const net::HashSecret& secret,
                       const PeerKeeperOptions& options)
    : swarm_(swarm),
      bitswap_(bitswap),
      records_(records),
      jobs_(jobs),
      options_(options),
      account_(budget, "net.known", Lifetime::process, account_bytes(options.peers_max)),
      memory_(account_),
      book_(account_, memory_, secret, options.peers_max),
      next_save_(swarm.now() + options.save_interval) {
  swarm_.observe(*this);
  bitswap_.listen_for_givers(this);
  work_ = Work::reading;
  last_read_.key_data[0] = store::record_table::peer;
  last_read_.key_size = 1;
  post();
}

PeerKeeper::~PeerKeeper() {
  MASU_CHECK(idle(), "a keeper outlives its jobs");
  bitswap_.listen_for_givers(nullptr);
  swarm_.forget(*this);
}

void PeerKeeper::stop() {
  if (stopped_) return;
  note_connected();
  stopped_ = true;
  cancel();
  swarm_.forget(*this);
  save();
}

// --- Who is worth it. ---

void PeerKeeper::note(const PeerId& peer, bool gave) {
  if (!loaded_ || stopped_) return;
  const Addresses addresses = addresses_of(peer);
  book_.note(peer, gave, addresses.all(), options_.wall_clock());
}

void PeerKeeper::note_connected() {
  const TimePoint now = swarm_.now();
  swarm_.for_each_connection([&](const net::ConnectionInfo& connection) {
    const bool gave = bitswap_.has_given(connection.peer);
    if (gave || now - connection.opened >= long_connected || book_.find(connection.peer) != nullptr) {
      note(connection.peer, gave);
    }
  });
}

void PeerKeeper::Addresses::add(const MultiaddrView& address) {
  if (count == list.size() || !PeerBook::keeps(address)) return;
  if (std::ranges::any_of(all(), [&](const Multiaddr& one) { return one.view() == address; })) return;
  list[count++] = Multiaddr(address);
}

// Where it was reached, then where it says that it listens. What it says of other networks than the one it
// comes from leads to somebody else.
PeerKeeper::Addresses PeerKeeper::addresses_of(const PeerId& peer) const {
  Addresses addresses;
  bool from_loopback = false, from_private = false;
  swarm_.for_each_connection([&](const net::ConnectionInfo& connection) {
    if (connection.peer != peer) return;
    if (!connection.inbound) addresses.add(connection.remote);
    from_loopback = from_loopback || connection.remote.is_loopback();
    from_private = from_private || connection.remote.is_private();
  });
  for (const bool in_public : {true, false}) {
    swarm_.peerstore().for_each_address(peer, swarm_.now(), [&](const MultiaddrView& address, auto) {
      if (address.is_public() != in_public || (address.is_loopback() && !from_loopback)) return;
      if (!address.is_private() || from_private) addresses.add(address);
    });
  }
  return addresses;
}

void PeerKeeper::on_giver(const PeerId& peer) { note(peer, true); }

void PeerKeeper::on_peer_identified(const PeerId& peer) {
  const BookedPeer* const known = book_.find(peer);
  if (known == nullptr || stopped_) return;
  if (known->gave) swarm_.tag(peer, net::peer_tag::giver, giver_value);
  book_.set_connected(peer, true, options_.wall_clock());
}

void PeerKeeper::on_peer_disconnected(const PeerId& peer) {
  const BookedPeer* const known = book_.find(peer);
  if (known == nullptr) return;
  swarm_.tag(peer, net::peer_tag::giver, 0);
  book_.set_connected(peer, false, options_.wall_clock());
}

// --- Calling. ---

void PeerKeeper::on_timer(TimePoint now) {
  if (now >= next_save_) {
    next_save_ = now + options_.save_interval;
    note_connected();
    save();
  }
  dial_some(now);
  swarm_.timers().arm(*this, now + look_interval);
}

void PeerKeeper::dial_some(TimePoint now) {
  while (dials_ < options_.dials_max && swarm_.connections() + dials_ < swarm_.marks().low) {
    const BookedPeer* const peer = book_.next_to_try(now, again_after);
    if (peer == nullptr) return;
    std::array<Multiaddr, PeerNote::addresses_max> addresses;
    std::size_t count = 0;
    for (const PeerNote::Address& address : peer->all_addresses()) {
      addresses[count++] = Multiaddr(MultiaddrView::of_valid(address.bytes()));
    }
    ++dials_;
    swarm_.connect(peer->id, std::span(addresses).first(count), this);
  }
}

void PeerKeeper::on_dialled(const PeerId& peer, std::string_view error) {
  --dials_;
  if (!error.empty() && swarm_.connections() > 0) book_.note_failure(peer);
  if (!stopped_) swarm_.timers().arm(*this, swarm_.now() + 1s);
}

// --- Records. ---

void PeerKeeper::save() {
  if (work_ != Work::none) {
    save_again_ = true;
    return;
  }
  page_size_ = 0;
  while (page_size_ < page_records && book_.take_change(page_[page_size_])) ++page_size_;
  if (page_size_ == 0) return;
  work_ = Work::writing;
  post();
}

void PeerKeeper::post() {
  const auto kind = work_ == Work::reading ? store::JobClass::read : store::JobClass::write;
  if (!jobs_.post(*this, kind)) jobs_.wait_for_room(*this, kind);
}

void PeerKeeper::run() noexcept {
  try {
    work_ == Work::reading ? read_page() : write_page();
  } catch (const std::bad_alloc&) {
    // The next save writes what was seen again; what was not read stays in the store.
    read_all_ = true;
    page_size_ = bad_ = 0;
  }
}

// Deletes the bad ones of the page before, and reads the next.
void PeerKeeper::read_page() {
  for (std::size_t i = 0; i < bad_; ++i) (void)records_.remove(page_[i].key());
  page_size_ = bad_ = 0;
  if (read_all_) return;
  read_all_ = true;
  const std::uint8_t table = store::record_table::peer;
  std::string strange;
  {
    auto cursor = records_.open_cursor({&table, 1}, last_read_.key_size > 1 ? last_read_.key() : Bytes());
    if (!cursor) return;
    while (page_size_ < page_records && strange.empty()) {
      const auto more = (*cursor)->next();
      if (!more || !*more) break;
      const Bytes key = (*cursor)->key(), value = (*cursor)->value();
      if (key.size() > PeerRecord::key_bytes_max || value.size() > PeerRecord::value_bytes_max) {
        strange = as_text(key);
        continue;
      }
      PeerRecord& record = page_[page_size_++];
      record.key_size = static_cast<std::uint8_t>(key.size());
      record.value_size = static_cast<std::uint8_t>(value.size());
      std::ranges::copy(key, record.key_data.begin());
      std::ranges::copy(value, record.value_data.begin());
    }
  }
  read_all_ = page_size_ < page_records && strange.empty();
  if (page_size_ > 0) last_read_ = page_[page_size_ - 1];
  if (!strange.empty()) (void)records_.remove(as_bytes(strange));
}

void PeerKeeper::write_page() {
  std::array<store::RecordChange, page_records> changes;
  for (std::size_t i = 0; i < page_size_; ++i) {
    changes[i].key = page_[i].key();
    if (!page_[i].deleted()) changes[i].value = page_[i].value();
  }
  // A failure loses little: those that are seen again are written again.
  (void)records_.write(std::span(changes).first(page_size_));
}

void PeerKeeper::finish() noexcept {
  const Work done = std::exchange(work_, Work::none);
  if (done == Work::reading) return on_read();
  if (std::exchange(save_again_, false) || page_size_ == page_records) save();
}

void PeerKeeper::on_read() {
  const WallSeconds now = options_.wall_clock();
  for (std::size_t i = 0; i < page_size_; ++i) {
    if (!book_.load(page_[i].key(), page_[i].value(), now)) page_[bad_++] = page_[i];
  }
  if (bad_ > 0 || (!read_all_ && !stopped_)) {
    work_ = Work::reading;
    read_all_ = read_all_ || stopped_;
    return post();
  }
  loaded_ = true;
  if (stopped_) return save();
  book_.for_each([&](const BookedPeer& peer) {
    for (const PeerNote::Address& address : peer.all_addresses()) {
      swarm_.peerstore().add_address(peer.id, MultiaddrView::of_valid(address.bytes()),
                                     net::AddressTtl::recently_connected, swarm_.now());
    }
  });
  // Those that were faster than the disk.
  note_connected();
  swarm_.timers().arm(*this, swarm_.now());
}

}  // namespace masu::core
