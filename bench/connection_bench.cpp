// Connections on one core, both ends of them in this process and no sockets between: what Noise, yamux and
// the stream upcalls cost. A figure of stream bytes includes sealing at one end and opening at the other.
#include "net/connection.hpp"
#include "net/connection_resources.hpp"
#include "tests/seeded_random.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

namespace masu::net {
namespace {

constexpr std::array<std::string_view, 1> protocol = {"/bench/1.0.0"};

PrivateKey key_from(RandomSource& random) {
  std::array<std::uint8_t, PrivateKey::seed_bytes> seed;
  random.fill(seed);
  return PrivateKey::from_seed(seed);
}

struct Node {
  explicit Node(std::uint64_t seed) : random(seed), resources(budget, chunks, random, key_from(random), {}) {}
  SeededRandom random;
  Budget budget{"bench", 64 * 1024 * 1024};
  Account pool{budget, "chunks", Lifetime::process, 64 * 1024 * 1024};
  ChunkPool chunks{pool, 1024};
  ConnectionResources resources;
};

// Counts what comes, and writes `left` bytes in pieces of one size.
class Handler final : public StreamHandler {
 public:
  void on_open(Stream& stream) override {
    stream_ = &stream;
    push();
  }
  std::size_t on_data(Stream&, Bytes bytes) override {
    received += bytes.size();
    return bytes.size();
  }
  void on_writable(Stream&) override { push(); }
  void on_remote_close(Stream& stream) override { stream.close_write(); }
  void on_closed(Stream*, StreamEnd) override { stream_ = nullptr; }

  void send(std::size_t bytes, std::size_t piece_bytes) {
    left_ = bytes;
    piece_.resize(piece_bytes);
    if (stream_ != nullptr) push();
  }
  std::size_t received = 0;

 private:
  void push() {
    while (left_ > 0) {
      const Bytes piece = Bytes(piece_).first(std::min(left_, piece_.size()));
      const std::size_t written = stream_->write(piece);
      left_ -= written;
      if (written < piece.size()) return;
    }
  }
  Stream* stream_ = nullptr;
  std::size_t left_ = 0;
  std::vector<std::uint8_t> piece_;
};

class End final : public ConnectionOwner {
 public:
  End(Node& node, ConnectionRole role)
      : connection(node.resources, *this, role, std::nullopt, TimePoint(1s)) {}
  bool on_established(const PeerId&, const PublicKey&) override { return true; }
  std::string_view find_protocol(std::string_view) override { return protocol[0]; }
  StreamHandler* on_inbound_stream(std::string_view) override { return &inbound; }
  void on_stream_gone(std::string_view, bool) override {}
  void on_stream_bytes(std::string_view, std::size_t, std::size_t) override {}
  void on_connection_ended(ConnectionEnd, std::string_view) override {}
  void on_turn_wanted() override { turn_wanted = true; }

  Handler inbound;
  bool turn_wanted = false;
  Connection connection;
};

bool carry(End& from, End& to) {
  const TimePoint now(1s);
  bool moved = std::exchange(from.turn_wanted, false);
  if (moved) from.connection.turn(now);
  while (from.connection.wants_write() && to.connection.wants_read()) {
    const Bytes bytes = from.connection.bytes_to_send(now);
    if (bytes.empty()) break;
    Chunk chunk = to.connection.chunk_for_reading();
    if (!chunk) break;
    const std::size_t part = std::min(bytes.size(), chunk.space().size());
    std::memcpy(chunk.space().data(), bytes.data(), part);
    chunk.fill(part);
    from.connection.on_sent(part, now);
    to.connection.on_bytes(std::move(chunk), now);
    moved = true;
  }
  return moved;
}

void run(End& a, End& b) {
  while (carry(a, b) | carry(b, a)) {
  }
}

void stream_bytes(benchmark::State& state) {
  constexpr std::size_t round_bytes = 16 * 1024 * 1024;
  Node a(1), b(2);
  End dialer(a, ConnectionRole::dialer), listener(b, ConnectionRole::listener);
  run(dialer, listener);
  Handler client;
  if (!dialer.connection.open_stream(protocol, client, true)) return state.SkipWithError("no stream");
  for (auto _ : state) {
    client.send(round_bytes, static_cast<std::size_t>(state.range(0)));
    run(dialer, listener);
  }
  const auto sent = static_cast<std::size_t>(state.iterations()) * round_bytes;
  if (listener.inbound.received != sent) state.SkipWithError("bytes are missing");
  state.SetBytesProcessed(static_cast<std::int64_t>(sent));
}
BENCHMARK(stream_bytes)->Arg(1024)->Arg(16 * 1024)->Arg(64 * 1024)->Unit(benchmark::kMillisecond);

void round_trip(benchmark::State& state) {
  Node a(1), b(2);
  End dialer(a, ConnectionRole::dialer), listener(b, ConnectionRole::listener);
  run(dialer, listener);
  Handler client;
  if (!dialer.connection.open_stream(protocol, client, true)) return state.SkipWithError("no stream");
  for (auto _ : state) {
    client.send(32, 32);
    run(dialer, listener);
    listener.inbound.send(32, 32);
    run(dialer, listener);
  }
}
BENCHMARK(round_trip)->Unit(benchmark::kMicrosecond);

void handshake(benchmark::State& state) {
  Node a(1), b(2);
  for (auto _ : state) {
    End dialer(a, ConnectionRole::dialer), listener(b, ConnectionRole::listener);
    run(dialer, listener);
    if (!dialer.connection.established()) return state.SkipWithError("not established");
  }
}
BENCHMARK(handshake)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace masu::net
