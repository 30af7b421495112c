// The commands about the network, run as the RPC server runs them, on nodes of the simulator.
#include "core/config.hpp"
#include "core/node.hpp"
#include "core/rpc/command.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/go_text.hpp"
#include "core/rpc/global_options.hpp"
#include "core/rpc/options.hpp"
#include "tests/sim/sim_network.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace masu::core::rpc {
namespace {

// A node that has a network and an identity, and nothing else.
class NetworkNode final : public Node {
 public:
  NetworkNode(sim::SimNode& node, bool online) : node_(node), online_(online) {
    EXPECT_TRUE(
        config_.set("Identity.PeerID", boost::json::value(boost::json::string(node.id().to_string()))));
  }
  const net::Clock& clock() const override { return node_.network; }
  net::TimerQueue& timers() override { return node_.timers; }
  net::RandomSource& random() override { return node_.random; }
  Budget& budget() override { return node_.budget; }
  ChunkPool& chunks() override { return node_.chunks; }
  Config& config() override { return config_; }
  net::Swarm* swarm() override { return online_ ? node_.swarm.get() : nullptr; }
  net::Ping* ping() override { return online_ ? node_.ping.get() : nullptr; }
  bitswap::Bitswap* bitswap() override { return nullptr; }
  void shut_down() override {}
  bool stopping() const override { return false; }

  const CapacityPlan& plan() const override { std::abort(); }
  Account& block_account() override { std::abort(); }
  Account& upload_account() override { std::abort(); }
  SlotGroup& upload_slots() override { std::abort(); }
  Account& import_account() override { std::abort(); }
  MemoryReport memory_report() override { std::abort(); }
  void set_api_sockets(const SocketHolder*) override {}
  const MemoryHistory& memory_history() override { std::abort(); }
  std::expected<void, std::string> set_budget(std::size_t) override { std::abort(); }
  bool check_memory() override { std::abort(); }
  void before_large_work() override { std::abort(); }
  boost::asio::io_context& context() override { std::abort(); }
  store::Jobs& jobs() override { std::abort(); }
  Repo& repo() override { std::abort(); }
  store::DiskStore& blocks() override { std::abort(); }
  store::PinSet& pins() override { std::abort(); }
  store::Collector& collector() override { std::abort(); }
  std::unique_ptr<store::BlockSource> open_source(bool) override { std::abort(); }

 private:
  sim::SimNode& node_;
  const bool online_;
  Config config_ = Config::defaults();
};

// A call whose answer is kept as text: JSON lines, or as the command line prints it.
class TestCall final : public Call {
 public:
  TestCall(Node& node, std::string_view path, bool text)
      : node_(node), spec_(*find_command(path)), text_(text) {}
  void option(std::string_view name, std::string_view value) {
    const OptionSpec* option = options_.find(name);
    ASSERT_NE(option, nullptr) << name;
    ASSERT_TRUE(options_.add(*option, value));
  }

  Node& node() override { return node_; }
  const CommandSpec& spec() const override { return spec_; }
  std::pmr::memory_resource& memory() override { return *std::pmr::new_delete_resource(); }
  Account& account() override { std::abort(); }
  bool stopped() const override { return is_stopped; }
  bool given(std::string_view name) const override { return options_.given(name); }
  bool flag(std::string_view name) const override { return options_.flag(name); }
  std::optional<std::int64_t> integer(std::string_view name) const override { return options_.integer(name); }
  std::string_view text(std::string_view name) const override { return options_.text(name); }
  std::span<const std::string> texts(std::string_view name) const override { return options_.texts(name); }
  std::span<const std::string> arguments() const override { return words; }
  bool text_encoding() const override { return text_; }
  std::string show(const Cid& cid) const override { return cid.to_string(); }
  Task<std::expected<std::optional<UploadEntry>, CommandError>> next_entry(TaskMemory) override {
    std::abort();
  }
  Task<std::expected<ChunkChain, CommandError>> read_entry(TaskMemory, Account&) override { std::abort(); }
  void set_content_type(std::string_view) override {}
  void set_header(std::string_view, std::string_view) override {}
  void set_single_value() override {}
  Task<bool> emit(TaskMemory, const boost::json::value& value) override {
    if (text_) {
      spec_.text(value, *this, answer);
    } else {
      commands::append_json(answer, value);
      answer += '\n';
    }
    co_return !is_stopped;
  }
  Task<bool> write(TaskMemory, Bytes bytes) override {
    answer += as_text(bytes);
    co_return !is_stopped;
  }
  Task<bool> write_chain(TaskMemory, ChunkChain) override { std::abort(); }

  std::vector<std::string> words;
  std::string answer;
  bool is_stopped = false;

 private:
  Node& node_;
  const CommandSpec& spec_;
  const bool text_;
  OptionValues options_{spec_, global_options()};
};

class NetworkCommandsTest : public ::testing::Test, private TaskListener {
 protected:
  using Options = std::vector<std::pair<std::string, std::string>>;

  void connect() {
    a_.connect(b_);
    ASSERT_TRUE(network_.run_until([&] { return a_.identified(b_) && b_.identified(a_); }, 10s));
  }
  // What it prints, or "Error: …" behind it.
  std::string run(Node& node, std::string_view path, std::vector<std::string> words, const Options& options,
                  bool text) {
    TestCall call(node, path, text);
    call.words = std::move(words);
    for (const auto& [name, value] : options) call.option(name, value);
    call_ = &call;
    done_ = false;
    TaskRun task;
    task.start(drive(call.memory(), *this), *this);
    EXPECT_TRUE(network_.run_until([&] { return done_; }, 120s));
    call_ = nullptr;
    return result_ ? call.answer : call.answer + "Error: " + result_.error().message;
  }
  std::string text(std::string_view path, std::vector<std::string> words = {}, const Options& options = {}) {
    return run(node_, path, std::move(words), options, true);
  }
  std::string json(std::string_view path, std::vector<std::string> words = {}, const Options& options = {}) {
    return run(node_, path, std::move(words), options, false);
  }
  std::string offline(std::string_view path, std::vector<std::string> words = {},
                      const Options& options = {}) {
    return run(offline_, path, std::move(words), options, true);
  }
  std::string a_id() const { return a_.id().to_string(); }
  std::string b_id() const { return b_.id().to_string(); }
  std::string a_at() const { return a_.address().to_string(); }
  std::string b_at() const { return b_.address().to_string(); }

  sim::SimNetwork network_;
  sim::SimNode a_{network_, 1};
  sim::SimNode b_{network_, 2};
  NetworkNode node_{a_, true};
  NetworkNode offline_{a_, false};
  TestCall* call_ = nullptr;

 private:
  static Task<void> drive(TaskMemory memory, NetworkCommandsTest& test) {
    test.result_ = co_await test.call_->spec().run(memory, *test.call_);
  }
  void on_task_done(TaskOutcome outcome) noexcept override { done_ = outcome == TaskOutcome::done; }

  CommandResult result_;
  bool done_ = false;
};

TEST_F(NetworkCommandsTest, ConnectPeersAndDisconnect) {
  const std::string whole = b_at() + "/p2p/" + b_id();
  EXPECT_EQ(text("swarm peers"), "");
  EXPECT_EQ(json("swarm peers"), "{\"Peers\":null}\n");
  EXPECT_EQ(text("swarm connect", {whole}), "connect " + b_id() + " success\n");
  EXPECT_TRUE(a_.swarm->has_tag(b_.id(), net::peer_tag::user_connect));
  EXPECT_EQ(text("swarm peers"), whole + "\n");
  EXPECT_EQ(json("swarm peers"), "{\"Peers\":[{\"Addr\":\"" + b_at() + "\",\"Peer\":\"" + b_id() +
                                     "\",\"Identify\":{\"ID\":\"\",\"PublicKey\":\"\",\"Addresses\":null,"
                                     "\"AgentVersion\":\"\",\"Protocols\":null}}]}\n");
  EXPECT_EQ(text("swarm peers", {}, {{"direction", "true"}}), whole + " outbound\n");
  EXPECT_TRUE(text("swarm peers", {}, {{"latency", "true"}}).starts_with(whole + " 4"))
      << "milliseconds of the link";
  const std::string verbose = json("swarm peers", {}, {{"verbose", "true"}});
  EXPECT_NE(verbose.find("\"Direction\":2,"), verbose.npos) << verbose;
  EXPECT_NE(verbose.find("\"Identify\":{\"ID\":\"" + b_id() + "\",\"PublicKey\":\"CAES"), verbose.npos)
      << verbose;
  EXPECT_NE(verbose.find("\"Addresses\":[\"" + whole +
                         "\"],\"AgentVersion\":\"masu/sim\",\"Protocols\":"
                         "[\"/ipfs/id/1.0.0\",\"/ipfs/id/push/1.0.0\",\"/ipfs/ping/1.0.0\"]}"),
            verbose.npos)
      << verbose;
  EXPECT_EQ(text("swarm disconnect", {"/ip4/1.2.3.4/tcp/5/p2p/" + b_id()}),
            "disconnect " + b_id() + " failure: conn not found\n");
  EXPECT_EQ(text("swarm disconnect", {whole}), "disconnect " + b_id() + " success\n");
  network_.run_for(3s);
  EXPECT_EQ(text("swarm peers"), "");
  EXPECT_EQ(text("swarm disconnect", {"/p2p/" + b_id()}),
            "disconnect " + b_id() + " failure: not connected\n");
}

TEST_F(NetworkCommandsTest, StreamsAreListedUnderTheirConnection) {
  connect();
  class Held final : public net::StreamHandler {
   public:
    void on_open(net::Stream& stream) override { opened = &stream; }
    std::size_t on_data(net::Stream&, Bytes bytes) override { return bytes.size(); }
    void on_writable(net::Stream&) override {}
    void on_remote_close(net::Stream&) override {}
    void on_closed(net::Stream*, net::StreamEnd) override { opened = nullptr; }
    net::Stream* opened = nullptr;
  } held;
  static constexpr std::array<std::string_view, 1> protocol = {net::ping_protocol};
  a_.swarm->open_stream(b_.id(), protocol, held);
  EXPECT_TRUE(network_.run_until([&] { return held.opened != nullptr; }, 5s));
  network_.run_for(1s);  // those of identify end
  EXPECT_EQ(text("swarm peers", {}, {{"streams", "true"}}),
            b_at() + "/p2p/" + b_id() + "\n  /ipfs/ping/1.0.0\n");
  held.opened->reset();
}

TEST_F(NetworkCommandsTest, ConnectSaysWhatFailed) {
  const std::string nobody =
      PeerId::of(PrivateKey::from_seed(std::array<std::uint8_t, 32>{9}).public_key()).to_string();
  EXPECT_EQ(
      text("swarm connect", {"/ip4/8.8.8.8/tcp/1/p2p/" + nobody}),
      "Error: connect " + nobody + " failure: failed to dial: failed to dial " + nobody +
          ": all dials failed\n  * [/ip4/8.8.8.8/tcp/1] dial tcp4 8.8.8.8:1: connect: connection refused");
  EXPECT_EQ(text("swarm connect", {"/p2p/" + a_id()}),
            "Error: connect " + a_id() + " failure: failed to dial: dial to self attempted");
  EXPECT_EQ(text("swarm connect", {"/p2p/" + b_id()}),
            "Error: connect " + b_id() + " failure: routing: not found");
  EXPECT_EQ(text("swarm connect", {"/ip4/127.0.0.1/tcp/1"}),
            "Error: found no ipfs peers at /ip4/127.0.0.1/tcp/1");
  EXPECT_EQ(text("swarm connect", {"nonsense"}),
            "Error: failed to parse multiaddr \"nonsense\": must begin with /");
  EXPECT_EQ(text("swarm connect", {"/foo/bar"}),
            "Error: failed to parse multiaddr \"/foo/bar\": unknown protocol foo");
  EXPECT_EQ(text("swarm connect", {"/ip4"}),
            "Error: failed to parse multiaddr \"/ip4\": unexpected end of multiaddr");
}

TEST_F(NetworkCommandsTest, AddressesKnownListenedOnAndAnnounced) {
  connect();
  std::string known = a_id() < b_id()
                          ? a_id() + " (1)\n\t" + a_at() + "\n" + b_id() + " (1)\n\t" + b_at() + "\n"
                          : b_id() + " (1)\n\t" + b_at() + "\n" + a_id() + " (1)\n\t" + a_at() + "\n";
  EXPECT_EQ(text("swarm addrs"), known);
  const std::string addresses = json("swarm addrs");
  EXPECT_NE(addresses.find("\"" + b_id() + "\":[\"" + b_at() + "\"]"), addresses.npos) << addresses;
  EXPECT_EQ(text("swarm addrs local"), a_at() + "\n");
  EXPECT_EQ(text("swarm addrs local", {}, {{"id", "true"}}), a_at() + "/p2p/" + a_id() + "\n");
  EXPECT_EQ(json("swarm addrs listen"), "{\"Strings\":[\"" + a_at() + "\"]}\n");
}

TEST_F(NetworkCommandsTest, ManyKnownPeersAreListedInOrder) {
  for (std::uint8_t n = 0; n < 200; ++n) {
    std::array<std::uint8_t, 32> seed{n, 1};
    const PeerId peer = PeerId::of(PrivateKey::from_seed(seed).public_key());
    a_.swarm->peerstore().add_address(peer, b_.address(), net::AddressTtl::address, network_.now());
  }
  const std::string all = text("swarm addrs");
  std::vector<std::string> ids;
  for (std::size_t at = 0; at < all.size(); at = all.find('\n', at) + 1) {
    if (all[at] != '\t') ids.push_back(all.substr(at, all.find(' ', at) - at));
  }
  EXPECT_EQ(ids.size(), 201u);
  EXPECT_TRUE(std::ranges::is_sorted(ids));
}

TEST_F(NetworkCommandsTest, PingPrintsEachRoundTripAndTheirAverage) {
  connect();
  const std::string pings = text("ping", {b_id()}, {{"count", "2"}});
  EXPECT_TRUE(pings.starts_with("PING " + b_id() + ".\nPong received: time=4")) << pings;
  EXPECT_NE(pings.find("\nAverage latency: 4"), pings.npos) << pings;
  const std::string values = json("ping", {b_id()}, {{"count", "1"}});
  EXPECT_TRUE(values.starts_with("{\"Success\":true,\"Time\":0,\"Text\":\"PING " + b_id() +
                                 ".\"}\n{\"Success\":true,\"Time\":4"))
      << values;
}

TEST_F(NetworkCommandsTest, PingSaysWhyNot) {
  EXPECT_EQ(text("ping", {a_id()}), "Error: error: can't ping self");
  EXPECT_EQ(text("ping", {b_id()}),
            "Looking up peer " + b_id() + "\nError: peer lookup failed: routing: not found");
  EXPECT_EQ(text("ping", {"nope"}),
            "Error: failed to parse peer address 'nope': failed to parse peer ID: invalid cid: selected "
            "encoding not supported");
  EXPECT_EQ(text("ping", {"/ip4/1.2.3.4"}),
            "Error: failed to parse peer address '/ip4/1.2.3.4': invalid p2p multiaddr");
  EXPECT_EQ(text("ping", {b_id()}, {{"count", "0"}}), "Error: ping count must be greater than 0, was 0");
  EXPECT_EQ(
      text("ping", {"/ip4/8.8.8.8/tcp/1/p2p/" + b_id()}),
      "PING " + b_id() + ".\nPing error: failed to dial: failed to dial " + b_id() +
          ": all dials failed\n  * [/ip4/8.8.8.8/tcp/1] dial tcp4 8.8.8.8:1: connect: connection refused\n"
          "Error: ping failed");
}

TEST_F(NetworkCommandsTest, IdOfThisNodeAndOfOthers) {
  const std::string own = text("id");
  EXPECT_TRUE(own.starts_with("{\n\t\"ID\": \"" + a_id() + "\",\n\t\"PublicKey\": \"CAESI")) << own;
  EXPECT_NE(own.find("\t\"Addresses\": [\n\t\t\"" + a_at() + "/p2p/" + a_id() + "\"\n\t],\n"), own.npos)
      << own;
  EXPECT_TRUE(own.ends_with("\t\t\"/ipfs/ping/1.0.0\"\n\t]\n}\n\n")) << own;
  EXPECT_EQ(text("id", {}, {{"format", "<id> <aver>\\n"}}), a_id() + " masu/sim\n");
  EXPECT_EQ(text("id", {}, {{"format", "<id>"}, {"peerid-base", "base36"}}).substr(0, 3), "k51");
  EXPECT_EQ(text("id", {}, {{"peerid-base", "k36"}}), "Error: unsupported multibase encoding: k36");
  EXPECT_EQ(text("id", {"nope"}), "Error: invalid peer id");
  EXPECT_EQ(text("id", {b_id()}), "Error: routing: not found");
  connect();
  EXPECT_EQ(text("id", {b_id()}, {{"format", "<aver> <addrs>"}}), "masu/sim " + b_at() + "/p2p/" + b_id());
}

TEST_F(NetworkCommandsTest, BandwidthOfAllOfAPeerAndOfAProtocol) {
  connect();
  EXPECT_TRUE(text("stats bw").starts_with("Bandwidth\nTotalIn: ")) << text("stats bw");
  const std::string value = json("stats bw", {}, {{"proto", "/ipfs/id/1.0.0"}});
  EXPECT_TRUE(value.starts_with("{\"TotalIn\":")) << value;
  EXPECT_EQ(value.find("\"TotalIn\":0,"), value.npos) << value;
  EXPECT_EQ(json("stats bw", {}, {{"proto", "/no/such"}}),
            "{\"TotalIn\":0,\"TotalOut\":0,\"RateIn\":0,\"RateOut\":0}\n");
  EXPECT_EQ(json("stats bw", {}, {{"peer", b_id()}}).find("\"TotalIn\":0,"), std::string::npos);
  EXPECT_EQ(text("stats bw", {}, {{"peer", b_id()}, {"proto", "/a"}}),
            "Error: please only specify peer OR protocol");
  EXPECT_EQ(text("stats bw", {}, {{"interval", "xx"}}), "Error: time: invalid duration \"xx\"");
}

TEST_F(NetworkCommandsTest, PollingGoesOnUntilItIsStopped) {
  TestCall call(node_, "stats bw", true);
  call.option("poll", "true");
  struct Listener final : masu::TaskListener {
    void on_task_done(TaskOutcome) noexcept override { done = true; }
    bool done = false;
  } listener;
  struct Drive {
    static Task<void> run(TaskMemory memory, TestCall& its_call) {
      const CommandResult result = co_await its_call.spec().run(memory, its_call);
      EXPECT_TRUE(result);
    }
  };
  TaskRun task;
  task.start(Drive::run(call.memory(), call), listener);
  network_.run_for(3500ms);
  EXPECT_TRUE(
      call.answer.starts_with("Total Up    Total Down  Rate Up     Rate Down\n     0 B         0 B  "))
      << call.answer;
  EXPECT_EQ(std::ranges::count(call.answer, '\r'), 4);
  call.is_stopped = true;
  network_.run_for(1s);
  EXPECT_TRUE(listener.done);
}

TEST_F(NetworkCommandsTest, WithoutANetworkTheySaySoAsKuboDoes) {
  const std::string action = "Error: this action must be run in online mode, try running 'ipfs daemon' first";
  const std::string command = "this command must be run in online mode. Try running 'ipfs daemon' first";
  for (const char* path : {"swarm peers", "swarm addrs", "swarm addrs local", "swarm addrs listen"}) {
    EXPECT_EQ(offline(path), action) << path;
  }
  EXPECT_EQ(offline("ping", {b_id()}), "Error: " + command);
  EXPECT_EQ(offline("stats bw"), "Error: unable to run offline: " + command);
  EXPECT_EQ(offline("swarm connect", {"/ip4/127.0.0.1/tcp/1/p2p/" + b_id()}),
            "Error: connect " + b_id() + " failure: " + action.substr(7));
  EXPECT_EQ(offline("swarm disconnect", {"/p2p/" + b_id()}),
            "disconnect " + b_id() + " failure: " + action.substr(7) + "\n");
  EXPECT_TRUE(
      offline("id", {b_id()}).starts_with("Error: 'ipfs id' cannot query information on remote peers"));
  const std::string own = offline("id");
  EXPECT_NE(
      own.find("\t\"Addresses\": null,\n\t\"AgentVersion\": \"masu/0.1.0\",\n\t\"Protocols\": null\n}\n\n"),
      own.npos)
      << own;
}

TEST(GoText, DurationsSizesAndTextsAreAsGoWritesThem) {
  using namespace commands;
  EXPECT_EQ(go_duration(Duration{}), "0s");
  EXPECT_EQ(go_duration(422831ns), "422.831µs");
  EXPECT_EQ(go_duration(1500us), "1.5ms");
  EXPECT_EQ(go_duration(2s), "2s");
  EXPECT_EQ(go_duration(90s + 500ms), "1m30.5s");
  EXPECT_EQ(go_duration(3600s), "1h0m0s");
  EXPECT_EQ(humanize_bytes(0), "0 B");
  EXPECT_EQ(humanize_bytes(812), "812 B");
  EXPECT_EQ(humanize_bytes(1000), "1.0 kB");
  EXPECT_EQ(humanize_bytes(82854982), "83 MB");
  EXPECT_EQ(json_string("a<b>\n\"\x01\xff"), "\"a\\u003cb\\u003e\\n\\\"\\u0001\\ufffd\"");
  EXPECT_EQ(clean_text("agent\x1b[31m\xe2\x80\xae"), "agent\xef\xbf\xbd[31m\xef\xbf\xbd");
  std::string number;
  append_json(number, 17.25);
  EXPECT_EQ(number, "17.25");
}

}  // namespace
}  // namespace masu::core::rpc
