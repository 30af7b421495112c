#include "core/node/peer_book.hpp"

#include "alloc/resource.hpp"
#include "store/record_store.hpp"

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::core {
namespace {

constexpr WallSeconds now = 1'800'000'000;
constexpr WallSeconds day = 24 * 3600;

PeerId peer_number(unsigned number) {
  std::array<std::uint8_t, 38> bytes{0, 36, 8, 1, 18, 32};
  bytes[6] = static_cast<std::uint8_t>(number);
  bytes[7] = static_cast<std::uint8_t>(number >> 8);
  return *PeerId::decode(bytes);
}

std::vector<Multiaddr> at(std::initializer_list<std::string_view> texts) {
  std::vector<Multiaddr> all;
  for (const std::string_view text : texts) all.push_back(*Multiaddr::parse(text));
  return all;
}

class PeerBookTest : public testing::Test {
 protected:
  std::unique_ptr<PeerBook> make_book(std::size_t peers_max = 9) {
    return std::make_unique<PeerBook>(account_, memory_, secret_, peers_max);
  }
  // What the store has after all changes of `book`.
  void save(PeerBook& book) {
    PeerRecord record;
    while (book.take_change(record)) {
      record.deleted() ? (void)records_.remove(record.key())
                       : (void)records_.put(record.key(), record.value());
    }
  }
  // False: some were refused.
  bool load(PeerBook& book, WallSeconds time) {
    bool all = true;
    const std::uint8_t table = store::record_table::peer;
    auto cursor = *records_.open_cursor({&table, 1});
    while (*cursor->next()) all = book.load(cursor->key(), cursor->value(), time) && all;
    return all;
  }
  static std::string names(const PeerBook& book) {
    std::string all;
    book.for_each([&](const BookedPeer& peer) {
      all += std::to_string(peer.id.bytes()[6]) + (peer.gave ? "+ " : " ");
    });
    return all;
  }
  void note_and_leave(PeerBook& book, unsigned number, bool gave, WallSeconds time = now) {
    book.note(peer_number(number), gave, address_, time);
    book.set_connected(peer_number(number), false, time);
  }

  Budget budget_{"test", std::size_t{16} << 20};
  Account account_{budget_, "book", Lifetime::process, std::size_t{1} << 20};
  AccountResource memory_{account_};
  const net::HashSecret secret_{Bytes(std::array<std::uint8_t, 16>{})};
  store::MemoryRecordStore records_;
  const std::vector<Multiaddr> address_ = at({"/ip4/192.0.2.1/tcp/4001"});
};

TEST_F(PeerBookTest, ComesBackAsItWas) {
  auto book = make_book();
  EXPECT_TRUE(
      book->note(peer_number(1), true,
                 at({"/ip4/192.0.2.1/tcp/4001", "/ip4/192.0.2.1/udp/4001/quic-v1",
                     "/ip6/2001:db8::1/tcp/4001", "/dns4/example.com/tcp/4001", "/ip4/192.0.2.2/tcp/1/ws"}),
                 now));
  EXPECT_TRUE(book->note(peer_number(2), false, address_, now));
  EXPECT_FALSE(book->note(peer_number(3), true, at({"/ip4/192.0.2.1/udp/4001/quic-v1"}), now));
  save(*book);
  auto again = make_book();
  EXPECT_TRUE(load(*again, now + day));
  EXPECT_EQ(names(*again), "1+ 2 ");
  const BookedPeer& first = *again->find(peer_number(1));
  ASSERT_EQ(first.address_count, 2);
  EXPECT_EQ(MultiaddrView::of_valid(first.addresses[1].bytes()).to_string(), "/ip6/2001:db8::1/tcp/4001");
  EXPECT_EQ(first.seen_at, now);
  EXPECT_FALSE(first.connected);
  PeerRecord record;
  EXPECT_FALSE(again->take_change(record)) << "nothing is new";
}

TEST_F(PeerBookTest, WhoGaveGoesOnlyForWhoGives) {
  auto book = make_book();  // room for eight
  for (unsigned i = 1; i <= 4; ++i) note_and_leave(*book, i, true);
  for (unsigned i = 5; i <= 8; ++i) note_and_leave(*book, i, false);
  note_and_leave(*book, 9, false);
  EXPECT_EQ(names(*book), "1+ 2+ 3+ 4+ 6 7 8 9 ") << "the longest unseen that gave nothing";
  save(*book);
  for (unsigned i = 10; i < 14; ++i) {
    note_and_leave(*book, i, true);
    save(*book);
  }
  EXPECT_EQ(names(*book), "1+ 2+ 3+ 4+ 10+ 11+ 12+ 13+ ");
  EXPECT_FALSE(book->note(peer_number(20), false, address_, now));
  note_and_leave(*book, 21, true);
  EXPECT_EQ(names(*book), "2+ 3+ 4+ 10+ 11+ 12+ 13+ 21+ ");
}

TEST_F(PeerBookTest, ConnectedPeersAreNotEvicted) {
  auto book = make_book();
  for (unsigned i = 1; i <= 8; ++i) EXPECT_TRUE(book->note(peer_number(i), false, address_, now));
  EXPECT_FALSE(book->note(peer_number(9), true, address_, now));
  book->set_connected(peer_number(5), false, now);
  EXPECT_TRUE(book->note(peer_number(9), true, address_, now));
  EXPECT_EQ(book->find(peer_number(5)), nullptr);
}

TEST_F(PeerBookTest, TheCapHoldsWhateverComes) {
  auto book = make_book(36);
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const unsigned number = random() % 500;
    switch (random() % 8) {
      case 0: book->note_failure(peer_number(number)); break;
      case 1: save(*book); break;
      case 2: (void)book->next_to_try(TimePoint{1h}, Duration(random() % 1000)); break;
      case 3: book->set_connected(peer_number(number), false, now + random() % 1000); break;
      default: note_and_leave(*book, number, random() % 3 == 0, random() % 2 == 0 ? 7 : now);
    }
    ASSERT_LE(book->size(), 32u);
    ASSERT_LE(account_.live_bytes(), 36 * sizeof(BookedPeer) + 2048);
  }
  save(*book);
  EXPECT_EQ(records_.size(), book->size()) << "the store has those of the book and no others";
  auto again = make_book(36);
  EXPECT_TRUE(load(*again, now));
  EXPECT_EQ(names(*again), names(*book));
}

TEST_F(PeerBookTest, ASmallerBookKeepsAsManyAsItCan) {
  auto book = make_book(90);
  for (unsigned i = 0; i < 80; ++i) note_and_leave(*book, i, i % 10 == 0);
  save(*book);
  auto small = make_book(18);
  load(*small, now);
  EXPECT_LE(small->size(), 16u);
  unsigned givers = 0;
  small->for_each([&](const BookedPeer& peer) { givers += peer.gave; });
  EXPECT_EQ(givers, 8u);
}

TEST_F(PeerBookTest, PeersThatWereNotSeenForLongAreDropped) {
  auto book = make_book();
  note_and_leave(*book, 1, true, now);
  note_and_leave(*book, 2, true, now + 20 * day);
  save(*book);
  auto again = make_book();
  EXPECT_FALSE(load(*again, now + 31 * day));
  EXPECT_EQ(names(*again), "2+ ");
}

TEST_F(PeerBookTest, AClockThatIsNotSetExpiresNobody) {
  auto book = make_book();
  note_and_leave(*book, 1, true, 12);  // 1970
  note_and_leave(*book, 2, true, now);
  save(*book);
  auto at_boot = make_book();
  EXPECT_TRUE(load(*at_boot, 30));
  EXPECT_EQ(names(*at_boot), "1+ 2+ ") << "in the order they were seen";
  EXPECT_EQ(at_boot->find(peer_number(1))->seen_at, 0u);
  // Its time begins when there is one.
  auto later = make_book();
  load(*later, now + 60 * day);
  EXPECT_EQ(names(*later), "1+ ");
  save(*later);
  auto last = make_book();
  load(*last, now + 91 * day);
  EXPECT_EQ(names(*last), "");
}

TEST_F(PeerBookTest, ATimeThatIsYetToComeCountsAsNow) {
  auto book = make_book();
  note_and_leave(*book, 1, true, now + 3650 * day);
  save(*book);
  auto again = make_book();
  EXPECT_TRUE(load(*again, now));
  EXPECT_EQ(again->find(peer_number(1))->seen_at, now);
  save(*again);
  auto last = make_book();
  EXPECT_FALSE(load(*last, now + 31 * day));
}

TEST_F(PeerBookTest, WhoCannotBeReachedIsDropped) {
  auto book = make_book();
  note_and_leave(*book, 1, true);
  for (int i = 1; i < PeerBook::failures_max; ++i) book->note_failure(peer_number(1));
  EXPECT_NE(book->find(peer_number(1)), nullptr);
  book->set_connected(peer_number(1), true, now);
  book->note_failure(peer_number(1));
  book->set_connected(peer_number(1), false, now);
  for (int i = 1; i < PeerBook::failures_max; ++i) book->note_failure(peer_number(1));
  EXPECT_NE(book->find(peer_number(1)), nullptr) << "they are counted since it was seen";
  save(*book);
  EXPECT_EQ(records_.size(), 1u);
  book->note_failure(peer_number(1));
  EXPECT_EQ(book->find(peer_number(1)), nullptr);
  save(*book);
  EXPECT_EQ(records_.size(), 0u);
}

TEST_F(PeerBookTest, ThoseWhoGaveAreCalledFirst) {
  auto book = make_book();
  note_and_leave(*book, 1, true);
  note_and_leave(*book, 2, false);
  note_and_leave(*book, 3, true);
  book->note(peer_number(4), true, address_, now);
  std::string order;
  TimePoint time{1h};
  while (const BookedPeer* const peer = book->next_to_try(time, 1h)) {
    order += std::to_string(peer->id.bytes()[6]) + " ";
  }
  EXPECT_EQ(order, "3 1 2 ") << "then those seen last, never who is here";
  time += 1h;
  EXPECT_NE(book->next_to_try(time, 1h), nullptr);
}

TEST_F(PeerBookTest, RecordsThatAreNoneAreRefused) {
  auto book = make_book();
  note_and_leave(*book, 1, true);
  book->note(peer_number(1), true, at({"/ip4/192.0.2.1/tcp/4001", "/ip6/2001:db8::1/tcp/4001"}), now);
  PeerRecord record;
  ASSERT_TRUE(book->take_change(record));
  const std::string key(as_text(record.key())), value(as_text(record.value()));
  auto fresh = make_book();
  // Cut short, and longer.
  for (std::size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(fresh->load(as_bytes(key), as_bytes(value.substr(0, size)), now)) << size;
  }
  EXPECT_FALSE(fresh->load(as_bytes(key), as_bytes(value + '\0'), now));
  for (std::size_t size = 0; size < key.size(); ++size) {
    EXPECT_FALSE(fresh->load(as_bytes(key.substr(0, size)), as_bytes(value), now)) << size;
  }
  EXPECT_EQ(fresh->size(), 0u);
  // Any byte changed: refused, or a peer within its bounds.
  for (std::size_t place = 0; place < value.size(); ++place) {
    for (int flip = 1; flip < 256; flip *= 2) {
      std::string bent = value;
      bent[place] = static_cast<char>(bent[place] ^ flip);
      auto one = make_book();
      if (!one->load(as_bytes(key), as_bytes(bent), now)) continue;
      const BookedPeer* const peer = one->find(peer_number(1));
      ASSERT_NE(peer, nullptr);
      EXPECT_LE(peer->address_count, PeerNote::addresses_max);
      for (const PeerNote::Address& address : peer->all_addresses()) {
        EXPECT_TRUE(PeerBook::keeps(*MultiaddrView::decode(address.bytes())));
      }
    }
  }
  EXPECT_TRUE(fresh->load(as_bytes(key), as_bytes(value), now));
}

}  // namespace
}  // namespace masu::core
