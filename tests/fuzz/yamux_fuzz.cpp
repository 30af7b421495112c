// Any plaintext behind a good handshake: yamux frames and stream negotiations from a peer that keeps no
// rules. Whatever comes, the caps hold, and everything is given back at the end.
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/net/raw_peer.hpp"

#include <cstdlib>

using namespace masu;
using namespace masu::net;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(RawPeer& peer) {
  const ConnectionLimits& limits = peer.node.resources.limits();
  const ConnectionStats stats = peer.connection().stats();
  require(stats.streams_inbound <= limits.inbound_streams_each);
  require(stats.received_held_bytes <= limits.received_bytes_each + frame_chunks_max * 2 * chunk_bytes);
  require(stats.output_held_bytes <= 8 * chunk_bytes);
  require(peer.node.resources.partial_lines().used() <= limits.partial_lines);
}

// A frame that is nearly right, so that the fuzzer need not find headers by itself.
void send_frame(RawPeer& peer, FuzzInput& input) {
  const std::uint8_t kind = input.byte();
  const std::uint32_t stream = input.byte() % 16;
  const std::uint16_t flags = kind >> 4;
  switch (kind & 3) {
    case 0: peer.send_data(stream, as_text(input.take(input.byte())), flags); break;
    case 1:
      peer.send_frame(YamuxType::window_update, flags, stream, input.word() << (kind >> 2 & 3) * 5);
      break;
    case 2:
      peer.open(stream | 1, (flags & 1) != 0 ? "/echo/1.0.0" : "/sink/1.0.0", as_text(input.take(flags)));
      break;
    default: peer.send_frame(static_cast<YamuxType>(kind >> 2 & 7), flags, stream, input.word(), {});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const std::uint8_t mode = input.byte();
  ConnectionLimits limits;
  limits.inbound_streams_each = 6;
  limits.partial_lines = 3;
  TestNode node(1, limits, 64);
  {
    RawPeer peer(node, 2, (mode & 1) != 0);
    peer.segment_max = (mode & 2) != 0 ? 1 + input.byte() : 16384;
    const std::uint8_t handlers = input.byte();
    peer.end.on_new_handler = [&](TestHandler& handler) {
      handler.close_after_peer = (handlers & 1) != 0;
      if ((handlers & 2) != 0) handler.take_max = handlers >> 3;
    };
    std::deque<TestHandler> clients;
    peer.run();
    require(peer.connection().established());
    if ((mode & 4) != 0) {
      peer.send(as_text(input.rest()));
      peer.run();
    }
    while (!input.empty() && !peer.end.ended) {
      switch (input.byte() % 8) {
        case 0: peer.advance(std::chrono::milliseconds(input.byte() * 50)); break;
        case 1: peer.reads = !peer.reads; break;
        case 2:
          if (clients.size() < 8 &&
              !peer.connection().open_stream(echo_protocol, clients.emplace_back(), (mode & 8) != 0)) {
            clients.pop_back();
          }
          break;
        case 3:
          for (TestHandler& handler : peer.end.inbound) {
            if (handler.stream != nullptr) handler.stream->resume_reading();
          }
          break;
        case 4:
          for (TestHandler& handler : clients) handler.send("text");
          break;
        default: send_frame(peer, input);
      }
      peer.run();
      check(peer);
    }
    peer.end.connection->close();
    peer.advance(2s);
    require(peer.end.ended.has_value());
    for (const TestHandler& handler : clients) require(handler.end.has_value());
  }
  require(node.all_given_back());
  return 0;
}
