// HTTP over loopback, the server in a thread of its own: bytes down, bytes up, small requests.
#include "http/client.hpp"
#include "http/server.hpp"

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/asio/io_context.hpp>

namespace {

using namespace masu;

// "/bytes?N" sends N bytes, anything else counts what comes.
class BenchHandler final : public http::Handler {
 public:
  BenchHandler(ChunkPool& chunks, Account& account) : chunks_(chunks), account_(account) {}

  Task<void> handle(TaskMemory memory, http::Exchange& exchange) override {
    if (exchange.path() == "/bytes") return bytes(memory, exchange);
    return count(memory, exchange);
  }

 private:
  Task<void> bytes(TaskMemory memory, http::Exchange& exchange) {
    exchange.start(200);
    std::size_t left = std::stoul(std::string(exchange.query()));
    while (left > 0) {
      ChunkChain chain;
      while (left > 0 && chain.chunks() < 16) {
        Chunk chunk = chunks_.take(account_);
        if (!chunk) break;
        const std::size_t now = std::min(left, chunk.space().size());
        chunk.fill(now);
        chain.append(std::move(chunk));
        left -= now;
      }
      const bool on = co_await exchange.write_chain(memory, std::move(chain));
      if (!on) co_return;
    }
  }
  Task<void> count(TaskMemory memory, http::Exchange& exchange) {
    std::size_t sum = 0;
    for (;;) {
      auto part = co_await exchange.read_body(memory, account_);
      if (!part || part->empty()) break;
      sum += part->size();
    }
    const std::string text = std::to_string(sum);
    co_await exchange.respond(memory, 200, "text/plain", text);
  }

  ChunkPool& chunks_;
  Account& account_;
};

class Served {
 public:
  explicit Served(const http::ServerOptions& options)
      : server_(context_, chunks_, account_, handler_, options),
        address_(server_.listen(Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value()).value()),
        thread_([this] { context_.run(); }) {}
  ~Served() {
    client.reset();
    context_.stop();
    thread_.join();
    server_.close();
    while (!server_.closed()) {
      context_.restart();
      context_.run_one();
    }
  }
  http::Client& connect() {
    if (!client || !client->reusable()) client.emplace(http::Client::connect(address_).value());
    return *client;
  }
  std::optional<http::Client> client;

 private:
  boost::asio::io_context context_{1};
  Budget budget_{"bench", std::size_t{64} << 20};
  Account pages_{budget_, "chunks", Lifetime::block, 0};
  Account account_{budget_, "http", Lifetime::request, std::size_t{16} << 20};
  ChunkPool chunks_{pages_, 512};
  BenchHandler handler_{chunks_, account_};
  http::Server server_;
  Multiaddr address_;
  std::thread thread_;
};

class NullSink final : public http::ResponseSink {
 public:
  bool on_head(const http::ResponseHead&) override { return true; }
  bool on_body(Bytes bytes) override {
    sum += bytes.size();
    return true;
  }
  bool on_trailer(std::string_view, std::string_view) override { return true; }
  std::size_t sum = 0;
};

class Repeat final : public http::BodySource {
 public:
  Repeat(Bytes piece, std::size_t times) : piece_(piece), times_(times) {}
  std::expected<http::BodyPiece, std::string> next() override {
    if (times_ == 0) return http::BodyPiece();
    --times_;
    return http::BodyPiece{.bytes = piece_};
  }

 private:
  Bytes piece_;
  std::size_t times_;
};

constexpr std::size_t transfer_bytes = std::size_t{64} << 20;

void http_down(benchmark::State& state) {
  http::ServerOptions options;
  options.small_socket_bytes = options.large_socket_bytes = static_cast<std::size_t>(state.range(0)) * 1024;
  Served served(options);
  for (auto _ : state) {
    NullSink sink;
    const bool done =
        served.connect()
            .exchange({.method = "GET", .target = "/bytes?" + std::to_string(transfer_bytes), .headers = {}},
                      sink)
            .has_value();
    if (!done || sink.sum != transfer_bytes) state.SkipWithError("not all came");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * transfer_bytes));
}
BENCHMARK(http_down)->Arg(16)->Arg(64)->UseRealTime();

void http_up(benchmark::State& state) {
  http::ServerOptions options;
  options.small_socket_bytes = options.large_socket_bytes = static_cast<std::size_t>(state.range(0)) * 1024;
  Served served(options);
  const std::vector<std::uint8_t> piece(256 * 1024, 'u');
  for (auto _ : state) {
    NullSink sink;
    Repeat body(piece, transfer_bytes / piece.size());
    const bool done =
        served.connect().exchange({.target = "/count", .headers = {}, .body = &body}, sink).has_value();
    if (!done) state.SkipWithError("refused");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * transfer_bytes));
}
BENCHMARK(http_up)->Arg(16)->Arg(64)->UseRealTime();

void http_round_trip(benchmark::State& state) {
  Served served({});
  for (auto _ : state) {
    NullSink sink;
    if (!served.connect().exchange({.target = "/count", .headers = {}}, sink)) state.SkipWithError("refused");
  }
}
BENCHMARK(http_round_trip)->UseRealTime();

}  // namespace
