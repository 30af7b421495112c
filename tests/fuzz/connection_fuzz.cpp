// Sequences of operations on two honest connections joined by a link of moods: streams opened, written,
// slowly read, reset and released from both sides, memory taken away and given back, time passing. What
// arrives is what was sent, no handler is forgotten, and everything is given back at the end.
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/net/connection_pair.hpp"

#include <array>
#include <cstdlib>

using namespace masu;
using namespace masu::net;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Client {
  TestHandler handler;
  std::string sent;
  bool dropped = false;  // reset or released: it is told nothing any more
};

class Run {
 public:
  Run(FuzzInput& input, TestNode& a, TestNode& b) : input_(input), nodes_{&a, &b}, pair_(a, b) {
    pair_.segment_max = input.byte() * 64;
    pair_.to_listener.capacity = 1000 + input.word();
    pair_.to_dialer.capacity = 1000 + input.word();
    const std::uint8_t delay = input.byte();
    pair_.to_listener.delay = pair_.to_dialer.delay = std::chrono::milliseconds(delay % 64);
    pair_.advance(1s);
    require(pair_.established());
  }

  void step() {
    const std::uint8_t what = input_.byte();
    TestEnd& end = (what & 0x80) != 0 ? pair_.listener : pair_.dialer;
    switch (what & 15) {
      case 0:
      case 1: open(end, (what & 0x40) != 0, (what & 0x20) != 0); break;
      case 2:
      case 3:
        if (Client* client = pick()) send(*client);
        break;
      case 4:
        if (Client* client = pick()) client->handler.close_when_sent();
        break;
      case 5:
        if (Client* client = pick()) drop(*client, (what & 0x40) != 0);
        break;
      case 6: set_pace(end, input_.byte()); break;
      case 7: resume(end); break;
      case 8: hog(*nodes_[what >> 7], input_.byte()); break;
      case 9: hogs_.clear(); break;
      case 10: pair_.to_listener.frozen = !pair_.to_listener.frozen; break;
      case 11: pair_.to_dialer.frozen = !pair_.to_dialer.frozen; break;
      case 12: pair_.advance(std::chrono::milliseconds(input_.byte() * 20)); break;
      case 13:
        if (what == 0xcd) end.connection->close();
        break;
      default: pair_.run();
    }
  }

  void finish() {
    hogs_.clear();
    pair_.dialer.connection->close();
    pair_.listener.connection->close();
    pair_.advance(3s);
    require(pair_.dialer.ended.has_value() && pair_.listener.ended.has_value());
    for (Client& client : clients_) {
      require(client.dropped || client.handler.end.has_value());
      require(client.sent.starts_with(client.handler.received));
      if (client.handler.end == StreamEnd::finished) require(client.handler.received == client.sent);
    }
  }

 private:
  Client* pick() { return clients_.empty() ? nullptr : &clients_[input_.byte() % clients_.size()]; }

  void open(TestEnd& end, bool lazy, bool echo) {
    if (clients_.size() >= 24 || !end.connection->established()) return;
    Client& client = clients_.emplace_back();
    client.dropped = !echo;  // a sink's answers are not compared
    static constexpr std::array<std::string_view, 2> choices = {"/none/1.0.0", "/echo/1.0.0"};
    const std::span<const std::string_view> protocols =
        lazy ? std::span(choices).last(1) : std::span(choices);
    if (!end.connection->open_stream(protocols, client.handler, lazy)) clients_.pop_back();
  }

  void send(Client& client) {
    if (client.handler.end || client.handler.closing()) return;
    const std::string text = pattern(input_.word(), clients_.size());
    client.sent += text;
    client.handler.send(text);
  }

  void drop(Client& client, bool release) {
    Stream* stream = std::exchange(client.handler.stream, nullptr);
    if (stream == nullptr) return;
    client.dropped = true;
    release ? stream->release() : stream->reset();
  }

  void set_pace(TestEnd& end, std::uint8_t pace) {
    for (TestHandler& handler : end.inbound) handler.take_max = pace == 0 ? ~std::size_t{0} : pace * 100u;
  }

  void resume(TestEnd& end) {
    for (TestHandler& handler : end.inbound) {
      if (handler.stream != nullptr) handler.stream->resume_reading();
    }
  }

  void hog(TestNode& node, std::size_t chunks) {
    while (chunks-- > 0) {
      if (Chunk chunk = node.chunks.take(node.pool_account)) hogs_.push_back(std::move(chunk));
    }
  }

  FuzzInput& input_;
  std::array<TestNode*, 2> nodes_;
  std::deque<Client> clients_;
  std::vector<Chunk> hogs_;
  Pair pair_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  TestNode a(1, {}, 64), b(2, {}, 64);
  {
    Run run(input, a, b);
    for (int steps = 0; !input.empty() && steps < 400; ++steps) run.step();
    run.finish();
  }
  require(a.all_given_back() && b.all_given_back());
  return 0;
}
