#include "core/config.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::core {
namespace {

namespace json = boost::json;

// Prefixes that are not reachable from everywhere (RFC 6890): a server neither announces nor dials them.
constexpr std::array<std::string_view, 19> server_filters = {
    "/ip4/10.0.0.0/ipcidr/8",     "/ip4/100.64.0.0/ipcidr/10",
    "/ip4/127.0.0.0/ipcidr/8",    "/ip4/169.254.0.0/ipcidr/16",
    "/ip4/172.16.0.0/ipcidr/12",  "/ip4/192.0.0.0/ipcidr/24",
    "/ip4/192.0.2.0/ipcidr/24",   "/ip4/192.168.0.0/ipcidr/16",
    "/ip4/198.18.0.0/ipcidr/15",  "/ip4/198.51.100.0/ipcidr/24",
    "/ip4/203.0.113.0/ipcidr/24", "/ip4/240.0.0.0/ipcidr/4",
    "/ip6/::/ipcidr/3",           "/ip6/::1/ipcidr/128",
    "/ip6/100::/ipcidr/64",       "/ip6/2001:2::/ipcidr/48",
    "/ip6/2001:db8::/ipcidr/32",  "/ip6/fc00::/ipcidr/7",
    "/ip6/fe80::/ipcidr/10"};

// One step of a profile: a path and the JSON it gets.
struct Setting {
  std::string_view path;
  std::string_view value;
};

using Result = std::expected<void, std::string>;

Result apply_settings(Config& config, std::span<const Setting> settings) {
  for (const Setting& setting : settings) {
    if (auto done = config.set(setting.path, json::parse(setting.value)); !done) return done;
  }
  return {};
}

Result set_texts(Config& config, std::string_view path, const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return config.set(path, std::move(array));
}

Result with_server_filters(Config& config, std::string_view path, bool wanted) {
  std::vector<std::string> texts = config.texts(path);
  for (std::string_view filter : server_filters) {
    const auto found = std::find(texts.begin(), texts.end(), filter);
    if (wanted && found == texts.end()) texts.emplace_back(filter);
    if (!wanted && found != texts.end()) texts.erase(found);
  }
  return set_texts(config, path, texts);
}

Result apply_server(Config& config, bool server) {
  for (std::string_view path : {"Addresses.NoAnnounce", "Swarm.AddrFilters"}) {
    if (auto done = with_server_filters(config, path, server); !done) return done;
  }
  const std::array<Setting, 2> settings = {{{"Discovery.MDNS.Enabled", server ? "false" : "true"},
                                            {"Swarm.DisableNatPortMap", server ? "true" : "false"}}};
  return apply_settings(config, settings);
}

Result apply_default_networking(Config& config) {
  const Config defaults = Config::defaults();
  for (std::string_view path : {"Addresses", "Bootstrap", "AutoTLS"}) {
    if (auto done = config.set(path, *defaults.find(path)); !done) return done;
  }
  static constexpr std::array<Setting, 3> settings = {
      {{"AutoConf", "{}"}, {"Swarm.DisableNatPortMap", "false"}, {"Discovery.MDNS.Enabled", "true"}}};
  return apply_settings(config, settings);
}

// One that nobody listens on now.
std::optional<std::uint16_t> free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  return bound ? std::optional<std::uint16_t>(ntohs(address.sin_port)) : std::nullopt;
}

constexpr std::array<Setting, 11> test_settings = {{{"Addresses.API", R"("/ip4/127.0.0.1/tcp/0")"},
                                                    {"Addresses.Gateway", R"("/ip4/127.0.0.1/tcp/0")"},
                                                    {"Addresses.Swarm", R"(["/ip4/127.0.0.1/tcp/0"])"},
                                                    {"Swarm.DisableNatPortMap", "true"},
                                                    {"Routing.LoopbackAddressesOnLanDHT", "true"},
                                                    {"Bootstrap", "[]"},
                                                    {"Discovery.MDNS.Enabled", "false"},
                                                    {"AutoTLS.Enabled", "false"},
                                                    {"AutoConf.Enabled", "false"},
                                                    {"DNS.Resolvers", "{}"},
                                                    {"Routing.DelegatedRouters", "[]"}}};
constexpr std::array<Setting, 6> lowpower_settings = {{{"Routing.Type", R"("autoclient")"},
                                                       {"AutoNAT.ServiceMode", R"("disabled")"},
                                                       {"Swarm.RelayService.Enabled", "false"},
                                                       {"Swarm.ConnMgr.Type", R"("basic")"},
                                                       {"Swarm.ConnMgr.LowWater", "20"},
                                                       {"Swarm.ConnMgr.HighWater", "40"}}};
// A television or a set-top box: it fetches and plays, keeps few connections, and is not asked to look
// others' content up.
constexpr std::array<Setting, 8> tv_settings = {{{"Memory.Budget", R"("48M")"},
                                                 {"Routing.Type", R"("autoclient")"},
                                                 {"AutoNAT.ServiceMode", R"("disabled")"},
                                                 {"Swarm.RelayService.Enabled", "false"},
                                                 {"Swarm.ConnMgr.Type", R"("basic")"},
                                                 {"Swarm.ConnMgr.LowWater", "16"},
                                                 {"Swarm.ConnMgr.HighWater", "48"},
                                                 {"Swarm.ConnMgr.GracePeriod", R"("20s")"}}};
// A router or another image with little memory: a handful of peers, nothing announced.
constexpr std::array<Setting, 10> firmware_settings = {{{"Memory.Budget", R"("16M")"},
                                                        {"Routing.Type", R"("autoclient")"},
                                                        {"AutoNAT.ServiceMode", R"("disabled")"},
                                                        {"Swarm.RelayService.Enabled", "false"},
                                                        {"Swarm.RelayClient.Enabled", "false"},
                                                        {"Swarm.ConnMgr.Type", R"("basic")"},
                                                        {"Swarm.ConnMgr.LowWater", "6"},
                                                        {"Swarm.ConnMgr.HighWater", "12"},
                                                        {"Swarm.ConnMgr.GracePeriod", R"("10s")"},
                                                        {"Provide.Enabled", "false"}}};
constexpr std::array<Setting, 10> unixfs_v0_settings = {
    {{"Import.CidVersion", "0"},
     {"Import.UnixFSRawLeaves", "false"},
     {"Import.UnixFSChunker", R"("size-262144")"},
     {"Import.HashFunction", R"("sha2-256")"},
     {"Import.UnixFSFileMaxLinks", "174"},
     {"Import.UnixFSDirectoryMaxLinks", "0"},
     {"Import.UnixFSHAMTDirectoryMaxFanout", "256"},
     {"Import.UnixFSHAMTDirectorySizeThreshold", R"("256KiB")"},
     {"Import.UnixFSHAMTDirectorySizeEstimation", R"("links")"},
     {"Import.UnixFSDAGLayout", R"("balanced")"}}};
constexpr std::array<Setting, 10> unixfs_v1_settings = {
    {{"Import.CidVersion", "1"},
     {"Import.UnixFSRawLeaves", "true"},
     {"Import.UnixFSChunker", R"("size-1048576")"},
     {"Import.HashFunction", R"("sha2-256")"},
     {"Import.UnixFSFileMaxLinks", "1024"},
     {"Import.UnixFSDirectoryMaxLinks", "0"},
     {"Import.UnixFSHAMTDirectoryMaxFanout", "256"},
     {"Import.UnixFSHAMTDirectorySizeThreshold", R"("256KiB")"},
     {"Import.UnixFSHAMTDirectorySizeEstimation", R"("block")"},
     {"Import.UnixFSDAGLayout", R"("balanced")"}}};
constexpr std::array<Setting, 5> autoconf_on_settings = {{{"Bootstrap", R"(["auto"])"},
                                                          {"DNS.Resolvers", R"({".":"auto"})"},
                                                          {"Routing.DelegatedRouters", R"(["auto"])"},
                                                          {"Ipns.DelegatedPublishers", R"(["auto"])"},
                                                          {"AutoConf.Enabled", "true"}}};
constexpr std::array<Setting, 5> autoconf_off_settings = {{{"Bootstrap", "null"},
                                                           {"DNS.Resolvers", "null"},
                                                           {"Routing.DelegatedRouters", "null"},
                                                           {"Ipns.DelegatedPublishers", "null"},
                                                           {"AutoConf.Enabled", "false"}}};

constexpr std::array<Config::Profile, 15> profile_list = {
    {{"server",
      "Disables local host discovery, recommended when running IPFS on machines with public IPv4 addresses."},
     {"local-discovery",
      "Sets default values to fields affected by the server profile, enables discovery in local networks."},
     {"test",
      "Reduces external interference of IPFS daemon, this is useful when using the daemon in test "
      "environments."},
     {"default-networking", "Restores default network settings. Inverse profile of the test profile."},
     {"lowpower",
      "Reduces daemon overhead on the system. May affect node functionality - performance of content "
      "discovery and data fetching may be degraded."},
     {"tv",
      "For televisions and set-top boxes: a memory budget of 48M and few connections, for fetching above "
      "all."},
     {"firmware",
      "For routers and other images with little memory: a memory budget of 16M, a handful of connections, "
      "nothing "
      "announced."},
     {"announce-off", "Disables announcing of content."},
     {"announce-on", "Re-enables announcing of content (reverts announce-off profile)."},
     {"randomports", "Use a random port number for swarm."},
     {"unixfs-v0-2015", "Legacy UnixFS import profile for backward-compatible CID generation."},
     {"legacy-cid-v0", "Alias for unixfs-v0-2015 profile."},
     {"unixfs-v1-2025", "Recommended UnixFS import profile for cross-implementation CID determinism."},
     {"autoconf-on", "Sets bootstrap peers, DNS resolvers and delegated routers to \"auto\"."},
     {"autoconf-off", "Sets networking fields to empty for manual configuration."}}};

}  // namespace

std::span<const Config::Profile> Config::profiles() { return profile_list; }

std::expected<void, std::string> Config::apply_profile(std::string_view name) {
  if (name == "server") return apply_server(*this, true);
  if (name == "local-discovery") return apply_server(*this, false);
  if (name == "default-networking") return apply_default_networking(*this);
  if (name == "test") {
    if (auto done = apply_settings(*this, test_settings); !done) return done;
    return set("Ipns.DelegatedPublishers", json::array());
  }
  if (name == "lowpower") {
    if (auto done = apply_settings(*this, lowpower_settings); !done) return done;
    return set("Swarm.ConnMgr.GracePeriod", "1m0s");
  }
  if (name == "tv") return apply_settings(*this, tv_settings);
  if (name == "firmware") return apply_settings(*this, firmware_settings);
  if (name == "announce-off" || name == "announce-on") {
    const bool on = name == "announce-on";
    if (auto done = set("Provide.Enabled", on); !done) return done;
    return set("Provide.DHT.Interval", on ? "22h0m0s" : "0s");
  }
  if (name == "randomports") {
    const auto port = free_port();
    if (!port) return std::unexpected("no free port was found");
    const std::string tail = "/tcp/" + std::to_string(*port);
    return set_texts(*this, "Addresses.Swarm", {"/ip4/0.0.0.0" + tail, "/ip6/::" + tail});
  }
  if (name == "unixfs-v0-2015" || name == "legacy-cid-v0") return apply_settings(*this, unixfs_v0_settings);
  if (name == "unixfs-v1-2025") return apply_settings(*this, unixfs_v1_settings);
  if (name == "autoconf-on") return apply_settings(*this, autoconf_on_settings);
  if (name == "autoconf-off") return apply_settings(*this, autoconf_off_settings);
  return std::unexpected(std::string(name) + " is not a valid profile");
}

}  // namespace masu::core
