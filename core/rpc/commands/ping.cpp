// `ping`: round trips to a peer.

#include "net/ping.hpp"

#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/network.hpp"

#include <array>
#include <cstdio>
#include <optional>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

constexpr auto ping_options = std::to_array<OptionSpec>({
    {"count", "n", OptionType::integer, "10", "Number of ping messages to send."},
});

constexpr auto ping_arguments = std::to_array<ArgumentSpec>({
    {.name = "peer ID",
     .required = true,
     .variadic = true,
     .accepts_stdin = true,
     .help = "ID of peer to be pinged."},
});

struct PingOutcome {
  std::optional<Duration> round_trip;
  std::string error;
};

// Pings one peer over one stream, one after another.
class AwaitedPings final : private net::PingHandler, private net::Timer {
 public:
  AwaitedPings(Call& call, const PeerId& peer) : call_(call), peer_(peer) {}
  ~AwaitedPings() override { call_.node().ping()->forget(*this); }

  Completion<PingOutcome>& next() {
    done_.emplace();
    if (!call_.node().ping()->ping(peer_, *this)) {
      done_->complete({std::nullopt, "too many pings are under way"});
    } else {
      call_.node().timers().arm(*this, call_.node().clock().now() + look_interval);
    }
    return *done_;
  }

 private:
  static constexpr Duration look_interval = 250ms;

  void on_pong(const PeerId&, Duration round_trip) override {
    cancel();
    done_->complete({round_trip, {}});
  }
  void on_ping_failed(const PeerId&, std::string_view why) override {
    cancel();
    if (done_ && !done_->completed()) done_->complete({std::nullopt, std::string(why)});
  }
  void on_timer(TimePoint now) override {
    if (!call_.stopped()) return call_.node().timers().arm(*this, now + look_interval);
    call_.node().ping()->forget(*this);
    done_->complete({std::nullopt, "context canceled"});
  }

  Call& call_;
  const PeerId peer_;
  std::optional<Completion<PingOutcome>> done_;
};

boost::json::object ping_value(bool success, std::int64_t nanos, std::string_view text) {
  return {{"Success", success}, {"Time", nanos}, {"Text", text}};
}

std::string average_text(Duration total, int count) {
  std::array<char, 64> text;
  const double millis = std::chrono::duration<double, std::milli>(total).count() / count;
  std::snprintf(text.data(), text.size(), "Average latency: %.2fms", millis);
  return text.data();
}

// Pings, a second apart; emits each. The error: none came back.
Task<CommandResult> ping_peer(TaskMemory memory, Call& call, PeerId peer, std::int64_t count) {
  AwaitedPings pings(call, peer);
  TimePoint tick = call.node().clock().now();
  Duration total{};
  int answered = 0;
  for (std::int64_t n = 0; n < count && !call.stopped(); ++n) {
    const PingOutcome outcome = co_await pings.next();
    const boost::json::value value = outcome.round_trip
                                         ? ping_value(true, outcome.round_trip->count(), {})
                                         : ping_value(false, 0, "Ping error: " + outcome.error);
    const bool listening = co_await call.emit(memory, value);
    if (!listening || !outcome.round_trip) break;
    ++answered;
    total += *outcome.round_trip;
    tick += 1s;
    Pause pause(call, tick);
    co_await pause;
  }
  if (answered == 0) co_return fail("ping failed");
  const boost::json::value value = ping_value(true, 0, average_text(total, answered));
  co_await call.emit(memory, value);
  co_return CommandResult();
}

Task<CommandResult> run_ping(TaskMemory memory, Call& call) {
  net::Swarm* swarm = call.node().swarm();
  if (swarm == nullptr) co_return fail(std::string(command_offline));
  const std::string& wanted = call.arguments()[0];
  const auto target = parse_peer_or_address(wanted);
  if (!target) co_return fail("failed to parse peer address '" + wanted + "': " + target.error());
  const PeerId peer = target->peer;
  if (peer == swarm->self()) co_return fail("error: can't ping self");
  if (!target->address.empty()) {
    swarm->peerstore().add_address(peer, target->address, net::AddressTtl::temporary, swarm->now());
  }
  const std::int64_t count = call.integer("count").value_or(0);
  if (count <= 0) co_return fail("ping count must be greater than 0, was " + std::to_string(count));

  bool known = swarm->connected(peer);
  swarm->peerstore().for_each_address(peer, swarm->now(),
                                      [&](const MultiaddrView&, net::AddressTtl) { known = true; });
  if (!known) {
    const boost::json::value looking = ping_value(true, 0, "Looking up peer " + peer.to_string());
    co_await call.emit(memory, looking);
    co_return fail("peer lookup failed: routing: not found");
  }
  const boost::json::value begins = ping_value(true, 0, "PING " + peer.to_string() + ".");
  co_await call.emit(memory, begins);

  std::vector<Multiaddr> given;
  if (!target->address.empty()) given.push_back(target->address);
  AwaitedDial dial(call, peer, given);
  const std::string error = co_await dial;
  if (!error.empty()) {
    const boost::json::value failed = ping_value(false, 0, "Ping error: failed to dial: " + error);
    co_await call.emit(memory, failed);
    co_return fail("ping failed");
  }
  co_return co_await ping_peer(memory, call, peer, count);
}

void ping_text(const boost::json::value& value, const Call&, std::string& out) {
  const boost::json::object& ping = value.as_object();
  if (const auto& text = ping.at("Text").as_string(); !text.empty()) {
    out.append(text).append("\n");
  } else if (ping.at("Success").as_bool()) {
    std::array<char, 64> line;
    std::snprintf(line.data(), line.size(), "Pong received: time=%.2f ms\n",
                  static_cast<double>(ping.at("Time").as_int64()) / 1e6);
    out += line.data();
  } else {
    out += "Pong failed\n";
  }
}

}  // namespace

constexpr CommandSpec ping{.path = "ping",
                           .tagline = "Send echo request packets to IPFS hosts.",
                           .description =
                               "'masu ping' is a tool to test sending data to other nodes. It finds nodes "
                               "via the routing system, sends pings, waits for pongs, and prints out "
                               "round-trip latency information.",
                           .options = ping_options,
                           .arguments = ping_arguments,
                           .run = run_ping,
                           .text = ping_text};

}  // namespace masu::core::rpc::commands
