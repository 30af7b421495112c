// peers: the honest peers of bench/evening.py: hundreds of them in one process, each with a key and an
// address of its own, against the node that listens on 127.0.0.1:PORT. Figures are lines of JSON on standard
// output.
//
//   peers play PLAN PORT     plays a plan (plan.hpp); begins when a line comes on standard input
//   peers hold COUNT PORT    connects so many and holds them; `ping` on standard input pings each, `close`
//   closes
//                            them all, and the end of input ends it
#include "alloc/resource.hpp"
#include "bench/peers/peer.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

namespace masu::peers {
namespace {

TimePoint clock_now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

class Loop {
 public:
  Loop(const Plan& plan, std::uint16_t port, bool asks)
      : content_(plan.seed, plan.files, plan.file_bytes),
        tally_(plan.limit),
        world_{plan, content_,   tally_, budget_, chunks_, port, ::epoll_create1(EPOLL_CLOEXEC),
               asks, clock_now()} {}
  ~Loop() {
    peers_.clear();
    ::close(world_.epoll);
  }

  void add(const Visit& visit, TimePoint leaves) {
    peers_.push_back(std::make_unique<Peer>(world_, visit, leaves));
  }
  // One turn, of at most so long. False: the input has ended. Whole lines of it are in commands.
  bool turn(Duration most) {
    TimePoint due = world_.now + most;
    for (const auto& peer : peers_) due = std::min(due, peer->next_due());
    const Duration wait = std::max(Duration::zero(), due - world_.now);
    std::array<epoll_event, 256> events;
    const int milliseconds = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
    const int count = ::epoll_wait(world_.epoll, events.data(), events.size(), milliseconds);
    world_.now = clock_now();
    bool more = true;
    for (int n = 0; n < count; ++n) {
      if (events[static_cast<std::size_t>(n)].data.ptr == nullptr) {
        more = read_commands();
      } else {
        static_cast<Peer*>(events[static_cast<std::size_t>(n)].data.ptr)
            ->on_socket(events[static_cast<std::size_t>(n)].events);
      }
    }
    for (const auto& peer : peers_) {
      if (peer->next_due() <= world_.now) peer->step();
    }
    std::erase_if(peers_, [](const auto& peer) { return peer->gone(); });
    return more;
  }
  void listen_to_input() {
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(world_.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  }
  std::size_t identified() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(peers_, &Peer::identified, &std::unique_ptr<Peer>::operator*));
  }

  const Content& content() const { return content_; }
  Tally& tally() { return tally_; }
  TimePoint now() const { return world_.now; }
  std::vector<std::unique_ptr<Peer>>& peers() { return peers_; }
  std::vector<std::string> commands;

 private:
  bool read_commands() {
    std::array<char, 4096> bytes;
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got <= 0) return false;
    input_.append(bytes.data(), static_cast<std::size_t>(got));
    for (std::size_t end; (end = input_.find('\n')) != input_.npos; input_.erase(0, end + 1)) {
      commands.push_back(input_.substr(0, end));
    }
    return true;
  }

  Budget budget_{"peers", std::size_t{4} << 30};
  Account pool_{budget_, "chunks", Lifetime::process, std::size_t{1} << 30};
  ChunkPool chunks_{pool_, 8192};
  const Content content_;
  Tally tally_;
  World world_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::string input_;
};

std::string files_of(const Content& content) {
  std::string text;
  for (const Content::File& file : content.files()) {
    text += (text.empty() ? "" : ",") + ("{\"root\":\"" + file.root) + "\",\"sha256\":\"" + file.sha256 +
            "\",\"size\":" + std::to_string(file.size) + "}";
  }
  return "{\"files\":[" + text + "]}";
}

int play(const std::string& path, std::uint16_t port) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const auto plan = read_plan(text.str());
  if (!plan) {
    std::fprintf(stderr, "%s\n", plan.error().c_str());
    return 1;
  }
  Loop loop(*plan, port, true);
  say(files_of(loop.content()));
  if (std::getchar() == EOF) return 1;
  loop.turn(Duration::zero());
  const TimePoint begin = loop.now();
  auto next = plan->visits.begin();
  std::int64_t second = 0;
  while (next != plan->visits.end() || !loop.peers().empty()) {
    for (; next != plan->visits.end() && begin + next->joins <= loop.now(); ++next) {
      loop.add(*next, begin + next->leaves);
    }
    Duration most = begin + std::chrono::seconds(second) - loop.now();
    if (next != plan->visits.end()) most = std::min(most, begin + next->joins - loop.now());
    loop.turn(std::max(Duration::zero(), most));
    if (loop.now() >= begin + std::chrono::seconds(second)) {
      say("{\"second\":" + std::to_string(second) + ",\"present\":" + std::to_string(loop.peers().size()) +
          ",\"connected\":" + std::to_string(loop.identified()) + "}");
      ++second;
    }
  }
  say("{\"tally\":" + loop.tally().json() + "}");
  return 0;
}

void hold_until(Loop& loop, Duration most, const std::function<bool()>& done) {
  const TimePoint end = loop.now() + most;
  while (loop.now() < end && !done()) loop.turn(10ms);
}

int hold(std::size_t count, std::uint16_t port) {
  const Plan plan;
  Loop loop(plan, port, false);
  loop.listen_to_input();
  for (std::size_t n = 0; n < count; ++n) {
    Visit visit;
    visit.peer = static_cast<std::uint32_t>(n);
    visit.addresses = 4;
    loop.add(visit, TimePoint::max());
    // As many handshakes at once as a node takes from a crowd.
    hold_until(loop, 30s, [&] { return loop.identified() + 16 > loop.peers().size(); });
  }
  hold_until(loop, 60s, [&] { return loop.identified() == count; });
  say("{\"held\":" + std::to_string(loop.identified()) + "}");
  while (loop.turn(1s)) {
    for (const std::string& command : std::exchange(loop.commands, {})) {
      if (command == "ping") {
        const auto pinging = [&] {
          return std::ranges::count_if(loop.peers(), [](const auto& peer) { return peer->pinging(); });
        };
        for (const auto& peer : loop.peers()) {
          peer->ping();
          peer->step();
          hold_until(loop, plan.limit, [&] { return pinging() < 32; });
        }
        hold_until(loop, plan.limit, [&] { return pinging() == 0; });
        say("{\"held\":" + std::to_string(loop.identified()) + ",\"tally\":" + loop.tally().json() + "}");
      } else if (command == "close") {
        for (const auto& peer : loop.peers()) peer->leave();
        hold_until(loop, 10s, [&] { return loop.peers().empty(); });
        say("{\"held\":" + std::to_string(loop.peers().size()) + "}");
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace masu::peers

int main(int count, char** words) {
  if (count != 4) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const std::string_view what = words[1];
  const auto port = static_cast<std::uint16_t>(std::atoi(words[3]));
  if (what == "play") return masu::peers::play(words[2], port);
  if (what == "hold") return masu::peers::hold(std::strtoull(words[2], nullptr, 10), port);
  return 2;
}
