#include "net/transport/tcp_transport.hpp"

#include "alloc/plan.hpp"
#include "alloc/slab_pool.hpp"
#include "net/transport/tcp_dial.hpp"
#include "net/transport/tcp_link.hpp"
#include "net/transport/tcp_socket.hpp"

#include <algorithm>
#include <cerrno>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <sys/socket.h>

namespace masu::net {
namespace {

static_assert(sizeof(TcpLink) <= plan_entry::link_bytes && sizeof(TcpDial) <= plan_entry::link_bytes);

constexpr int accepted_in_turn = 8;
constexpr Duration accept_pause = 100ms;  // after the kernel had no memory for a socket

// One listening socket.
class TcpListener final : private Timer {
 public:
  class Host {
   public:
    virtual void on_connection(FileHandle fd, LinkAcceptor& acceptor) = 0;

   protected:
    ~Host() = default;
  };

  TcpListener(Host& host, boost::asio::io_context& context, const Clock& clock, TimerQueue& timers,
              LinkAcceptor& acceptor, const TcpOptions& options)
      : host_(host),
        clock_(clock),
        timers_(timers),
        acceptor_(acceptor),
        options_(options),
        descriptor_(context.get_executor()) {}

  // The address really bound, or an errno.
  std::expected<SocketAddress, int> open(const SocketAddress& at) {
    auto fd = open_tcp_socket(at.family(), options_);
    if (!fd) return std::unexpected(fd.error());
    set_reuse(fd->get(), options_.reuse_port);
    if (::bind(fd->get(), at.get(), at.size()) != 0) return std::unexpected(errno);
    if (::listen(fd->get(), options_.backlog) != 0) return std::unexpected(errno);
    bound_ = masu::net::local_address(fd->get());
    boost::system::error_code failed;
    descriptor_.assign(fd->get(), failed);
    if (failed) return std::unexpected(failed.value());
    fd->release();
    reserve_ = open_reserve();
    wait();
    return bound_;
  }

  void set_paused(bool paused) {
    if (paused == paused_ || !descriptor_.is_open()) return;
    paused_ = paused;
    // What connects meanwhile waits in the kernel, which holds its first bytes: one is enough, and no more
    // of them than it would hold for an idle link.
    const int fd = descriptor_.native_handle();
    set_socket_buffers(fd, paused ? options_.receive_buffer_bytes : receive_bytes_at_start(options_),
                       options_.send_buffer_bytes);
    ::listen(fd, paused ? 1 : options_.backlog);
    if (!paused && !pending_) wait();
  }

  void close() {
    cancel();
    boost::system::error_code ignored;
    descriptor_.close(ignored);
  }
  bool closed() const { return !descriptor_.is_open() && !pending_; }
  const SocketAddress& bound() const { return bound_; }

 private:
  static FileHandle open_reserve() { return FileHandle(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

  void wait() {
    pending_ = true;
    descriptor_.async_wait(TcpDescriptor::wait_read,
                           boost::asio::bind_allocator(OperationAllocator<void>(memory_),
                                                       [this](const boost::system::error_code& failed) {
                                                         pending_ = false;
                                                         if (!failed && descriptor_.is_open()) accept();
                                                       }));
  }

  void accept() {
    for (int turn = 0; turn < accepted_in_turn && !paused_ && descriptor_.is_open(); ++turn) {
      FileHandle fd(::accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd) {
        host_.on_connection(std::move(fd), acceptor_);
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      if (errno == EMFILE || errno == ENFILE) {
        refuse_one();
      } else if (errno == ENOBUFS || errno == ENOMEM) {
        return timers_.arm(*this, clock_.now() + accept_pause);
      }
      // Anything else is about a connection that has gone already.
    }
    if (!paused_ && !pending_ && descriptor_.is_open()) wait();
  }

  // No descriptors are left: one that is kept for this is given up for a moment, so that whoever waits is
  // refused and not left hanging, and the loop does not spin on a listener that stays readable.
  void refuse_one() {
    reserve_.reset();
    FileHandle fd(::accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd) set_reset_on_close(fd.get());
    fd.reset();
    reserve_ = open_reserve();
  }

  void on_timer(TimePoint) override {
    if (!paused_ && !pending_ && descriptor_.is_open()) wait();
  }

  Host& host_;
  const Clock& clock_;
  TimerQueue& timers_;
  LinkAcceptor& acceptor_;
  const TcpOptions& options_;
  TcpDescriptor descriptor_;
  OperationMemory memory_;
  SocketAddress bound_;
  FileHandle reserve_;
  bool pending_ = false;
  bool paused_ = false;
};

}  // namespace

struct TcpTransport::Impl final : TcpLinkHost, TcpDialHost, TcpListener::Host {
  Impl(boost::asio::io_context& its_context, const Clock& its_clock, TimerQueue& its_timers, Account& account,
       const TcpOptions& its_options)
      : context(its_context),
        clock(its_clock),
        timers(its_timers),
        tcp_options(its_options),
        links(account, its_options.links_max),
        dials(account, its_options.dials_max) {}

  const TcpOptions& options() const override { return tcp_options; }

  bool take_busy() override {
    if (busy_links == tcp_options.busy_links_max) return false;
    ++busy_links;
    return true;
  }
  void give_busy() override { --busy_links; }
  bool may_expect() const override { return growth_allowed && busy_links < tcp_options.busy_links_max / 2; }
  bool take_wide() override {
    if (!growth_allowed || wide_links == tcp_options.wide_links_max) return false;
    ++wide_links;
    return true;
  }
  void give_wide() override { --wide_links; }
  bool may_be_wide() const override { return growth_allowed; }
  void on_link_released(TcpLink& link) override { links.destroy(&link); }
  void on_dial_released(TcpDial& dial) override { dials.destroy(&dial); }

  LinkHandle make_link(FileHandle fd) override {
    if (links.full()) {
      set_reset_on_close(fd.get());
      return nullptr;
    }
    return LinkHandle(links.create(*this, context, std::move(fd)));
  }

  void on_connection(FileHandle fd, LinkAcceptor& acceptor) override {
    if (LinkHandle link = make_link(std::move(fd))) acceptor.on_accepted(std::move(link));
  }

  std::optional<SocketAddress> dial_from(const SocketAddress& target) const override {
    if (!tcp_options.reuse_port) return std::nullopt;
    const bool to_loopback = target.ip().is_loopback();
    for (const auto& listener : listeners) {
      const SocketAddress& bound = listener->bound();
      if (listener->closed() || bound.family() != target.family()) continue;
      // From its own address a socket would connect to itself.
      if (bound.port() == target.port() && (to_loopback || bound.ip() == target.ip())) continue;
      if (bound.ip().is_unspecified() || bound.ip().is_loopback() == to_loopback) return bound;
    }
    return std::nullopt;
  }

  boost::asio::io_context& context;
  const Clock& clock;
  TimerQueue& timers;
  const TcpOptions tcp_options;
  SlabPool<TcpLink> links;
  SlabPool<TcpDial> dials;
  std::vector<std::unique_ptr<TcpListener>> listeners;  // as many as the configuration names
  std::size_t busy_links = 0;
  std::size_t wide_links = 0;
  bool growth_allowed = true;
  bool paused = false;
};

TcpTransport::TcpTransport(boost::asio::io_context& context, const Clock& clock, TimerQueue& timers,
                           Account& account, const TcpOptions& options)
    : impl_(std::make_unique<Impl>(context, clock, timers, account, options)) {}

TcpTransport::~TcpTransport() {
  MASU_CHECK(closed(), "a transport is closed, and the loop runs until nothing is left of it");
}

bool TcpTransport::can_dial(const MultiaddrView& address) const {
  const auto target = SocketAddress::from_multiaddr(address);
  return target && target->port() != 0 && !target->ip().is_unspecified();
}

LinkDialHandle TcpTransport::dial(const MultiaddrView& address, Duration timeout, LinkDialHandler& handler) {
  const auto target = SocketAddress::from_multiaddr(address);
  MASU_CHECK(target, "only what can_dial() accepts is dialled");
  TcpDial* dial = impl_->dials.create(*impl_, impl_->context, *target, handler);
  if (dial == nullptr) return nullptr;
  dial->start(impl_->timers, impl_->clock.now() + timeout);
  return LinkDialHandle(dial);
}

bool TcpTransport::can_listen(const MultiaddrView& address) const {
  return SocketAddress::from_multiaddr(address).has_value();
}

std::expected<Multiaddr, std::string> TcpTransport::listen(const MultiaddrView& address,
                                                           LinkAcceptor& acceptor) {
  const auto at = SocketAddress::from_multiaddr(address);
  if (!at) return std::unexpected("listen on " + address.to_string() + ": not a TCP address");
  auto listener = std::make_unique<TcpListener>(*impl_, impl_->context, impl_->clock, impl_->timers, acceptor,
                                                impl_->tcp_options);
  const auto bound = listener->open(*at);
  if (!bound) {
    return std::unexpected("listen on " + address.to_string() + ": " + error_text(bound.error()));
  }
  listener->set_paused(impl_->paused);
  impl_->listeners.push_back(std::move(listener));
  return bound->to_multiaddr();
}

std::vector<Multiaddr> TcpTransport::reachable_at(const Multiaddr& bound) const {
  const auto address = SocketAddress::from_multiaddr(bound);
  if (!address || !address->ip().is_unspecified()) return {bound};
  std::vector<Multiaddr> all;
  for (const IpAddress& ip : interface_addresses(address->family())) {
    all.push_back(Multiaddr::tcp(ip, address->port()));
  }
  return all;
}

void TcpTransport::pause_accepting(bool paused) {
  impl_->paused = paused;
  for (const auto& listener : impl_->listeners) listener->set_paused(paused);
}

void TcpTransport::set_growth(bool allowed) { impl_->growth_allowed = allowed; }

void TcpTransport::close() {
  for (const auto& listener : impl_->listeners) listener->close();
}

bool TcpTransport::closed() const {
  return impl_->links.used() == 0 && impl_->dials.used() == 0 &&
         std::all_of(impl_->listeners.begin(), impl_->listeners.end(),
                     [](const auto& listener) { return listener->closed(); });
}

}  // namespace masu::net
