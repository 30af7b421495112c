#include "net/identify/identify_reader.hpp"
#include "net/identify/identify_writer.hpp"
#include "net/identify/peer_record.hpp"
#include "net/protobuf.hpp"
#include "tests/net/peers.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::net {
namespace {

// Builds identify messages that a peer could send, right or wrong.
class Message {
 public:
  Message& text(std::uint32_t field, std::string_view value) { return bytes(field, as_bytes(value)); }
  Message& bytes(std::uint32_t field, Bytes value) {
    std::vector<std::uint8_t> room(value.size() + 16);
    ProtobufWriter writer(room);
    writer.put_bytes(field, value);
    out_.append(as_text(writer.written()));
    return *this;
  }
  Message& raw(std::string_view value) {
    out_.append(value);
    return *this;
  }
  const std::string& fields() const { return out_; }
  // With its length in front.
  std::string framed() const {
    std::array<std::uint8_t, 10> head;
    ProtobufWriter writer(head);
    writer.put_raw_varint(out_.size());
    return std::string(as_text(writer.written())) + out_;
  }

 private:
  std::string out_;
};

class IdentifyTest : public testing::Test {
 protected:
  IdentifyReader& reader() {
    if (!reader_) {
      reader_.emplace(chunks_, memory_.account, texts_, peer_, address(remote_));
    }
    return *reader_;
  }
  std::expected<void, IdentifyError> read(std::string_view sent, std::size_t piece = 1 << 20) {
    for (; !sent.empty(); sent.remove_prefix(std::min(piece, sent.size()))) {
      if (auto taken = reader().on_bytes(as_bytes(sent.substr(0, piece))); !taken) return taken;
    }
    return reader().on_end();
  }
  std::vector<std::string> addresses() {
    std::array<MultiaddrView, PackedAddresses::addresses_max> room;
    std::vector<std::string> all;
    for (const MultiaddrView& view : reader().info().addresses.views(room)) all.push_back(view.to_string());
    return all;
  }
  std::vector<std::string> protocols() {
    std::vector<std::string> all;
    for (const TextRef& ref : reader().info().protocols) {
      if (ref) all.emplace_back(ref.text());
    }
    return all;
  }
  // What `own` sends to a peer that it sees at `observed`.
  static std::string written(const OwnDescription& own, const Multiaddr& observed) {
    const IdentifyMessage message(own);
    IdentifyWriter writer(message, observed);
    std::string sent;
    while (!writer.pending().empty()) {
      const Bytes piece = writer.pending().first(std::min<std::size_t>(writer.pending().size(), 100));
      sent.append(as_text(piece));
      writer.consume(piece.size());
    }
    return sent;
  }
  static std::string record(const PrivateKey& key, const std::vector<Multiaddr>& list,
                            std::uint64_t sequence = 1) {
    std::array<std::uint8_t, 4096> out;
    const auto size = seal_peer_record(key, list, sequence, out);
    return std::string(as_text(Bytes(out).first(size.value())));
  }

  TestMemory memory_;
  ChunkPool chunks_{memory_.account, 4};
  TextTable texts_{memory_.account, memory_.resource, memory_.secret, 512};
  const PrivateKey key_ = key_number(1);
  PeerId peer_ = PeerId::of(key_.public_key());
  std::string remote_ = "/ip4/9.9.9.9/tcp/4001";
  std::optional<IdentifyReader> reader_;
};

TEST_F(IdentifyTest, WhatIsWrittenIsReadInPiecesOfEachSize) {
  const std::vector<std::string_view> served = {"/ipfs/id/1.0.0", "/ipfs/ping/1.0.0", "/ipfs/bitswap/1.2.0"};
  const std::vector<Multiaddr> at = {address_number(1), address_number(2)};
  for (const bool with_record : {false, true}) {
    const OwnDescription own{&key_, "masu/0.1.0", served, at,
                             with_record ? std::optional<std::uint64_t>(5) : std::nullopt};
    const std::string sent = written(own, address("/ip4/9.9.9.9/tcp/1234"));
    EXPECT_LT(sent.size(), identify_single_part_bytes_max);
    for (const std::size_t piece : {1u, 2u, 7u, 100u, 100000u}) {
      reader_.reset();
      ASSERT_TRUE(read(sent, piece));
      EXPECT_EQ(reader().info().agent(), "masu/0.1.0");
      EXPECT_EQ(protocols(), std::vector<std::string>(served.begin(), served.end()));
      EXPECT_EQ(addresses(), (std::vector<std::string>{"/ip4/8.0.0.1/tcp/4001", "/ip4/8.0.0.2/tcp/4001"}));
      EXPECT_EQ(reader().info().observed->to_string(), "/ip4/9.9.9.9/tcp/1234");
      EXPECT_EQ(reader().info().record_sequence.has_value(), with_record);
      EXPECT_EQ(chunks_.stats().used, 0u);
    }
  }
}

TEST_F(IdentifyTest, ALargeMessageIsSentInTwoPartsAndPublicAddressesStay) {
  std::vector<Multiaddr> at;
  for (std::uint32_t n = 0; n < 500; ++n) {
    at.push_back(address("/ip4/10.0.0." + std::to_string(n % 256) + "/tcp/" + std::to_string(1000 + n)));
  }
  for (std::uint32_t n = 0; n < 40; ++n) at.push_back(address_number(n));
  sort_for_announcement(at);
  const OwnDescription own{&key_, "masu/0.1.0", {}, at, 5};
  const IdentifyMessage message(own);
  EXPECT_FALSE(message.record_part().empty());
  const std::string sent = written(own, address("/ip4/9.9.9.9/tcp/1234"));
  EXPECT_LE(sent.size(), identify_own_bytes_max);
  EXPECT_GT(sent.size(), identify_own_bytes_max * 3 / 4);
  ASSERT_TRUE(read(sent, 1000));
  EXPECT_TRUE(reader().info().record_sequence);
  EXPECT_EQ(addresses().size(), 40u) << "all that are public";
}

TEST_F(IdentifyTest, AMessageWithoutAnyFieldIsRight) {
  EXPECT_TRUE(read(Message().framed()));
  EXPECT_TRUE(addresses().empty());
  EXPECT_TRUE(read(""));
}

TEST_F(IdentifyTest, PartsAreMerged) {
  const std::string first =
      Message().text(3, "/a").text(6, "one").bytes(2, address_number(1).bytes()).framed();
  const std::string second =
      Message().text(3, "/b").text(6, "two").bytes(2, address_number(2).bytes()).framed();
  ASSERT_TRUE(read(first + second, 5));
  EXPECT_EQ(protocols(), (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(reader().info().agent(), "two");
  EXPECT_EQ(addresses().size(), 2u);
}

TEST_F(IdentifyTest, NinePartsAreReadAndTheTenthIsRefused) {
  std::string sent;
  for (int n = 0; n < 9; ++n) sent += Message().text(3, "/p/" + std::to_string(n)).framed();
  EXPECT_TRUE(read(sent));
  reader_.reset();
  EXPECT_EQ(read(sent + Message().framed()).error(), IdentifyError::too_many_parts);
}

TEST_F(IdentifyTest, ALengthIsRefusedBeforeItsBytes) {
  EXPECT_EQ(read(std::string("\x81\x40", 2)).error(), IdentifyError::part_too_large);
  reader_.reset();
  EXPECT_EQ(read(std::string("\x81\x40", 2), 1).error(), IdentifyError::part_too_large);
  reader_.reset();
  EXPECT_EQ(read(std::string(12, '\xff')).error(), IdentifyError::malformed);
  EXPECT_EQ(chunks_.stats().used, 0u);
}

TEST_F(IdentifyTest, TheEndInsideAPartIsAnError) {
  const std::string sent = Message().text(6, "agent").framed();
  for (std::size_t cut = 1; cut < sent.size(); ++cut) {
    reader_.reset();
    EXPECT_EQ(read(std::string_view(sent).substr(0, cut)).error(), IdentifyError::unfinished);
  }
}

TEST_F(IdentifyTest, MalformedFieldsAreRefused) {
  for (const std::string& fields : {std::string("\x12\x05"
                                                "ab",
                                                4),
                                    std::string("\x0b", 1), std::string("\x02\x00", 2),
                                    std::string("\x15\x01", 2), std::string("\x80", 1)}) {
    reader_.reset();
    EXPECT_EQ(read(Message().raw(fields).framed()).error(), IdentifyError::malformed) << fields.size();
  }
}

TEST_F(IdentifyTest, MoreThan128ProtocolsAreNoList) {
  Message message;
  for (int n = 0; n < 128; ++n) message.text(3, "/p/" + std::to_string(n));
  ASSERT_TRUE(read(message.framed()));
  EXPECT_EQ(protocols().size(), 128u);
  EXPECT_FALSE(reader().info().protocols_overflow);
  reader_.reset();
  ASSERT_TRUE(read(message.framed() + Message().text(3, "/more").framed()));
  EXPECT_TRUE(reader().info().protocols_overflow);
  EXPECT_TRUE(protocols().empty());
}

TEST_F(IdentifyTest, AFloodOfProtocolsIsCountedBeforeItIsKept) {
  // Nine parts of 8 KiB with the shortest protocols there are.
  Message part;
  while (part.fields().size() < identify_part_bytes_max - 3) part.text(3, "x");
  std::string sent;
  for (int n = 0; n < 9; ++n) sent += part.framed();
  EXPECT_EQ(read(sent).error(), IdentifyError::too_many_protocols);
  EXPECT_LE(texts_.size(), 1u);
}

TEST_F(IdentifyTest, AFloodOfAddressesKeepsAFewAndLooksAtFew) {
  Message part;
  for (std::uint32_t n = 0; part.fields().size() < identify_part_bytes_max - 16; ++n) {
    part.bytes(2, address_number(n).bytes());
  }
  std::string sent;
  for (int n = 0; n < 9; ++n) sent += part.framed();
  ASSERT_TRUE(read(sent));
  EXPECT_EQ(addresses().size(), PackedAddresses::addresses_max);
}

TEST_F(IdentifyTest, BrokenAddressesArePassedOver) {
  ASSERT_TRUE(read(
      Message().text(2, "junk").text(2, "").bytes(2, address_number(1).bytes()).text(4, "junk").framed()));
  EXPECT_EQ(addresses().size(), 1u);
  EXPECT_FALSE(reader().info().observed);
}

TEST_F(IdentifyTest, OnesOwnIdIsTakenOffTheAddress) {
  const Multiaddr with_id = *address_number(1).with_p2p(peer_);
  ASSERT_TRUE(read(Message().bytes(2, with_id.bytes()).framed()));
  EXPECT_EQ(addresses(), (std::vector<std::string>{"/ip4/8.0.0.1/tcp/4001"}));
}

TEST_F(IdentifyTest, AddressesAreFilteredByWhereThePeerIs) {
  const std::string sent = Message()
                               .bytes(2, address("/ip4/127.0.0.1/tcp/1").bytes())
                               .bytes(2, address("/ip4/192.168.0.1/tcp/1").bytes())
                               .bytes(2, address("/ip4/8.8.8.8/tcp/1").bytes())
                               .framed();
  const std::pair<const char*, std::size_t> cases[] = {
      {"/ip4/9.9.9.9/tcp/1", 1}, {"/ip4/10.0.0.1/tcp/1", 2}, {"/ip4/127.0.0.1/tcp/1", 3}};
  for (const auto& [from, kept] : cases) {
    remote_ = from;
    reader_.reset();
    ASSERT_TRUE(read(sent));
    EXPECT_EQ(addresses().size(), kept) << from;
  }
}

TEST_F(IdentifyTest, TheAgentIsCutAndMadePrintable) {
  ASSERT_TRUE(read(Message().text(6, "evil\n\x1b[2J" + std::string(500, 'x')).framed()));
  EXPECT_EQ(reader().info().agent().size(), 128u);
  EXPECT_EQ(reader().info().agent().substr(0, 10), "evil??[2Jx");
}

TEST_F(IdentifyTest, WithoutAChunkASplitPartIsRefused) {
  std::vector<Chunk> taken;
  while (Chunk chunk = chunks_.take(memory_.account)) taken.push_back(std::move(chunk));
  const std::string sent = Message().text(6, "agent").framed();
  EXPECT_TRUE(read(sent)) << "a whole one needs none";
  reader_.reset();
  EXPECT_EQ(read(sent, 3).error(), IdentifyError::out_of_memory);
}

TEST_F(IdentifyTest, ASignedRecordReplacesTheList) {
  const std::string envelope = record(key_, {address_number(7)}, 42);
  ASSERT_TRUE(read(Message().bytes(2, address_number(1).bytes()).text(8, envelope).framed()));
  EXPECT_EQ(addresses(), (std::vector<std::string>{"/ip4/8.0.0.7/tcp/4001"}));
  EXPECT_EQ(reader().info().record_sequence, std::optional<std::uint64_t>(42));
  reader_.reset();
  const std::string later =
      Message().text(8, envelope).framed() + Message().bytes(2, address_number(1).bytes()).framed();
  ASSERT_TRUE(read(later));
  EXPECT_EQ(addresses(), (std::vector<std::string>{"/ip4/8.0.0.7/tcp/4001"}));
}

TEST_F(IdentifyTest, ARecordThatIsNotThePeersOwnIsPassedOver) {
  std::string tampered = record(key_, {address_number(7)});
  tampered.back() = static_cast<char>(tampered.back() ^ 1);
  for (const std::string& envelope :
       {record(key_number(2), {address_number(7)}), tampered, std::string("junk"), std::string()}) {
    reader_.reset();
    ASSERT_TRUE(read(Message().bytes(2, address_number(1).bytes()).text(8, envelope).framed()));
    EXPECT_EQ(addresses(), (std::vector<std::string>{"/ip4/8.0.0.1/tcp/4001"}));
    EXPECT_FALSE(reader().info().record_sequence);
  }
}

TEST_F(IdentifyTest, ATamperedRecordNeverOpens) {
  const std::string envelope = record(key_, {address_number(1), address_number(2)}, 9);
  ASSERT_TRUE(open_peer_record(as_bytes(envelope), peer_));
  for (std::size_t at = 0; at < envelope.size(); ++at) {
    std::string other = envelope;
    other[at] = static_cast<char>(other[at] ^ 0x10);
    const auto opened = open_peer_record(as_bytes(other), peer_);
    // Only the number of the field that is no part of the message may change: then the field is missing.
    EXPECT_FALSE(opened) << at;
  }
  for (std::size_t cut = 0; cut < envelope.size(); ++cut) {
    EXPECT_FALSE(open_peer_record(as_bytes(envelope).first(cut), peer_));
  }
}

TEST_F(IdentifyTest, RecordErrorsSayWhatIsWrong) {
  EXPECT_EQ(open_peer_record(as_bytes("x"), peer_).error(), PeerRecordError::malformed);
  EXPECT_EQ(open_peer_record({}, peer_).error(), PeerRecordError::wrong_type);
  EXPECT_EQ(open_peer_record(as_bytes(record(key_number(2), {})), peer_).error(),
            PeerRecordError::wrong_peer);
}

TEST_F(IdentifyTest, EmptyAddressesAreNotSealed) {
  const std::string envelope = record(key_, {Multiaddr(), address_number(1), Multiaddr()});
  std::size_t count = 0;
  open_peer_record(as_bytes(envelope), peer_)->for_each_address([&](const MultiaddrView&) { ++count; });
  EXPECT_EQ(count, 1u);
}

}  // namespace
}  // namespace masu::net
