// Records of known peers of any bytes: a book takes only what it can hold, writes what it has taken so that
// another book takes it too, and never has more peers than it may. The first byte is the number of peers;
// each record has a length byte for its key and one for its value.
#include "alloc/resource.hpp"
#include "core/node/peer_book.hpp"
#include "store/record_store.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

namespace {

using namespace masu;
using namespace masu::core;

constexpr WallSeconds now = 1'800'000'000;

Bytes take(Bytes& input, std::size_t most) {
  if (input.empty()) return {};
  const std::size_t size = std::min<std::size_t>({input[0], input.size() - 1, most});
  const Bytes piece = input.subspan(1, size);
  input = input.subspan(1 + size);
  return piece;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes input(data, size);
  if (input.empty()) return 0;
  const std::size_t peers_max = 9 + input[0] % 32u;
  input = input.subspan(1);
  Budget budget("fuzz", std::size_t{1} << 20);
  Account account(budget, "book", Lifetime::process, std::size_t{1} << 20);
  AccountResource memory(account);
  const net::HashSecret secret(Bytes(std::array<std::uint8_t, 16>{}));
  PeerBook book(account, memory, secret, peers_max);
  while (!input.empty()) {
    std::array<std::uint8_t, PeerRecord::key_bytes_max> key{store::record_table::peer};
    const Bytes name = take(input, key.size() - 1);
    std::ranges::copy(name, key.begin() + 1);
    (void)book.load(Bytes(key).first(1 + name.size()), take(input, 255), now);
    if (book.size() > peers_max) std::abort();
  }
  PeerBook copy(account, memory, secret, peers_max);
  std::vector<PeerId> peers;
  book.for_each([&](const BookedPeer& peer) {
    peers.push_back(peer.id);
    if (peer.address_count == 0 || peer.address_count > PeerNote::addresses_max || peer.seen_at > now)
      std::abort();
    for (const PeerNote::Address& address : peer.all_addresses()) {
      const auto decoded = MultiaddrView::decode(address.bytes());
      if (!decoded || !PeerBook::keeps(*decoded)) std::abort();
    }
  });
  if (peers.size() != book.size()) std::abort();
  for (const PeerId& peer : peers) book.set_connected(peer, false, now);
  PeerRecord record;
  while (book.take_change(record)) {
    if (!record.deleted() && !copy.load(record.key(), record.value(), now)) std::abort();
  }
  if (copy.size() != peers.size()) std::abort();
  return 0;
}
