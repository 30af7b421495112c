// hostile: plays one attack against a masu that runs, over loopback TCP, for some seconds; then says what it
// did, as JSON.
//
//   hostile ATTACK --port=N [--api-port=N] [--seconds=8] [--connections=N] [--seed=N] [--held=CID]...
//   hostile --list
#include "multiformats/cid.hpp"
#include "tests/attack/attack.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <poll.h>
#include <sys/resource.h>

namespace masu::attack {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t unsent_bytes_max = 256 * 1024;  // then a connection waits

std::vector<AttackEntry> all_attacks() {
  std::vector<AttackEntry> all;
  for (const auto part : {connection_attacks(), protocol_attacks(), rpc_attacks()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

class Loop {
 public:
  Loop(Attack& attack, const Options& options, std::size_t connections)
      : attack_(attack), options_(options), random_(options.seed), wanted_(connections) {}

  void run() {
    const auto end = Clock::now() + std::chrono::duration<double>(options_.seconds);
    while (Clock::now() < end) {
      dial();
      wait();
      for (const auto& peer : peers_) {
        if (peer->ready() && !peer->closed() && peer->unsent() < unsent_bytes_max) attack_.act(*peer);
        if (peer->unsent() != 0) peer->on_poll(0, attack_);
      }
      std::erase_if(peers_, [](const auto& peer) { return peer->closed(); });
    }
  }
  const Totals& totals() const { return totals_; }

 private:
  void dial() {
    if (!attack_.reconnects() && totals_.dialled >= wanted_) return;
    for (std::size_t n = 0; n < attack_.dials_per_round() && peers_.size() < wanted_; ++n) {
      // From many addresses: 127.1.0.1 and upwards.
      const auto source = static_cast<std::uint32_t>(0x10001 + totals_.dialled % 4096);
      const auto speaks = attack_.on_api() ? WirePeer::Speaks::nothing : WirePeer::Speaks::noise;
      auto identity = attack_.on_api() ? nullptr : attack_.identity(random_);
      auto peer = std::make_unique<WirePeer>(attack_.on_api() ? options_.api_port : options_.port, source,
                                             speaks, std::move(identity), random_, totals_);
      if (peer->closed()) return;
      attack_.prepare(*peer);
      peers_.push_back(std::move(peer));
    }
  }

  void wait() {
    polled_.clear();
    for (const auto& peer : peers_) polled_.push_back({peer->socket(), peer->poll_events(), 0});
    ::poll(polled_.data(), polled_.size(), 5);
    for (std::size_t n = 0; n < polled_.size(); ++n) {
      if (polled_[n].revents != 0) peers_[n]->on_poll(polled_[n].revents, attack_);
    }
  }

  Attack& attack_;
  const Options& options_;
  SeededRandom random_;
  const std::size_t wanted_;
  Totals totals_;
  std::vector<std::unique_ptr<WirePeer>> peers_;
  std::vector<pollfd> polled_;
};

void print(const Totals& totals) {
  const auto number = [](const char* name, std::uint64_t value) {
    std::printf("\"%s\":%llu,", name, static_cast<unsigned long long>(value));
  };
  std::printf("{");
  number("dialled", totals.dialled);
  number("connected", totals.connected);
  number("secured", totals.secured);
  number("closed_by_victim", totals.closed_by_victim);
  number("bytes_sent", totals.bytes_sent);
  number("bytes_received", totals.bytes_received);
  number("frames_sent", totals.frames_sent);
  for (const auto& [name, value] : totals.counted) number(name.c_str(), value);
  std::printf("\"streams_reset\":%llu}\n", static_cast<unsigned long long>(totals.streams_reset));
}

bool read_option(std::string_view argument, Options& options) {
  const std::size_t equals = argument.find('=');
  if (equals == argument.npos) return false;
  const std::string_view name = argument.substr(0, equals);
  const std::string value(argument.substr(equals + 1));
  if (name == "--port") {
    options.port = static_cast<std::uint16_t>(std::atoi(value.c_str()));
  } else if (name == "--api-port") {
    options.api_port = static_cast<std::uint16_t>(std::atoi(value.c_str()));
  } else if (name == "--seconds") {
    options.seconds = std::atof(value.c_str());
  } else if (name == "--connections") {
    options.connections = std::strtoull(value.c_str(), nullptr, 10);
  } else if (name == "--seed") {
    options.seed = std::strtoull(value.c_str(), nullptr, 10);
  } else if (name == "--held") {
    const auto cid = Cid::parse(value);
    if (!cid) return false;
    options.held.emplace_back(as_text(cid->bytes()));
    options.held_text.push_back(value);
  } else {
    return false;
  }
  return true;
}

int run(int count, char** words) {
  const std::vector<AttackEntry> all = all_attacks();
  const std::string_view name = count > 1 ? words[1] : "";
  if (name == "--list") {
    for (const AttackEntry& entry : all) std::printf("%s\n", std::string(entry.name).c_str());
    return 0;
  }
  Options options;
  for (int n = 2; n < count; ++n) {
    if (!read_option(words[n], options)) {
      std::fprintf(stderr, "not understood: %s\n", words[n]);
      return 2;
    }
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  for (const AttackEntry& entry : all) {
    if (entry.name != name) continue;
    const auto attack = entry.make();
    attack->begin(options);
    Loop loop(*attack, options, options.connections != 0 ? options.connections : entry.connections);
    loop.run();
    print(loop.totals());
    return 0;
  }
  std::fprintf(stderr, "no such attack: %s\n", std::string(name).c_str());
  return 2;
}

}  // namespace
}  // namespace masu::attack

int main(int count, char** words) { return masu::attack::run(count, words); }
