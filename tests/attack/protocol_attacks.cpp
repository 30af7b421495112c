// Attacks through identify and Bitswap.
#include "bitswap/protocol.hpp"
#include "multiformats/multiaddr.hpp"
#include "net/identify/identify_limits.hpp"
#include "net/identify/peer_record.hpp"
#include "tests/attack/attack.hpp"
#include "tests/bitswap/raw_message.hpp"

#include <array>

namespace masu::attack {
namespace {

using bitswap::bytes_field;
using bitswap::framed;
using bitswap::number_field;

Multiaddr some_address(SeededRandom& random) {
  const std::uint64_t bits = random.next();
  const IpAddress::V4 ip = {127, static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8),
                            static_cast<std::uint8_t>(bits >> 16)};
  return Multiaddr::tcp(IpAddress(ip), static_cast<std::uint16_t>(1024 + bits % 60000));
}

// --- identify ---

// Ten parts of 8 KiB, full of protocols that nobody speaks.
class IdentifyChunked final : public Attack {
 public:
  std::string identify_answer(WirePeer& peer) override {
    std::string all;
    for (int part = 0; part < 10; ++part) {
      std::string message;
      while (message.size() < 8000) {
        message +=
            bytes_field(net::identify_field::protocols, "/invented/" + std::to_string(peer.random().next()));
      }
      all += framed(message);
    }
    return all;
  }
};

// Few protocols, so that it is accepted, and all the addresses that fit.
class IdentifyAddresses final : public Attack {
 public:
  std::string identify_answer(WirePeer& peer) override {
    std::string all = Attack::identify_answer(peer);
    for (int part = 0; part < 8; ++part) {
      std::string message;
      while (message.size() < 8000) {
        message +=
            bytes_field(net::identify_field::listen_addresses, as_text(some_address(peer.random()).bytes()));
      }
      all += framed(message);
    }
    return all;
  }
};

// Fields of two bytes.
class IdentifyTiny final : public Attack {
 public:
  std::string identify_answer(WirePeer&) override {
    std::string message;
    while (message.size() < 8000) message += bytes_field(net::identify_field::listen_addresses, "");
    std::string all;
    for (int part = 0; part < 9; ++part) all += framed(message);
    return all;
  }
};

// Never says who it is.
class IdentifySilent final : public Attack {
 public:
  bool answers_identify() const override { return false; }
};

// Tells news of itself all the time.
class IdentifyPushes final : public Attack {
 public:
  void act(WirePeer& peer) override {
    std::string message;
    for (int n = 0; n < 64; ++n) {
      message +=
          bytes_field(net::identify_field::listen_addresses, as_text(some_address(peer.random()).bytes()));
    }
    const std::uint32_t stream = peer.open(net::identify_push_protocol, framed(message));
    peer.send_frame(net::YamuxType::data, net::yamux_fin, stream, 0);
  }
};

// Signed records: of itself with many addresses, and of strangers; a new identity every moment.
class PeerRecords final : public Attack {
 public:
  std::string identify_answer(WirePeer& peer) override {
    return Attack::identify_answer(peer) + framed(record_of(peer.identity().key, peer.random()));
  }
  void act(WirePeer& peer) override {
    if (++peer.steps == 20) {
      const Identity stranger(peer.random());
      peer.open(net::identify_push_protocol, framed(record_of(stranger.key, peer.random())));
    }
    if (peer.steps > 40) peer.close();
  }

 private:
  static std::string record_of(const PrivateKey& key, SeededRandom& random) {
    std::vector<Multiaddr> addresses;
    for (int n = 0; n < 100; ++n) addresses.push_back(some_address(random));
    std::vector<std::uint8_t> out(8 * 1024);
    const auto size = net::seal_peer_record(key, addresses, random.next() >> 1, out);
    return bytes_field(net::identify_field::signed_peer_record, as_text(Bytes(out).first(size.value_or(0))));
  }
};

// --- Bitswap ---

std::string want(std::string_view cid, bool have = false) {
  std::string fields =
      bytes_field(bitswap::field::entry_cid, cid) + number_field(bitswap::field::priority, 1);
  if (have) fields += number_field(bitswap::field::want_type, 1);
  fields += number_field(bitswap::field::send_dont_have, 1);
  return bytes_field(bitswap::field::entries, fields);
}
std::string wantlist(std::string_view entries) { return bytes_field(bitswap::field::wantlist, entries); }
std::string presence_of(std::string_view cid) {
  return bytes_field(bitswap::field::presences, bytes_field(1, cid));
}
// A payload that announces `bytes` and holds none of them yet; the message it begins is as long.
std::string begun_block(std::string_view cid, std::size_t bytes) {
  const std::string prefix = bytes_field(bitswap::field::prefix, cid.substr(0, 4));
  const std::string head = "\x12" + bitswap::varint_text(bytes);
  const std::string payload =
      "\x1a" + bitswap::varint_text(prefix.size() + head.size() + bytes) + prefix + head;
  return bitswap::varint_text(payload.size() + bytes) + payload;
}

class BitswapAttack : public Attack {
 public:
  void on_secured(WirePeer& peer) override { peer.steps = peer.open(bitswap::protocols[0]); }

 protected:
  static void say(WirePeer& peer, std::string_view message) { say_raw(peer, framed(message)); }
  static void say_raw(WirePeer& peer, std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 32 * 1024))) {
      peer.send_data(static_cast<std::uint32_t>(peer.steps), bytes.substr(0, 32 * 1024));
    }
  }
};

// Wants of what nobody has.
class MillionWants : public BitswapAttack {
 public:
  void act(WirePeer& peer) override {
    std::string entries;
    for (int n = 0; n < 500; ++n) entries += want(absent_cid(peer.random()), n % 2 == 0);
    say(peer, wantlist(entries));
    peer.totals().counted["wants"] += 500;
  }
};

// Data that lies in the CID itself: as much as a CID may hold and is to be answered, and far more, as a want
// and as the prefix of a block.
class IdentityCids final : public BitswapAttack {
 public:
  void act(WirePeer& peer) override {
    const std::size_t bytes = sizes[round_++ % sizes.size()];
    const std::string cid =
        std::string("\x01\x55\x00", 3) + bitswap::varint_text(bytes) + peer.random().bytes(bytes);
    std::string entries;
    for (int n = 0; n < 20; ++n) entries += want(cid);
    const std::string payload =
        bytes_field(bitswap::field::prefix, std::string("\x01\x55\x00", 3) + bitswap::varint_text(bytes)) +
        bytes_field(bitswap::field::data, cid.substr(cid.size() - bytes));
    say(peer, wantlist(entries) + bytes_field(bitswap::field::payload, payload));
    peer.totals().counted["identity_wants"] += 20;
  }
  void on_answer(WirePeer& peer, const net::YamuxHeader& header, std::string_view) override {
    if (header.stream != peer.steps || (header.flags & net::yamux_rst) == 0) return;
    ++peer.totals().counted["refused"];
    peer.steps = peer.open(bitswap::protocols[0]);
  }

 private:
  static constexpr std::array<std::size_t, 5> sizes = {32, 128, 129, 4000, 100'000};
  std::size_t round_ = 0;
};

// Wants of what nobody has from many peers, and after them one that can be served.
class AbsentThenHeld final : public BitswapAttack {
 public:
  bool reconnects() const override { return false; }
  void act(WirePeer& peer) override {
    if (options().held.empty()) return;
    const std::uint64_t round = rounds_[&peer]++;
    if (round < 10) {
      std::string entries;
      for (int n = 0; n < 300; ++n) entries += want(absent_cid(peer.random()));
      say(peer, wantlist(entries));
    } else if (round == 10) {
      say(peer, wantlist(want(options().held[0])));
      ++peer.totals().counted["held_asked"];
    }
  }
  // The block comes on a stream of the victim's.
  void on_victim_bytes(WirePeer& peer, std::string_view bytes) override {
    if (bytes.size() > 8 * 1024) ++peer.totals().counted["held_answered"];
  }

 private:
  std::map<WirePeer*, std::uint64_t> rounds_;
};

// A want of everything, replaced by another such list at once.
class WantChurn final : public BitswapAttack {
 public:
  void act(WirePeer& peer) override {
    std::string entries;
    for (const std::string& cid : options().held) entries += want(cid, true);
    for (int n = 0; n < 50; ++n) entries += want(absent_cid(peer.random()), true);
    say(peer, wantlist(entries + number_field(bitswap::field::full, 1)));
  }
};

// Wants of blocks that are here, many times, and reads nothing.
class BitswapNeverReads final : public BitswapAttack {
 public:
  void on_secured(WirePeer& peer) override {
    BitswapAttack::on_secured(peer);
    std::string entries;
    for (const std::string& cid : options().held) entries += want(cid);
    say(peer, wantlist(entries));
    peer.reads = false;
  }
};

// The same, but the answers are read a little at a time.
class BitswapReadsSlowly final : public BitswapAttack {
 public:
  void on_secured(WirePeer& peer) override {
    BitswapAttack::on_secured(peer);
    std::string entries;
    for (const std::string& cid : options().held) entries += want(cid);
    say(peer, wantlist(entries));
  }
  void act(WirePeer& peer) override { peer.reads = peer.random().below(200) == 0; }
};

// Messages of 4 MiB, made of the smallest parts there are.
class TinyParts final : public BitswapAttack {
 public:
  void act(WirePeer& peer) override {
    static constexpr std::array<std::string_view, 4> smallest = {
        std::string_view("\x22\x00", 2), std::string_view("\x12\x00", 2), std::string_view("\x1a\x00", 2),
        std::string_view("\x0a\x00", 2)};
    const std::string_view part = smallest[peer.random().below(4)];
    std::string message;
    for (int n = 0; n < 60000; ++n) message += part;
    if (peer.random().below(2) == 0) {
      message.clear();
      for (int n = 0; n < 30000; ++n) message += std::string_view("\x0a\x00", 2);
      message = wantlist(message);
    }
    peer.open(bitswap::protocols[0], framed(message));
  }
};

// Announces messages of 4 MiB on each stream it may have, sends some of each, and no more.
class StalledMessages final : public BitswapAttack {
 public:
  void on_secured(WirePeer& peer) override {
    for (int n = 0; n < 8; ++n) {
      peer.open(bitswap::protocols[0],
                begun_block(absent_cid(peer.random()), std::size_t{2} << 20) + std::string(20 * 1024, 'x'));
    }
  }
};

// Says it has whatever is asked for, and begins to send it: a block of 2 MiB that never comes.
class PartialBlocks final : public BitswapAttack {
 public:
  void on_wants(WirePeer& peer, const std::vector<std::string>& cids) override {
    for (const std::string& cid : cids) {
      ++peer.totals().counted["wants_seen"];
      say(peer, presence_of(cid));
      if (peer.inbound.size() > 6) continue;
      peer.open(bitswap::protocols[0], begun_block(cid, std::size_t{2} << 20) + std::string(40 * 1024, 'x'));
    }
  }
};

// Says it has all of it, and sends nothing.
class LyingHaves final : public BitswapAttack {
 public:
  void on_wants(WirePeer& peer, const std::vector<std::string>& cids) override {
    std::string message;
    for (const std::string& cid : cids) message += presence_of(cid);
    peer.totals().counted["wants_seen"] += cids.size();
    say(peer, message);
  }
  void act(WirePeer& peer) override {
    std::string message;
    for (int n = 0; n < 200; ++n) message += presence_of(absent_cid(peer.random()));
    say(peer, message);
  }
};

// Sends blocks that nobody asked for, as fast as they go.
class WrongBlocks final : public BitswapAttack {
 public:
  void on_wants(WirePeer& peer, const std::vector<std::string>& cids) override {
    for (const std::string& cid : cids) {
      ++peer.totals().counted["wants_seen"];
      say_raw(peer, begun_block(cid, 50000) + peer.random().bytes(50000));
    }
  }
  void act(WirePeer& peer) override {
    say_raw(peer, begun_block(absent_cid(peer.random()), 200000) + std::string(200000, 'x'));
  }
};

}  // namespace

std::span<const AttackEntry> protocol_attacks() {
  static const auto entries = std::to_array<AttackEntry>({
      {"identify-chunked", 100, make_attack<IdentifyChunked>},
      {"identify-addresses", 200, make_attack<IdentifyAddresses>},
      {"identify-tiny-fields", 100, make_attack<IdentifyTiny>},
      {"identify-silent", 400, make_attack<IdentifySilent>},
      {"identify-pushes", 20, make_attack<IdentifyPushes>},
      {"peer-record-flood", 40, make_attack<PeerRecords>},
      {"bitswap-million-wants", 4, make_attack<MillionWants>},
      {"bitswap-identity-cids", 20, make_attack<IdentityCids>},
      {"bitswap-absent-then-held", 30, make_attack<AbsentThenHeld>},
      {"bitswap-want-churn", 20, make_attack<WantChurn>},
      {"bitswap-never-reads", 60, make_attack<BitswapNeverReads>},
      {"bitswap-reads-slowly", 60, make_attack<BitswapReadsSlowly>},
      {"bitswap-tiny-parts", 20, make_attack<TinyParts>},
      {"bitswap-stalled-messages", 100, make_attack<StalledMessages>},
      {"bitswap-partial-blocks", 40, make_attack<PartialBlocks>},
      {"bitswap-lying-haves", 40, make_attack<LyingHaves>},
      {"bitswap-wrong-blocks", 20, make_attack<WrongBlocks>},
  });
  return entries;
}

}  // namespace masu::attack
