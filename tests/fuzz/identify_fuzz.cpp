// What a peer says of itself, in pieces of any size: whatever the bytes, what is kept is well-formed and
// bounded, and everything is given back.
#include "net/identify/identify_reader.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/net/peers.hpp"

#include <cstdlib>

using namespace masu;
using namespace masu::net;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void read(FuzzInput& input, ChunkPool& chunks, TestMemory& memory, TextTable& texts) {
  const Multiaddr remotes[] = {address("/ip4/127.0.0.1/tcp/1"), address("/ip4/192.168.1.2/tcp/1"),
                               address("/ip4/8.8.8.8/tcp/1"), Multiaddr()};
  IdentifyReader reader(chunks, memory.account, texts, peer_number(1), remotes[input.byte() % 4]);
  while (!input.empty()) {
    const std::uint8_t piece = input.byte();
    if (!reader.on_bytes(input.take(piece < 200 ? piece : piece * 64u))) return;
  }
  if (!reader.on_end()) return;
  const IdentifyInfo& info = reader.info();
  require(info.protocol_count <= IdentifyInfo::protocols_max);
  require(info.agent().size() <= TextTable::text_bytes_max);
  for (const char c : info.agent()) require(c >= 0x20 && c < 0x7f);
  std::array<MultiaddrView, PackedAddresses::addresses_max> views;
  for (const MultiaddrView& view : info.addresses.views(views)) {
    const auto again = MultiaddrView::decode(view.bytes());
    require(again && *again == view);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  TestMemory memory;
  ChunkPool chunks(memory.account, 4);
  {
    TextTable texts(memory.account, memory.resource, memory.secret, 64);
    read(input, chunks, memory, texts);
    require(texts.size() == 0);
  }
  require(chunks.stats().used == 0);
  return 0;
}
