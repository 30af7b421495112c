// Attacks below the protocols: sockets, handshakes, yamux.
#include "net/ping.hpp"
#include "net/security/noise_payload.hpp"
#include "net/upgrade.hpp"
#include "tests/attack/attack.hpp"
#include "tests/bitswap/raw_message.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace masu::attack {
namespace {

// Connect, and say nothing.
class SilentConnections final : public Attack {
 public:
  std::shared_ptr<Identity> identity(SeededRandom&) override { return nullptr; }
  void prepare(WirePeer& peer) override { peer.shakes = false; }
};

// The first lines of the handshake, a byte now and then; later half of the first message.
class SlowHandshake final : public Attack {
 public:
  std::shared_ptr<Identity> identity(SeededRandom&) override { return nullptr; }
  void prepare(WirePeer& peer) override { peer.shakes = false; }
  void act(WirePeer& peer) override {
    static const std::string said = lines_for(net::noise_protocol) + std::string("\x00\x20half", 6);
    if (++peer.steps % 16 == 0 && peer.steps / 16 < said.size())
      peer.send_raw(said.substr(peer.steps / 16, 1));
  }
};

// Everybody shakes hands and stays, each with an identity of its own.
class SybilConnections final : public Attack {};

// The same, and away at once.
class ConnectionChurn final : public Attack {
 public:
  void on_secured(WirePeer& peer) override {
    peer.open(net::ping_protocol, std::string(32, 'x'));
    peer.steps = 1;
  }
  void act(WirePeer& peer) override {
    if (peer.steps++ > 10) peer.close();
  }
};

// Opens streams without end.
class StreamFlood final : public Attack {
 public:
  void act(WirePeer& peer) override {
    for (int n = 0; n < 100; ++n) peer.open("/no/such/protocol");
  }
};

// The start of a line on each stream, and never the rest; or proposals without end.
class HalfNegotiations final : public Attack {
 public:
  void act(WirePeer& peer) override {
    for (int n = 0; n < 4; ++n) {
      const std::uint32_t stream = peer.next_stream();
      std::string text = line("/multistream/1.0.0");
      if (peer.steps++ % 2 == 0) {
        text += "\xff\x07/a/line/of/1023/bytes/that/is/not";
      } else {
        for (int m = 0; m < 40; ++m) text += line("/try/" + std::to_string(m));
      }
      peer.send_data(stream, text, net::yamux_syn);
    }
  }
};

// Pings without end, and reads no answer.
class YamuxPings final : public Attack {
 public:
  void on_secured(WirePeer& peer) override { peer.reads = false; }
  void act(WirePeer& peer) override {
    std::string frames;
    for (std::uint32_t n = 0; n < 1000; ++n) {
      frames += as_text(net::encode_yamux_header({0, net::YamuxType::ping, net::yamux_syn, 0, n}));
    }
    peer.send(frames);
  }
};

// Credit that overflows.
class WindowOverflow final : public Attack {
 public:
  void on_secured(WirePeer& peer) override {
    const std::uint32_t stream = peer.open(net::ping_protocol);
    peer.send_frame(net::YamuxType::window_update, 0, stream, 0xffffffff);
    peer.send_frame(net::YamuxType::window_update, 0, stream, 0xffffffff);
  }
};

// A first frame that is longer than any window.
class SynOversize final : public Attack {
 public:
  void on_secured(WirePeer& peer) override {
    const std::uint32_t length = net::yamux_initial_window_bytes + 1;
    peer.send_frame(net::YamuxType::data, net::yamux_syn, peer.next_stream(), length,
                    std::string(length, 'x'));
  }
};

// Fills the first window of as many streams as it may have, with what nobody takes: pings whose echo it does
// not read.
class WindowsFilled final : public Attack {
 public:
  void on_secured(WirePeer& peer) override { peer.reads = false; }
  void act(WirePeer& peer) override {
    if (peer.steps++ > 64) return;
    const std::uint32_t stream = peer.open(net::ping_protocol);
    for (int n = 0; n < 15; ++n) peer.send_data(stream, std::string(16 * 1024, 'x'));
  }
};

// Makes the windows of its streams grow by filling each as soon as it is granted; then it reads no more
// echoes, so that nothing is taken, and sends all that it may.
class WindowsGrow final : public Attack {
 public:
  void on_secured(WirePeer& peer) override {
    State& state = states_[&peer];
    for (Stream& stream : state.streams) stream = {peer.open(net::ping_protocol)};
    state.rounds = 0;
  }
  void act(WirePeer& peer) override {
    State& state = states_[&peer];
    for (Stream& stream : state.streams) {
      for (int n = 0; n < 4 && stream.credit >= piece_bytes; ++n) {
        peer.send_data(stream.id, std::string(piece_bytes, 'x'));
        stream.credit -= piece_bytes;
      }
    }
    if (!peer.reads && ++state.rounds > rounds_held) peer.close();
  }
  void on_answer(WirePeer& peer, const net::YamuxHeader& header, std::string_view) override {
    if (header.type != net::YamuxType::window_update) return;
    for (Stream& stream : states_[&peer].streams) {
      if (stream.id != header.stream) continue;
      stream.credit += header.length;
      stream.granted += header.length;
      std::uint64_t& largest = peer.totals().counted["largest_grant"];
      largest = std::max<std::uint64_t>(largest, header.length);
      if (stream.granted < granted_bytes || !peer.reads) continue;
      peer.reads = false;
      ++peer.totals().counted["windows_left_full"];
    }
  }

 private:
  static constexpr std::uint32_t piece_bytes = 16 * 1024;
  static constexpr std::uint32_t granted_bytes = 1024 * 1024;
  static constexpr int rounds_held = 600;
  struct Stream {
    std::uint32_t id = 0;
    std::uint32_t credit = net::yamux_initial_window_bytes;
    std::uint32_t granted = 0;
  };
  struct State {
    std::array<Stream, 2> streams;
    int rounds = 0;
  };
  std::map<WirePeer*, State> states_;
};

// A frame of 64 KiB is announced, and a third of it sent; then silence.
class StalledFrames final : public Attack {
 public:
  void on_secured(WirePeer& peer) override { peer.send_raw("\xff\xff" + std::string(20 * 1024, 'x')); }
};

// The identity is an RSA key of so many bits, with an exponent as long.
class LargeRsa final : public Attack {
 public:
  explicit LargeRsa(std::size_t bits) : bytes_(bits / 8) {}
  std::shared_ptr<Identity> identity(SeededRandom& random) override {
    auto identity = std::make_shared<Identity>(random);
    const std::string key = bitswap::number_field(1, 0) + bitswap::bytes_field(2, public_key());
    identity->noise.payload =
        net::encode_noise_payload(as_bytes(key), as_bytes(std::string(bytes_, 's')), net::muxer_protocol);
    return identity;
  }

 private:
  static std::string der(char tag, std::string_view content) {
    std::string out(1, tag);
    const std::size_t size = content.size();
    if (size >= 0x80) out += size > 0xff ? '\x82' : '\x81';
    if (size > 0xff) out += static_cast<char>(size >> 8);
    return out + static_cast<char>(size) + std::string(content);
  }
  std::string public_key() const {
    const std::string number = std::string(1, '\0') + std::string(bytes_ - 1, '\xf1') + '\xf1';
    const std::string key = der('\x30', der('\x02', number) + der('\x02', number));
    static constexpr std::string_view algorithm(
        "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15);
    return der('\x30', std::string(algorithm) + der('\x03', std::string(1, '\0') + key));
  }
  const std::size_t bytes_;
};

}  // namespace

std::span<const AttackEntry> connection_attacks() {
  static const auto entries = std::to_array<AttackEntry>({
      {"silent-connections", 1500, make_attack<SilentConnections>},
      {"slow-handshake", 300, make_attack<SlowHandshake>},
      {"sybil-connections", 1000, make_attack<SybilConnections>},
      {"connection-churn", 60, make_attack<ConnectionChurn>},
      {"stream-flood", 8, make_attack<StreamFlood>},
      {"half-negotiations", 40, make_attack<HalfNegotiations>},
      {"yamux-pings-never-read", 20, make_attack<YamuxPings>},
      {"yamux-window-overflow", 8, make_attack<WindowOverflow>},
      {"yamux-syn-oversize", 8, make_attack<SynOversize>},
      {"yamux-windows-filled", 64, make_attack<WindowsFilled>},
      {"yamux-windows-grow", 32, make_attack<WindowsGrow>},
      {"noise-stalled-frames", 400, make_attack<StalledFrames>},
      {"rsa-8192", 30, make_attack<LargeRsa, 8192>},
      {"rsa-16384", 30, make_attack<LargeRsa, 16384>},
  });
  return entries;
}

}  // namespace masu::attack
