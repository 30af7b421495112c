// `stats bw`: bytes that went through the node's streams.

#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/go_text.hpp"
#include "core/rpc/commands/network.hpp"
#include "core/rpc/options.hpp"

#include <array>
#include <cstdio>

#include <boost/json/object.hpp>

namespace masu::core::rpc::commands {
namespace {

constexpr auto bw_options = std::to_array<OptionSpec>({
    {"peer", "p", OptionType::text, "", "Specify a peer to print bandwidth for."},
    {"proto", "t", OptionType::text, "", "Specify a protocol to print bandwidth for."},
    {"poll", "", OptionType::boolean, "", "Print bandwidth at an interval."},
    {"interval", "i", OptionType::text, "1s",
     "Time interval to wait between updating output, if 'poll' is true.\n\nThis accepts durations such as "
     "\"300s\", "
     "\"1.5h\" or \"2h45m\". Valid time units are: \"ns\", \"us\" (or \"µs\"), \"ms\", \"s\", \"m\", \"h\"."},
});

constexpr std::string_view bw_description =
    R"('masu stats bw' prints bandwidth information for the ipfs daemon.
It displays: TotalIn, TotalOut, RateIn, RateOut.

By default, overall bandwidth and all protocols are shown. To limit bandwidth to a particular peer, use the 'peer' option along with that peer's multihash id. To specify a specific protocol, use the 'proto' option. The 'peer' and 'proto' options cannot be specified simultaneously.

Example protocol options:
  - /ipfs/id/1.0.0
  - /ipfs/bitswap/1.2.0

Example:

    > masu stats bw -t /ipfs/bitswap/1.2.0
    Bandwidth
    TotalIn: 5.0MB
    TotalOut: 0B
    RateIn: 343B/s
    RateOut: 0B/s
)";

net::Bandwidth measure(const Call& call, net::Swarm& swarm, const std::optional<PeerId>& peer) {
  if (peer) return swarm.bandwidth(*peer);
  if (call.given("proto")) return swarm.bandwidth_of_protocol(call.text("proto"));
  return swarm.bandwidth();
}

Task<CommandResult> run_stats_bw(TaskMemory memory, Call& call) {
  net::Swarm* swarm = call.node().swarm();
  if (swarm == nullptr) {
    co_return fail("unable to run offline: " + std::string(command_offline), ErrorKind::client);
  }
  if (call.given("peer") && call.given("proto")) {
    co_return fail("please only specify peer OR protocol", ErrorKind::client);
  }
  std::optional<PeerId> peer;
  if (call.given("peer")) {
    const auto parsed = parse_peer(call.text("peer"));
    if (!parsed) co_return fail(parsed.error());
    peer = *parsed;
  }
  const auto interval = parse_duration(call.text("interval"));
  if (!interval) co_return fail(interval.error());
  const bool poll = call.flag("poll");
  if (poll && call.text_encoding()) {
    const bool listening =
        co_await call.write(memory, as_bytes("Total Up    Total Down  Rate Up     Rate Down\n"));
    if (!listening) co_return CommandResult();
  }
  TimePoint next = swarm->now();
  while (!call.stopped()) {
    const net::Bandwidth bandwidth = measure(call, *swarm, peer);
    const boost::json::value value = boost::json::object{{"TotalIn", bandwidth.total_in},
                                                         {"TotalOut", bandwidth.total_out},
                                                         {"RateIn", bandwidth.rate_in},
                                                         {"RateOut", bandwidth.rate_out}};
    const bool listening = co_await call.emit(memory, value);
    if (!poll || !listening) break;
    // An interval of nothing would keep the loop to itself.
    next = std::max(next, swarm->now()) + std::max<Duration>(*interval, 10ms);
    Pause pause(call, next);
    co_await pause;
  }
  co_return CommandResult();
}

void bw_text(const boost::json::value& value, const Call& call, std::string& out) {
  const boost::json::object& bandwidth = value.as_object();
  const auto shown = [&](std::string_view name) {
    return humanize_bytes(static_cast<std::uint64_t>(bandwidth.at(name).to_number<double>()));
  };
  const std::string in = shown("TotalIn"), out_total = shown("TotalOut");
  const std::string rate_in = shown("RateIn"), rate_out = shown("RateOut");
  if (!call.flag("poll")) {
    out.append("Bandwidth\nTotalIn: ").append(in).append("\nTotalOut: ").append(out_total);
    out.append("\nRateIn: ").append(rate_in).append("/s\nRateOut: ").append(rate_out).append("/s\n");
    return;
  }
  std::array<char, 128> line;
  std::snprintf(line.data(), line.size(), "%8s    %8s    %8s/s  %8s/s      \r", out_total.c_str(), in.c_str(),
                rate_out.c_str(), rate_in.c_str());
  out += line.data();
}

}  // namespace

constexpr CommandSpec stats_bw{.path = "stats bw",
                               .tagline = "Print IPFS bandwidth information.",
                               .description = bw_description,
                               .options = bw_options,
                               .run = run_stats_bw,
                               .text = bw_text};

}  // namespace masu::core::rpc::commands
