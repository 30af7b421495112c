// The handshake from any bytes, in both roles: raw bytes instead of messages, damaged messages, and (what
// only the holder of keys can send) any payload inside of a good message, any lines behind it.
#include "net/security/noise_payload.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/net/raw_peer.hpp"

#include <cstdlib>

using namespace masu;
using namespace masu::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  const std::uint8_t mode = input.byte();
  TestNode node(1);
  {
    RawPeer peer(node, 2, (mode & 1) != 0);
    peer.segment_max = (mode & 2) != 0 ? 1 + input.byte() : 16384;
    switch (mode >> 2 & 3) {
      case 0:  // raw bytes from some place of the transcript on
        peer.send_limit = input.word() % 512;
        peer.run();
        peer.send_limit = ~std::size_t{0};
        peer.wire_out.assign(as_text(input.rest()));
        break;
      case 1: peer.flip_at = input.word() % 1024; break;
      case 2:
        (void)decode_noise_payload(Bytes(data, size), "/yamux/1.0.0");
        peer.identity.payload.assign(data + std::min<std::size_t>(size, 2), data + size);
        if (peer.identity.payload.size() > 6000) return 0;
        break;
      default: {  // the muxer is negotiated in lines from the input
        const auto payload = decode_noise_payload(peer.identity.payload, "/yamux/1.0.0");
        peer.identity.payload.resize(4 + payload->identity_key.size() + payload->identity_signature.size());
        peer.run();
        while (!input.empty()) peer.send(as_text(input.take(1 + input.byte())));
      }
    }
    peer.run();
    peer.advance(16s);
    const bool open = peer.connection().established();
    if (!open && !peer.end.ended) std::abort();
    if (!open && peer.node.resources.upgrades().used() != 0) std::abort();
  }
  if (!node.all_given_back()) std::abort();
  return 0;
}
