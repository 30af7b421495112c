#include "net/dns/cares_client.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <list>

#include <ares.h>
#include <arpa/nameser.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace masu::net {
namespace {

constexpr int try_timeout_ms = 2000;
constexpr int tries = 2;

using Descriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

}  // namespace

struct CaresClient::Impl final : private Timer {
  Impl(boost::asio::io_context& its_context, const Clock& its_clock, TimerQueue& its_timers,
       std::string its_servers)
      : context(its_context), clock(its_clock), timers(its_timers), servers(std::move(its_servers)) {}
  ~Impl() override {
    for (Asked& asked : under_way) asked.question = nullptr;
    if (channel != nullptr) ares_destroy(channel);  // answers all, with an error
    for (const auto& socket : sockets) socket->end();
  }

  // A question that c-ares works on. In a list, so that it stays where it is.
  struct Asked {
    Impl* impl = nullptr;
    DnsQuestion* question = nullptr;
    DnsAnswer answer;
    bool answered = false;
  };

  // A socket of c-ares' own. Shared by the client and the waits under way, which may outlive it for a turn.
  struct Socket : std::enable_shared_from_this<Socket> {
    Socket(Impl& its_impl, ares_socket_t its_fd)
        : impl(&its_impl), fd(its_fd), descriptor(its_impl.context.get_executor()) {
      boost::system::error_code failed;
      descriptor.assign(fd, failed);
    }
    // c-ares is about to close it.
    void end() {
      impl = nullptr;
      if (descriptor.is_open()) descriptor.release();
    }
    void watch(bool readable, bool writable) {
      wants_read = readable;
      wants_write = writable;
      if (readable && !reading) wait(Descriptor::wait_read, reading);
      if (writable && !writing) wait(Descriptor::wait_write, writing);
    }
    void wait(Descriptor::wait_type what, bool& flag) {
      flag = true;
      descriptor.async_wait(
          what, [self = shared_from_this(), what, &flag](const boost::system::error_code& failed) {
            flag = false;
            if (self->impl == nullptr || failed) return;
            const bool read = what == Descriptor::wait_read;
            if (read ? !self->wants_read : !self->wants_write) return;
            self->impl->process(read ? self->fd : ARES_SOCKET_BAD, read ? ARES_SOCKET_BAD : self->fd);
            if (self->impl != nullptr) self->watch(self->wants_read, self->wants_write);
          });
    }

    Impl* impl;
    const ares_socket_t fd;
    Descriptor descriptor;
    bool wants_read = false;
    bool wants_write = false;
    bool reading = false;
    bool writing = false;
  };

  // Empty: it is there.
  std::string open() {
    if (channel != nullptr) return {};
    ares_options options{};
    options.timeout = try_timeout_ms;
    options.tries = tries;
    options.sock_state_cb = on_socket;
    options.sock_state_cb_data = this;
    int failed =
        ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (failed == ARES_SUCCESS && !servers.empty())
      failed = ares_set_servers_ports_csv(channel, servers.c_str());
    if (failed == ARES_SUCCESS) return {};
    if (channel != nullptr) ares_destroy(std::exchange(channel, nullptr));
    return ares_strerror(failed);
  }

  void ask(DnsType type, const std::string& name, DnsQuestion& question) {
    Asked& asked = under_way.emplace_back();
    asked.impl = this;
    asked.question = &question;
    if (const std::string failed = open(); !failed.empty()) {
      asked.answer.error = failed;
      return answered(asked);
    }
    if (type == DnsType::txt) {
      ares_query(channel, name.c_str(), ns_c_in, ns_t_txt, on_text, &asked);
    } else {
      ares_addrinfo_hints hints{};
      hints.ai_family = type == DnsType::a ? AF_INET : AF_INET6;
      hints.ai_flags = ARES_AI_NOSORT;
      ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, on_addresses, &asked);
    }
    arm();
  }

  void forget(DnsQuestion& question) {
    for (Asked& asked : under_way) {
      if (asked.question == &question) asked.question = nullptr;
    }
  }

  static void on_socket(void* data, ares_socket_t fd, int readable, int writable) {
    Impl& impl = *static_cast<Impl*>(data);
    auto& sockets = impl.sockets;
    auto found =
        std::find_if(sockets.begin(), sockets.end(), [&](const auto& socket) { return socket->fd == fd; });
    if (readable == 0 && writable == 0) {
      if (found == sockets.end()) return;
      (*found)->end();
      sockets.erase(found);
      return;
    }
    if (found == sockets.end()) found = sockets.insert(sockets.end(), std::make_shared<Socket>(impl, fd));
    (*found)->watch(readable != 0, writable != 0);
  }

  static void on_text(void* data, int status, int, unsigned char* bytes, int size) {
    Asked& asked = *static_cast<Asked*>(data);
    ares_txt_ext* texts = nullptr;
    if (status == ARES_SUCCESS) status = ares_parse_txt_reply_ext(bytes, size, &texts);
    if (status != ARES_SUCCESS) asked.answer.error = ares_strerror(status);
    for (const ares_txt_ext* text = texts; text != nullptr; text = text->next) {
      const std::string_view part(reinterpret_cast<const char*>(text->txt), text->length);
      if (text->record_start != 0) {
        if (asked.answer.texts.size() == DnsAnswer::records_max) break;
        asked.answer.texts.emplace_back(part);
      } else if (!asked.answer.texts.empty()) {
        asked.answer.texts.back() += part;
      }
    }
    if (texts != nullptr) ares_free_data(texts);
    asked.impl->answered(asked);
  }

  static void on_addresses(void* data, int status, int, ares_addrinfo* found) {
    Asked& asked = *static_cast<Asked*>(data);
    if (status != ARES_SUCCESS) asked.answer.error = ares_strerror(status);
    for (const ares_addrinfo_node* node = found != nullptr ? found->nodes : nullptr; node != nullptr;
         node = node->ai_next) {
      if (asked.answer.addresses.size() == DnsAnswer::records_max) break;
      if (node->ai_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, node->ai_addr, sizeof v4);
        IpAddress::V4 bytes;
        std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
        asked.answer.addresses.emplace_back(bytes);
      } else if (node->ai_family == AF_INET6) {
        sockaddr_in6 v6;
        std::memcpy(&v6, node->ai_addr, sizeof v6);
        IpAddress::V6 bytes;
        std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
        asked.answer.addresses.emplace_back(bytes);
      }
    }
    if (found != nullptr) ares_freeaddrinfo(found);
    asked.impl->answered(asked);
  }

  // c-ares may answer inside of the question: those who asked are told by the timer, from the loop.
  void answered(Asked& asked) {
    asked.answered = true;
    timers.arm(*this, clock.now());
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel, readable, writable);
    tell();
  }

  void tell() {
    for (auto at = under_way.begin(); at != under_way.end();) {
      if (!at->answered) {
        ++at;
        continue;
      }
      std::list<Asked> one;
      one.splice(one.begin(), under_way, at);
      if (one.front().question != nullptr) one.front().question->on_answer(one.front().answer);
      at = under_way.begin();  // it may have asked, or forgotten others
    }
    arm();
  }

  void on_timer(TimePoint) override {
    if (channel != nullptr) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    tell();
  }

  void arm() {
    if (std::any_of(under_way.begin(), under_way.end(), [](const Asked& asked) { return asked.answered; })) {
      return timers.arm(*this, clock.now());
    }
    timeval most{try_timeout_ms / 1000 * tries, 0};
    timeval left{};
    if (under_way.empty() || channel == nullptr) return cancel();
    if (const timeval* next = ares_timeout(channel, &most, &left)) {
      timers.arm(*this,
                 clock.now() + std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec));
    }
  }

  boost::asio::io_context& context;
  const Clock& clock;
  TimerQueue& timers;
  const std::string servers;
  ares_channel channel = nullptr;
  std::list<Asked> under_way;
  std::vector<std::shared_ptr<Socket>> sockets;
};

CaresClient::CaresClient(boost::asio::io_context& context, const Clock& clock, TimerQueue& timers,
                         std::string servers)
    : impl_(std::make_unique<Impl>(context, clock, timers, std::move(servers))) {}

CaresClient::~CaresClient() = default;

void CaresClient::ask(DnsType type, const std::string& name, DnsQuestion& question) {
  impl_->ask(type, name, question);
}

void CaresClient::forget(DnsQuestion& question) noexcept { impl_->forget(question); }

}  // namespace masu::net
