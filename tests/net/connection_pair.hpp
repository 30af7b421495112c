// Fixture: connections without sockets. A TestNode has the memory and keys of a node, a TestEnd drives one
// Connection as its owner, and a Pair joins two ends by pipes in memory, with segment sizes, delays and
// kernel buffers of our choice, on a virtual clock.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "multiformats/key.hpp"
#include "multiformats/peer_id.hpp"
#include "net/connection.hpp"
#include "net/connection_resources.hpp"
#include "tests/seeded_random.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace masu::net {

struct TestNode {
  explicit TestNode(std::uint64_t seed, ConnectionLimits limits = {}, std::size_t pool_chunks = 512);
  TestNode(std::uint64_t seed, const PrivateKey& identity, ConnectionLimits limits = {},
           std::size_t pool_chunks = 512);

  PeerId peer() const { return PeerId::of(identity.public_key()); }
  // All chunks, streams and handshakes are back.
  bool all_given_back();

  SeededRandom random;
  PrivateKey identity;
  Budget budget{"test", 256 * 1024 * 1024};
  Account pool_account{budget, "chunks", Lifetime::process, 256 * 1024 * 1024};
  ChunkPool chunks;
  ConnectionResources resources;
};

// Records what happens to one stream, and acts on request.
class TestHandler final : public StreamHandler {
 public:
  TestHandler() = default;
  ~TestHandler() {
    if (stream != nullptr) stream->reset();
  }
  TestHandler(const TestHandler&) = delete;
  TestHandler& operator=(const TestHandler&) = delete;

  void on_open(Stream& stream) override;
  std::size_t on_data(Stream& stream, Bytes bytes) override;
  void on_writable(Stream& stream) override;
  void on_remote_close(Stream& stream) override;
  void on_closed(Stream* stream, StreamEnd end) override;

  // Queues bytes; they are written as the stream takes them.
  void send(std::string_view bytes);
  void close_when_sent();
  bool closing() const { return close_wanted_ || closed_; }

  Stream* stream = nullptr;  // between on_open() and on_closed()
  bool opened = false;
  bool remote_closed = false;
  std::optional<StreamEnd> end;
  std::string received;
  std::size_t received_bytes = 0;
  bool keep = true;                             // bytes in `received`
  std::size_t take_max = ~std::size_t{0};       // per upcall
  bool echo = false;                            // sends back what comes
  bool close_after_peer = true;                 // closes its half when the peer did
  std::function<void(Stream&)> at_open;         // called last in on_open()
  std::function<void(Stream&, Bytes)> at_data;  // called first in on_data()

 private:
  void push();
  std::string queue_;
  std::size_t queue_at_ = 0;
  bool close_wanted_ = false;
  bool closed_ = false;
};

class TestEnd final : public ConnectionOwner {
 public:
  TestEnd(TestNode& node, ConnectionRole role, std::optional<PeerId> expected, TimePoint now)
      : resources(node.resources), connection(std::in_place, node.resources, *this, role, expected, now) {}

  bool on_established(const PeerId& peer, const PublicKey& key) override {
    established_with = peer;
    established_key = key;
    return accepts;
  }
  std::string_view find_protocol(std::string_view protocol) override;
  StreamHandler* on_inbound_stream(std::string_view protocol) override;
  void on_stream_gone(std::string_view, bool) override { ++streams_gone; }
  void on_stream_bytes(std::string_view, std::size_t in, std::size_t out) override {
    stream_bytes_in += in;
    stream_bytes_out += out;
  }
  void on_connection_ended(ConnectionEnd how, std::string_view why) override {
    ended = how;
    detail = why;
  }
  void on_turn_wanted() override { turn_wanted = true; }
  bool is_peer_of_use() const override { return of_use; }

  ConnectionResources& resources;
  std::vector<std::string_view> serves = {"/echo/1.0.0", "/sink/1.0.0"};
  bool accepts = true;
  bool accepts_streams = true;
  bool of_use = false;
  std::function<void(TestHandler&)> on_new_handler;
  std::deque<TestHandler> inbound;  // handlers of inbound streams, in order
  std::optional<PeerId> established_with;
  std::optional<PublicKey> established_key;
  std::optional<ConnectionEnd> ended;
  std::string detail;
  int streams_gone = 0;
  std::uint64_t stream_bytes_in = 0;
  std::uint64_t stream_bytes_out = 0;
  bool turn_wanted = false;
  std::optional<Connection> connection;
};

// One direction of a link.
struct TestPipe {
  struct Segment {
    TimePoint at;
    std::string bytes;
  };
  std::deque<Segment> segments;
  std::size_t bytes = 0;
  std::size_t capacity = 256 * 1024;  // of the kernel's buffers
  Duration delay{};
  std::uint64_t total = 0;
  std::function<void(std::string&)> tamper;  // sees each piece that is sent
  bool frozen = false;                       // the reader does not read
};

class Pair {
 public:
  // The first end dials. `expected`: the listener's id unless another one is given.
  Pair(TestNode& dialing, TestNode& listening, std::optional<PeerId> expected = {});

  // Moves bytes until nothing moves any more, at this moment.
  void run();
  // Lets time pass, deadline by deadline.
  void advance(Duration duration);
  bool established() const { return dialer.connection->established() && listener.connection->established(); }
  // Bytes that one read takes at most, from 1; 0: random up to 4096.
  std::size_t segment_max = chunk_bytes;

  TimePoint now = TimePoint(1000s);
  TestPipe to_listener, to_dialer;
  TestEnd dialer, listener;

 private:
  bool move(TestEnd& end, TestPipe& out, TestPipe& in);
  bool write(TestEnd& end, TestPipe& out);
  bool read(TestEnd& end, TestPipe& in);
  std::mt19937_64 random_{7};
};

inline constexpr std::array<std::string_view, 1> echo_protocol = {"/echo/1.0.0"};
inline constexpr std::array<std::string_view, 1> sink_protocol = {"/sink/1.0.0"};

std::string pattern(std::size_t bytes, std::uint64_t seed = 1);

}  // namespace masu::net
