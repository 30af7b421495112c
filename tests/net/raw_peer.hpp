// Fixture: a peer that keeps no rules. It shakes hands properly (or with the identity it is given), then
// sends whatever bytes a test wants, sealed, to one connection under test, and shows what came back.
#pragma once

#include "net/muxer/yamux_frame.hpp"
#include "net/security/noise_handshake.hpp"
#include "tests/net/connection_pair.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace masu::net {

struct RawFrame {
  YamuxHeader header;
  std::string body;
};

class RawPeer {
 public:
  // Dials `victim`, whose end listens; or, `listens`, is dialled by it.
  RawPeer(TestNode& victim, std::uint64_t seed = 99, bool listens = false);

  // Everything until both sides are secured and the victim is established (when it accepts).
  void shake_hands();
  // The same, but only up to the handshake's first message.
  void run_lines_only();
  // Moves bytes until nothing moves.
  void run();
  void advance(Duration duration);

  // Queues sealed plaintext: one Noise frame for each 60,000 bytes.
  void send(std::string_view plaintext);
  void send_frame(YamuxType type, std::uint16_t flags, std::uint32_t stream, std::uint32_t length,
                  std::string_view body = {});
  void send_data(std::uint32_t stream, std::string_view body, std::uint16_t flags = 0);
  // Header, proposal and payload in one segment.
  void open(std::uint32_t stream, std::string_view protocol, std::string_view payload = {});
  void send_raw(std::string_view bytes) { wire_out += bytes; }

  // Frames the victim sent since the last call (as far as they are complete).
  std::vector<RawFrame> take_frames();
  std::optional<YamuxHeader> find_frame(YamuxType type, std::uint16_t flags, std::uint32_t stream);
  Connection& connection() { return *end.connection; }

  TestNode& node;
  SeededRandom random;
  PrivateKey key;
  NoiseIdentity identity;
  TimePoint now = TimePoint(1000s);
  TestEnd end;
  bool reads = true;                         // takes what the victim has to send
  std::size_t segment_max = 16384;           // bytes given to one read of the victim
  std::size_t send_limit = ~std::size_t{0};  // bytes given to it in all
  std::optional<std::size_t> flip_at;        // the byte of the transcript that is damaged
  std::string expected_lines;                // what the victim says before the handshake
  std::string wire_out;                      // to the victim
  std::string wire_in;                       // from it, not opened yet
  std::string plain_in;                      // opened
  bool secured = false;
  std::optional<NoiseError> error;

 private:
  void shake();
  bool write_to_victim();
  bool read_from_victim();
  void open_frames();

  const bool listens_;
  AeadContext aead_;
  std::optional<NoiseHandshake> noise_;
  CipherState seal_key_, open_key_;
  bool lines_done_ = false;
  bool lines_only_ = false;
  std::size_t given_ = 0;
};

}  // namespace masu::net
