// A daemon whose pools can be filled, and whose ladder can be climbed: `full-node REPO BUDGET`, driven by
// tests/interop/test_full_pools.py and test_rungs.py.
//
// It is the daemon of masu with commands on its standard input, each answered with a line of its own:
//
//   fill        every account to its quota, every chunk, and all pages behind the door of our own pools
//   spare       as fill, but what requests, handshakes and the store need stays free
//   release     all of it back
//   write N     N blocks of 1.5 KiB (they lie in RocksDB), on all workers at once
//   rung NAME on|off   from now on the governor measures what brings on this rung and all below it; or again
//                      what is so
//   tagged PEER TAG    yes or no: whether the peer has this tag of the connection manager
#include "alloc/check.hpp"
#include "alloc/slab_pool.hpp"
#include "core/node/real_node.hpp"
#include "core/rpc/server.hpp"
#include "multiformats/digest.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/streambuf.hpp>
#include <unistd.h>

namespace masu::core {
namespace {

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// Holds what is free.
class Filler {
 public:
  explicit Filler(NodeMemory& memory) : memory_(memory) {}
  ~Filler() { release(); }

  // `spared`: beginnings of the names of accounts that stay as they are, with a part of all chunks and pages.
  void fill(std::span<const std::string_view> spared) {
    release();
    const bool spares = !spared.empty();
    hold_accounts(spared);
    Budget& budget = memory_.budget();
    account_.emplace(budget, "filler", Lifetime::process, std::size_t{1} << 40);
    const std::size_t chunks = memory_.chunks().stats().capacity;
    while (!spares || chunks_.size() < chunks / 4) {
      Chunk chunk = memory_.chunks().take(*account_);
      if (!chunk) break;
      std::memset(chunk.space().data(), 1, chunk.space().size());
      chunks_.push_back(std::move(chunk));
    }
    // The pages themselves, each of them touched; last, so that nobody gets one in between.
    pages_.emplace(*account_, page_bytes, 64, std::size_t{1} << 20);
    const std::size_t most = spares ? budget.limit_bytes() / 4 : budget.limit_bytes();
    while (pages_taken_.size() * page_bytes < most) {
      void* const page = pages_->take();
      if (page == nullptr) break;
      std::memset(page, 1, page_bytes);
      pages_taken_.push_back(page);
    }
    say("filled " + std::to_string(held_.size()) + " accounts, " + std::to_string(chunks_.size()) +
        " chunks, " + std::to_string(pages_taken_.size()) + " pages, " +
        std::to_string(budget.committed_bytes()) + " of " + std::to_string(budget.limit_bytes()));
  }

  void release() {
    for (void* const page : pages_taken_) pages_->give(page);
    pages_taken_.clear();
    pages_.reset();
    chunks_.clear();
    for (const auto& [account, bytes] : held_) account->drop(bytes);
    held_.clear();
    account_.reset();
  }

 private:
  static constexpr std::size_t page_bytes = 4096 - 64;

  void hold_accounts(std::span<const std::string_view> spared) {
    std::vector<Account*> all;
    all.reserve(256);
    // Accounts are the node's, and not constant.
    memory_.budget().for_each_account([&](const Account& account) {
      if (all.size() < all.capacity()) all.push_back(const_cast<Account*>(&account));
    });
    for (Account* const account : all) {
      if (account->name() == "chunks" || std::ranges::any_of(spared, [&](std::string_view begin) {
            return account->name().starts_with(begin);
          })) {
        continue;
      }
      // Workers may take some meanwhile: what is left is halved until it is granted.
      for (std::size_t bytes =
               account->quota_bytes() - std::min(account->quota_bytes(), account->live_bytes());
           bytes > 0;) {
        if (account->hold(bytes)) {
          held_.emplace_back(account, bytes);
          bytes = account->quota_bytes() - std::min(account->quota_bytes(), account->live_bytes());
        } else {
          bytes /= 2;
        }
      }
    }
  }

  NodeMemory& memory_;
  std::vector<std::pair<Account*, std::size_t>> held_;
  std::optional<Account> account_;
  std::vector<Chunk> chunks_;
  std::optional<SlabRuns> pages_;
  std::vector<void*> pages_taken_;
};

// Blocks for RocksDB, a hundred a job.
class Writer final : private store::Job {
 public:
  explicit Writer(RealNode& node) : node_(node) {}
  bool busy() const { return left_ > 0 || running_; }
  void write(std::size_t blocks, std::uint64_t first) {
    left_ = blocks;
    next_ = first;
    stored = refused = 0;
    other_error.clear();
    post();
  }
  std::size_t stored = 0;
  std::size_t refused = 0;
  std::string other_error;

 private:
  void post() {
    running_ = node_.jobs().post(*this, store::JobClass::write);
    MASU_CHECK(running_, "the queue of a node at rest has room for a few jobs");
  }
  void run() noexcept override {
    for (int i = 0; i < 100 && left_ > 0; ++i, --left_, ++next_) {
      std::array<std::uint8_t, 1536> bytes;
      for (std::size_t at = 0; at < bytes.size(); ++at) {
        bytes[at] = static_cast<std::uint8_t>((next_ * 2654435761u + at * at) >> (at % 24));
      }
      const Bytes block(bytes);
      const auto put = node_.blocks().put(*multihash_of(HashCode::sha2_256, block), block);
      if (put) {
        ++stored;
      } else if (put.error().code == store::StoreErrorCode::out_of_memory) {
        ++refused;
      } else {
        other_error = put.error().detail;
      }
    }
  }
  void finish() noexcept override {
    running_ = false;
    if (left_ > 0) post();
  }

  RealNode& node_;
  std::size_t left_ = 0;
  std::uint64_t next_ = 0;
  bool running_ = false;
};

class Commands {
 public:
  Commands(EventLoop& loop, RealNode& node, NodeMemory& memory)
      : loop_(loop), node_(node), filler_(memory), input_(loop.context(), ::dup(STDIN_FILENO)) {
    for (std::size_t i = 0; i < memory.plan().worker_threads; ++i) {
      writers_.push_back(std::make_unique<Writer>(node));
    }
    read();
  }
  void stop() {
    input_.close();
    loop_.run_until([&] { return !writing(); }, loop_.clock().now() + 30s);
    filler_.release();
  }

 private:
  void read() {
    boost::asio::async_read_until(input_, line_, '\n', [this](const auto& error, std::size_t size) {
      if (error) return;
      std::string line(static_cast<const char*>(line_.data().data()), size - 1);
      line_.consume(size);
      obey(line);
      read();
    });
  }
  void obey(const std::string& line) {
    // What requests and connections go through.
    static constexpr std::array<std::string_view, 5> spared = {"http.", "net.", "request.", "store.",
                                                               "bitswap."};
    if (line == "fill") {
      filler_.fill({});
    } else if (line == "spare") {
      filler_.fill(spared);
    } else if (line == "release") {
      filler_.release();
      say("released");
    } else if (line.starts_with("rung ")) {
      set_rung(line.substr(5));
    } else if (line.starts_with("tagged ")) {
      const std::size_t space = line.find(' ', 7);
      const auto peer = PeerId::parse(line.substr(7, space - 7));
      say(peer && node_.swarm()->has_tag(*peer, line.substr(space + 1)) ? "yes" : "no");
    } else if (line.starts_with("write ")) {
      const std::size_t blocks = std::stoul(line.substr(6));
      for (const auto& writer : writers_) {
        writer->write(blocks / writers_.size(), numbers_);
        numbers_ += blocks;
      }
      report_later();
    } else {
      say("no such command: " + line);
    }
  }
  // The pressure lies a little above the rung's threshold, whatever is given up, until it is said to be off.
  void set_rung(const std::string& words) {
    constexpr std::size_t above_bytes = std::size_t{32} * 1024;
    const std::size_t space = words.rfind(' ');
    const std::string name = words.substr(0, space);
    const bool on = words.substr(space + 1) == "on";
    const std::vector<RungRow> rungs = node_.governor().ladder().rows();
    const auto rung = std::ranges::find(rungs, name, &RungRow::name);
    if (rung == rungs.end()) return say("no such rung: " + name);
    const std::size_t resident = rung->threshold + above_bytes;
    node_.governor().set_probe([on, resident](GovernorSample& sample) {
      if (on) sample.resident_bytes = std::max(sample.resident_bytes, resident);
    });
    node_.check_memory();
    say(name + (on ? " is on" : " is off"));
  }
  bool writing() const {
    return std::ranges::any_of(writers_, [](const auto& one) { return one->busy(); });
  }
  void report_later() {
    if (writing()) {
      boost::asio::post(loop_.context(), [this] { wait_.arm(*this); });
      return;
    }
    std::size_t stored = 0, refused = 0;
    std::string other;
    for (const auto& writer : writers_) {
      stored += writer->stored;
      refused += writer->refused;
      other += writer->other_error;
    }
    say("wrote " + std::to_string(stored) + ", refused " + std::to_string(refused) + " " + other);
  }
  // Looks again after a moment.
  struct Wait final : net::Timer {
    void arm(Commands& commands) {
      owner = &commands;
      commands.loop_.timers().arm(*this, commands.loop_.clock().now() + 20ms);
    }
    void on_timer(TimePoint) override { owner->report_later(); }
    Commands* owner = nullptr;
  };

  EventLoop& loop_;
  RealNode& node_;
  Filler filler_;
  boost::asio::posix::stream_descriptor input_;
  boost::asio::streambuf line_{1024};
  std::vector<std::unique_ptr<Writer>> writers_;
  std::uint64_t numbers_ = 0;
  Wait wait_;
};

int fail(const std::string& error) {
  std::fprintf(stderr, "Error: %s\n", error.c_str());
  return 1;
}

int run(const std::string& repo_path, const std::string& budget) {
  std::signal(SIGPIPE, SIG_IGN);
  auto repo = Repo::open(repo_path);
  if (!repo) return fail(repo.error());
  const auto plan = choose_plan(budget, "");
  if (!plan) return fail(plan.error());
  auto memory = NodeMemory::enter(*plan);
  if (!memory) return fail(memory.error());
  EventLoop loop;
  auto node = RealNode::open(**repo, **memory, loop);
  if (!node) return fail(node.error());
  if (auto online = (*node)->go_online(""); !online) return fail(online.error());
  {
    rpc::Server server(**node, (*memory)->requests());
    (*node)->on_shut_down([&] { loop.stop(); });
    boost::asio::signal_set signals(loop.context(), SIGINT, SIGTERM);
    signals.async_wait([&](const auto& error, int) {
      if (!error) (*node)->shut_down();
    });
    const auto bound = server.listen(*Multiaddr::parse((*repo)->config().texts("Addresses.API").at(0)));
    if (!bound) return fail(bound.error());
    if (auto written = (*repo)->write_api(bound->to_string()); !written) return fail(written.error());
    Commands commands(loop, **node, **memory);
    say("Daemon is ready");
    loop.run();
    commands.stop();
    server.close();
    loop.run_until([&] { return server.closed(); }, loop.clock().now() + 10s);
  }
  (*node)->close();
  return 0;
}

}  // namespace
}  // namespace masu::core

int main(int count, char** values) {
  if (count != 3) return 2;
  return masu::core::run(values[1], values[2]);
}
