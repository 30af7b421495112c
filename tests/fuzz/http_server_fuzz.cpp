// Clients of a server that send parts of requests, pause, read or do not, and go away, while handlers wait
// and chunks run out, in any order: answers begin as answers, the caps hold, the server closes in time, and
// all memory comes back.
#include "alloc/chunk_pool.hpp"
#include "alloc/completion.hpp"
#include "http/server.hpp"
#include "http/socket.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <list>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <sys/socket.h>

using namespace masu;
using namespace masu::http;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::array<std::string_view, 20> phrases = {
    "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\n",
    "POST /count HTTP/1.1\r\nHost: a\r\n",
    "POST /wait HTTP/1.1\r\nHost: a\r\n",
    "GET /much HTTP/1.1\r\nHost: a\r\n",
    "GET /cut HTTP/1.0\r\n",
    "POST /early HTTP/1.1\r\nHost: a\r\n",
    "GET /greedy HTTP/1.1\r\nHost: a\r\n",
    "Content-Length: 20\r\n",
    "Content-Length: 70000\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Expect: 100-continue\r\n",
    "Connection: close\r\n",
    "\r\n",
    "5\r\nhello\r\n",
    "4000\r\n",
    "0\r\n\r\n",
    "0\r\nX: y\r\n\r\n",
    "zz\r\n",
    "01234567890123456789",
};

// What the target says: read, answer, wait, or both at once.
class FuzzHandler final : public Handler {
 public:
  FuzzHandler(ChunkPool& chunks, Account& holder) : chunks_(chunks), holder_(holder) {}

  Task<void> handle(TaskMemory memory, Exchange& exchange) override {
    const std::string_view path = exchange.path();
    if (path == "/echo") return echo(memory, exchange);
    if (path == "/count") return count(memory, exchange);
    if (path == "/wait") return wait(memory, exchange);
    if (path == "/much") return much(memory, exchange);
    if (path == "/cut") return cut(memory, exchange);
    if (path == "/greedy") return greedy(memory, exchange);
    return early(memory, exchange);
  }
  // Those who wait go on.
  void go_on() {
    while (Waiting* waiting = waiting_.pop_front()) waiting->done.complete(true);
  }

 private:
  struct Waiting final : IntrusiveListNode<Waiting>, GoneListener {
    explicit Waiting(Exchange& its_exchange) : exchange(its_exchange) { exchange.set_gone_listener(this); }
    ~Waiting() { exchange.set_gone_listener(nullptr); }
    void on_gone() override {
      if (!linked()) return;
      unlink();
      done.complete(true);
    }
    Exchange& exchange;
    Completion<bool> done;
  };

  Task<void> echo(TaskMemory memory, Exchange& exchange) {
    exchange.start(200);
    for (;;) {
      auto part = co_await exchange.read_body(memory, holder_);
      if (!part) exchange.abort();
      if (!part || part->empty()) co_return;
      const bool on = co_await exchange.write_chain(memory, std::move(*part));
      if (!on) co_return;
    }
  }
  Task<void> count(TaskMemory memory, Exchange& exchange) {
    std::size_t sum = 0;
    for (;;) {
      auto part = co_await exchange.read_body(memory, holder_);
      if (!part) {
        co_await exchange.respond(memory, 400, "text/plain", name_of(part.error()));
        co_return;
      }
      if (part->empty()) break;
      sum += part->size();
    }
    const std::string text = std::to_string(sum);
    co_await exchange.respond(memory, 200, "text/plain", text);
  }
  Task<void> wait(TaskMemory memory, Exchange& exchange) {
    {
      Waiting waiting(exchange);
      waiting_.push_back(waiting);
      co_await waiting.done;
    }
    co_await exchange.respond(memory, 200, "text/plain", "waited");
  }
  Task<void> much(TaskMemory memory, Exchange& exchange) {
    exchange.start(200);
    for (int part = 0; part < 20; ++part) {
      Chunk chunk = chunks_.take(holder_);
      if (!chunk) co_return;
      chunk.fill(chunk.space().size());
      ChunkChain chain;
      chain.append(std::move(chunk));
      const bool on = co_await exchange.write_chain(memory, std::move(chain));
      if (!on) co_return;
    }
  }
  Task<void> cut(TaskMemory memory, Exchange& exchange) {
    exchange.start(200);
    co_await exchange.write(memory, as_bytes("half"));
    exchange.abort();
  }
  Task<void> greedy(TaskMemory memory, Exchange&) {
    std::pmr::string text(&memory.resource());
    for (;;) text.append(4096, 'x');
    co_return;
  }
  Task<void> early(TaskMemory memory, Exchange& exchange) {
    co_await exchange.respond(memory, 400, "text/plain", "no\n");
  }

  ChunkPool& chunks_;
  Account& holder_;
  IntrusiveList<Waiting> waiting_;
};

struct Client {
  FileHandle fd;
  std::string received;

  void send(std::string_view text) {
    static_cast<void>(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  }
  void receive() {
    std::array<char, 32768> bytes;
    const ssize_t got = ::recv(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0 && received.size() < 12)
      received.append(bytes.data(), std::min<std::size_t>(static_cast<std::size_t>(got), 12));
    constexpr std::string_view begin = "HTTP/1.1 ";
    const std::size_t size = std::min(begin.size(), received.size());
    require(received.substr(0, size) == begin.substr(0, size));
  }
};

class World {
 public:
  ~World() { end(); }

  void step(FuzzInput& input) {
    const std::uint8_t what = input.byte();
    Client* client = clients_.empty()
                         ? nullptr
                         : &*std::next(clients_.begin(), what / 16 % static_cast<int>(clients_.size()));
    switch (what % 16) {
      case 0: return connect();
      case 1:
      case 2:
      case 3:
      case 4:
        if (client != nullptr) client->send(phrases[input.byte() % phrases.size()]);
        return poll();
      case 5: {
        const Bytes bytes = input.take(input.byte() % 32);
        if (client != nullptr) client->send(as_text(bytes));
        return poll();
      }
      case 6:
        if (client != nullptr) client->send(std::string(input.byte() * 256u, 'x'));
        return;
      case 7:
      case 8:
        if (client != nullptr) client->receive();
        return poll();
      case 9:
        if (client != nullptr) ::shutdown(client->fd.get(), SHUT_WR);
        return;
      case 10:
        if (client != nullptr) std::erase_if(clients_, [&](const Client& one) { return &one == client; });
        return;
      case 11: handler_.go_on(); return poll();
      case 12:
        for (int count = what / 16; count >= 0 && held_.size() < 8; --count)
          if (Chunk chunk = chunks_.take(others_)) held_.push_back(std::move(chunk));
        return;
      case 13: held_.clear(); return poll();
      case 14: server_.crowd_tick(); return poll();
      default:
        for (int count = what / 16; count >= 0; --count) server_.tick();
        return poll();
    }
  }
  void check() const {
    const ServerStats stats = server_.stats();
    require(stats.connections <= options.connections_max && stats.active <= stats.connections);
    budget_.for_each_account(
        [](const Account& account) { require(account.live_bytes() <= account.quota_bytes()); });
  }

 private:
  static constexpr ServerOptions options{
      .connections_max = 3, .headers_bytes_max = 1024, .target_bytes_max = 256};

  void connect() {
    int ends[2];
    if (clients_.size() == 5 || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) return;
    FileHandle ours(ends[1]);
    if (server_.adopt(ends[0])) {
      clients_.push_back({std::move(ours), {}});
    } else {
      const FileHandle refused(ends[0]);
    }
    poll();
  }
  void poll() {
    context_.restart();
    for (int turns = 0; turns < 100 && context_.poll() > 0; ++turns) {
    }
  }
  void end() {
    held_.clear();
    server_.close();
    for (int seconds = 0; seconds < 200 && !server_.closed(); ++seconds) {
      handler_.go_on();
      server_.tick();
      // Who waits for a chunk is told by a timer.
      context_.restart();
      context_.run_for(std::chrono::milliseconds(seconds < 5 ? 0 : 1));
    }
    require(server_.closed());
    clients_.clear();
    require(requests_.live_bytes() == 0 && bodies_.live_bytes() == 0 && chunks_.stats().used == 0);
  }

  boost::asio::io_context context_{1};
  Budget budget_{"fuzz", std::size_t{8} << 20};
  Account pool_{budget_, "chunks", Lifetime::block, 0};
  Account requests_{budget_, "http.request", Lifetime::request, std::size_t{64} << 10};
  Account bodies_{budget_, "http.body", Lifetime::request, 8 * chunk_bytes};
  Account others_{budget_, "others", Lifetime::request, 8 * chunk_bytes};
  ChunkPool chunks_{pool_, 8};
  FuzzHandler handler_{chunks_, bodies_};
  Server server_{context_, chunks_, requests_, handler_, options};
  std::list<Client> clients_;
  std::vector<Chunk> held_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  World world;
  for (int steps = 0; !input.empty() && steps < 200; ++steps) {
    world.step(input);
    world.check();
  }
  return 0;
}
