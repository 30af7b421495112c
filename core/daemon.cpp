#include "core/daemon.hpp"

#include "core/node/real_node.hpp"
#include "core/rpc/pages.hpp"
#include "core/rpc/server.hpp"
#include "core/version.hpp"
#include "multiformats/multibase.hpp"
#include "multiformats/peer_id.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include <boost/asio/signal_set.hpp>
#include <boost/json/string.hpp>
#include <unistd.h>

namespace masu::core {
namespace {

using Result = std::expected<void, std::string>;

// Programs wait for these lines: each goes out at once.
void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

int fail(const std::string& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "Error: %s\n", error.c_str());
  return 1;
}

// --- init ---

std::expected<PrivateKey, std::string> make_identity(const InitOptions& options) {
  const auto type = key_type_from_name(options.algorithm);
  if (!type) return std::unexpected("unrecognized key type: " + options.algorithm);
  std::string name(options.algorithm);
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::size_t bits = rsa_bits_min;
  if (*type == KeyType::rsa) {
    if (options.bits != 0) bits = static_cast<std::size_t>(options.bits);
    if (options.bits < 0 || bits < rsa_bits_min || bits > rsa_bits_max) {
      return std::unexpected("an RSA key has " + std::to_string(rsa_bits_min) + " to " +
                             std::to_string(rsa_bits_max) + " bits");
    }
    name = std::to_string(bits) + "-bit RSA";
  }
  std::printf("generating %s keypair...", name.c_str());
  std::fflush(stdout);
  auto key = PrivateKey::generate(*type, bits);
  if (!key) return std::unexpected("the key could not be made: " + std::string(name_of(key.error())));
  say("done");
  return std::move(*key);
}

std::expected<Config, std::string> first_config(const InitOptions& options) {
  if (options.config_file.empty()) return Config::defaults();
  std::ifstream file(options.config_file, std::ios::binary);
  if (!file) return std::unexpected("open " + options.config_file + ": " + std::strerror(errno));
  return Config::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

Result make_repo(const InitOptions& options) {
  if (Repo::exists(options.repo_path)) {
    return std::unexpected(
        "ipfs configuration file already exists!\nReinitializing would overwrite your keys");
  }
  auto config = first_config(options);
  if (!config) return std::unexpected(config.error());
  for (const std::string& profile : options.profiles) {
    if (auto applied = config->apply_profile(profile); !applied) {
      return std::unexpected("invalid configuration profile: " + profile);
    }
  }
  // A configuration that is given may bring its own identity.
  if (config->text("Identity.PrivKey").value_or("").empty()) {
    const auto key = make_identity(options);
    if (!key) return std::unexpected(key.error());
    const std::string id = PeerId::of(key->public_key()).to_string();
    say("peer identity: " + id);
    if (auto set = config->set("Identity.PeerID", boost::json::string(id)); !set) return set;
    const SecretBytes bytes = key->to_protobuf();
    if (auto set =
            config->set("Identity.PrivKey", boost::json::string(encode_base(Multibase::base64pad, bytes)));
        !set)
      return set;
  }
  return Repo::init(options.repo_path, *config);
}

// --- The parts of a process with a repo open, in the order of their making. ---

class Process {
 public:
  Result open(const std::string& repo_path, const std::string& budget_text) {
    auto repo = Repo::open(repo_path);
    if (!repo) return std::unexpected(repo.error());
    repo_ = std::move(*repo);
    const auto plan = choose_plan(budget_text, repo_->config().text("Memory.Budget").value_or(""));
    if (!plan) return std::unexpected(plan.error());
    auto memory = NodeMemory::enter(*plan);
    if (!memory) return std::unexpected(memory.error());
    memory_ = std::move(*memory);
    loop_ = std::make_unique<EventLoop>();
    auto node = RealNode::open(*repo_, *memory_, *loop_);
    if (!node) return std::unexpected(node.error());
    node_ = std::move(*node);
    return {};
  }
  ~Process() {
    if (node_) node_->close();
  }

  Repo& repo() { return *repo_; }
  NodeMemory& memory() { return *memory_; }
  EventLoop& loop() { return *loop_; }
  RealNode& node() { return *node_; }

 private:
  std::unique_ptr<Repo> repo_;
  std::unique_ptr<NodeMemory> memory_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<RealNode> node_;
};

// --- daemon ---

// The first signal ends the daemon in order, the second at once.
class Signals {
 public:
  Signals(EventLoop& loop, RealNode& node, Repo& repo)
      : set_(loop.context(), SIGINT, SIGTERM), hang_up_(loop.context(), SIGHUP), node_(node), repo_(repo) {
    wait();
    wait_for_hang_up();
  }

 private:
  void wait() {
    set_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      if (node_.stopping()) ::_exit(1);
      say("\nReceived interrupt signal, shutting down...\n(Hit ctrl-c again to force-shutdown the daemon.)");
      node_.shut_down();
      wait();
    });
  }

  // The configuration changed: its memory budget holds from now on.
  void wait_for_hang_up() {
    hang_up_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      if (const auto changed = take_budget(); !changed)
        std::fprintf(stderr, "SIGHUP: %s\n", changed.error().c_str());
      wait_for_hang_up();
    });
  }

  Result take_budget() {
    const auto config = Repo::read_config(repo_.path());
    if (!config) return std::unexpected(config.error());
    const std::string text = config->text("Memory.Budget").value_or("");
    if (text.empty()) return std::unexpected("Memory.Budget is not set: the budget stays as it is");
    const auto bytes = parse_budget(text);
    if (!bytes) return std::unexpected("Memory.Budget: \"" + text + "\" is no size");
    if (auto set = node_.set_budget(static_cast<std::size_t>(*bytes)); !set) return set;
    // Else the next change of another key would write the old one back.
    if (auto kept = repo_.config().set("Memory.Budget", boost::json::string(text)); !kept) return kept;
    say("Memory budget: " + format_bytes(static_cast<std::size_t>(*bytes)));
    return {};
  }

  boost::asio::signal_set set_;
  boost::asio::signal_set hang_up_;
  RealNode& node_;
  Repo& repo_;
};

// "127.0.0.1:5001", "[::1]:5001": as URLs have it.
std::optional<std::string> host_and_port(const Multiaddr& address) {
  const auto ip = address.ip();
  const auto port = address.tcp_port();
  if (!ip || !port) return std::nullopt;
  std::string host = ip->is_v4() ? ip->to_string() : "[" + ip->to_string() + "]";
  if (ip->is_unspecified()) host = ip->is_v4() ? "127.0.0.1" : "[::1]";
  return host + ":" + std::to_string(*port);
}

void say_listeners(RealNode& node) {
  if (node.swarm() == nullptr) {
    say("Swarm not listening, running in offline mode.");
    return;
  }
  for (const Multiaddr& address : node.swarm()->listen_addresses()) {
    if (const auto place = host_and_port(address)) say("Swarm listening on " + *place + " (TCP)");
  }
  say("Run 'masu id' to inspect announced and discovered multiaddrs of this node.");
}

Result listen_api(rpc::Server& server, Repo& repo) {
  std::vector<std::string> wanted = repo.config().texts("Addresses.API");
  std::string first;
  for (const std::string& text : wanted) {
    const auto address = Multiaddr::parse(text);
    if (!address) return std::unexpected("Addresses.API: " + text + " is no address");
    auto bound = server.listen(*address);
    if (!bound) return std::unexpected("serveHTTPApi: " + bound.error());
    say("RPC API server listening on " + bound->to_string());
    if (const auto place = host_and_port(*bound)) say("Memory shown at http://" + *place + "/memory");
    if (first.empty()) first = bound->to_string();
  }
  if (first.empty()) return {};
  return repo.write_api(first);
}

Result serve(Process& process, const DaemonOptions& options) {
  RealNode& node = process.node();
  EventLoop& loop = process.loop();
  say("PeerID: " + process.repo().config().text("Identity.PeerID").value_or(""));
  if (!options.offline) {
    if (auto online = node.go_online(options.agent_version_suffix); !online) return online;
  }
  if (options.enable_gc) {
    if (auto kept = node.keep_storage(); !kept) return kept;
  }
  say_listeners(node);
  rpc::Pages pages(node);
  rpc::Server server(node, process.memory().requests());
  server.set_other_paths(&pages);
  node.on_shut_down([&] { loop.stop(); });
  Signals signals(loop, node, process.repo());
  Result result = listen_api(server, process.repo());
  if (result) {
    say("Daemon is ready");
    loop.run();
  }
  server.close();
  loop.run_until([&] { return server.closed(); }, loop.clock().now() + 10s);
  return result;
}

}  // namespace

int run_init(const InitOptions& options) {
  if (auto made = make_repo(options); !made) return fail(made.error());
  say("initializing IPFS node at " + options.repo_path);
  Process process;
  if (auto opened = process.open(options.repo_path, ""); !opened) return fail(opened.error());
  if (auto added = process.node().add_empty_directory(); !added) return fail(added.error());
  return 0;
}

int run_daemon(const DaemonOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  say("Initializing daemon...");
  say("masu version: " + std::string(version_number));
  say("Repo version: " + std::string(repo_version));
  const bool fresh = options.init && !Repo::exists(options.repo_path);
  if (fresh) {
    InitOptions init;
    init.repo_path = options.repo_path;
    init.config_file = options.init_config;
    if (!options.init_profile.empty()) init.profiles.push_back(options.init_profile);
    if (auto made = make_repo(init); !made) return fail(made.error());
  }
  Process process;
  if (auto opened = process.open(options.repo_path, options.memory_budget); !opened)
    return fail(opened.error());
  if (fresh) {
    if (auto added = process.node().add_empty_directory(); !added) return fail(added.error());
  }
  if (auto served = serve(process, options); !served) return fail(served.error());
  return 0;
}

}  // namespace masu::core
