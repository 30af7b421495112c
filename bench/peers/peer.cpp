// The peer and its connection; what it says is in peer_talk.cpp.
#include "bench/peers/peer.hpp"

#include "bitswap/protocol.hpp"
#include "net/identify/identify_limits.hpp"
#include "net/ping.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::peers {
namespace {

constexpr std::array<std::string_view, 4> served = {net::identify_protocol, net::identify_push_protocol,
                                                    net::ping_protocol, bitswap::protocols[0]};
constexpr int reads_a_turn = 16;

PrivateKey key_from(SeededRandom& random) {
  std::array<std::uint8_t, PrivateKey::seed_bytes> seed;
  random.fill(seed);
  return PrivateKey::from_seed(seed);
}

net::ConnectionLimits limits() {
  net::ConnectionLimits limits;
  limits.handshakes = 2;
  limits.streams = 192;
  return limits;
}

}  // namespace

Peer::Peer(World& world, const Visit& visit, TimePoint leaves)
    : world_(world),
      visit_(visit),
      leaves_(leaves),
      random_(world.plan.seed * 0x9e3779b97f4a7c15 + visit.peer),
      key_(key_from(random_)),
      resources_(world.budget, world.chunks, random_, key_, limits()),
      dial_at_(world.now),
      ask_at_(TimePoint::max()),
      push_at_(TimePoint::max()),
      ping_at_(TimePoint::max()),
      tell_at_(TimePoint::max()),
      late_at_(TimePoint::max()) {
  for (std::size_t n = 0; n < visit.wants; ++n) standing_.push_back(absent_cid(random_));
  change_addresses(0);
}

Peer::~Peer() {
  connection_.reset();
  if (socket_ >= 0) ::close(socket_);
}

Duration Peer::about(Duration mean) {
  const double part = (static_cast<double>(random_.below(1000)) + 0.5) / 1000;
  return std::chrono::duration_cast<Duration>(mean * std::min(4.0, -std::log(part)));
}

TimePoint Peer::next_due() const {
  TimePoint next = std::min({ask_at_, push_at_, ping_at_, tell_at_, late_at_, leaving_ ? late_at_ : leaves_});
  if (connection_) {
    if (turn_wanted_) return world_.now;
    if (const auto deadline = connection_->next_deadline()) next = std::min(next, *deadline);
  } else if (!dialling_) {
    next = std::min(next, dial_at_);
  }
  return next;
}

void Peer::step() {
  if (gone_) return;
  const TimePoint now = world_.now;
  if (!leaving_ && now >= leaves_) leave();
  if (gone_) return;
  if (now >= late_at_) forget_late();
  if (!connection_ && !dialling_ && now >= dial_at_) dial();
  if (identified_ && !leaving_) {
    if (now >= tell_at_) tell_all_wants();
    if (now >= ask_at_) ask();
    if (now >= push_at_) push();
    if (now >= ping_at_) {
      if (ping_asked_) {
        try_ping();
      } else {
        ping();
      }
    }
  }
  if (connection_ && connection_->next_deadline() <= now) connection_->on_deadline(now);
  drain();
}

void Peer::leave() {
  for (const auto& [cid, question] : questions_) world_.tally.take_back(question.kind);
  questions_.clear();
  if (connect_asked_) world_.tally.take_back(Kind::connect);
  if (ping_asked_) world_.tally.take_back(Kind::ping);
  connect_asked_.reset();
  ping_asked_.reset();
  leaving_ = true;
  ask_at_ = push_at_ = ping_at_ = tell_at_ = late_at_ = TimePoint::max();
  if (connection_) {
    connection_->close();
    drain();
  } else {
    lost();
  }
}

// --- The socket. ---

void Peer::dial() {
  if (!connect_asked_) {
    connect_asked_ = world_.now;
    world_.tally.ask(Kind::connect);
    late_at_ = std::min(late_at_, world_.now + world_.tally.limit());
  }
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  // 127.1.0.0 and upwards: each peer is another host.
  from.sin_addr.s_addr = htonl(0x7f010000u + visit_.peer);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(world_.port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  dialling_ = true;
  if (socket_ < 0 || ::bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)) {
    ++world_.tally.refused;
    return lost();
  }
  epoll_event event{};
  event.events = watched_ = EPOLLOUT;
  event.data.ptr = this;
  ::epoll_ctl(world_.epoll, EPOLL_CTL_ADD, socket_, &event);
}

void Peer::on_socket(std::uint32_t events) {
  if (gone_) return;
  if (dialling_) return on_dialled();
  if (!connection_) return;
  full_ = full_ && (events & EPOLLOUT) == 0;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read();
  drain();
}

void Peer::on_dialled() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    ++world_.tally.refused;
    return lost();
  }
  dialling_ = false;
  full_ = false;
  connection_.emplace(resources_, static_cast<net::ConnectionOwner&>(*this), net::ConnectionRole::dialer,
                      std::nullopt, world_.now);
  drain();
}

void Peer::read() {
  for (int n = 0; n < reads_a_turn && connection_->wants_read(); ++n) {
    Chunk chunk = connection_->chunk_for_reading();
    if (!chunk) return;
    const ssize_t got = ::recv(socket_, chunk.space().data(), chunk.space().size(), 0);
    const int error = errno;
    if (got > 0) chunk.fill(static_cast<std::size_t>(got));
    connection_->on_bytes(std::move(chunk), world_.now);
    if (got > 0) continue;
    if (got == 0 || (error != EAGAIN && error != EINTR)) connection_->on_link_closed("closed", world_.now);
    return;
  }
}

void Peer::write() {
  while (!full_ && connection_->wants_write()) {
    const Bytes bytes = connection_->bytes_to_send(world_.now);
    if (bytes.empty()) return;
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      connection_->on_sent(static_cast<std::size_t>(sent), world_.now);
    } else if (errno == EAGAIN || errno == EINTR) {
      full_ = true;
    } else {
      return connection_->on_link_closed("gone", world_.now);
    }
  }
}

void Peer::drain() {
  if (!connection_) return;
  for (int n = 0; n < 8 && !connection_->ended(); ++n) {
    if (std::exchange(turn_wanted_, false)) connection_->turn(world_.now);
    write();
    if (connection_->established() && !asked_who_ && !leaving_) ask_who();
    if (!turn_wanted_) break;
  }
  if (connection_->ended()) return lost();
  watch();
}

void Peer::watch() {
  std::uint32_t wanted = 0;
  if (connection_->wants_read()) wanted |= EPOLLIN;
  if (full_) wanted |= EPOLLOUT;
  if (wanted == watched_) return;
  epoll_event event{};
  event.events = watched_ = wanted;
  event.data.ptr = this;
  ::epoll_ctl(world_.epoll, EPOLL_CTL_MOD, socket_, &event);
}

void Peer::lost() {
  const bool was_connected = connection_ && identified_;
  connection_.reset();
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  dialling_ = identified_ = asked_who_ = turn_wanted_ = false;
  owed_.clear();
  if (leaving_) {
    gone_ = true;
    return;
  }
  if (was_connected) ++world_.tally.cut_off;
  ask_at_ = push_at_ = ping_at_ = tell_at_ = TimePoint::max();
  // Who waits for an answer is in more of a hurry.
  dial_at_ = world_.now +
             (questions_.empty() && !ping_asked_ && was_connected ? 3s + about(4s) : 200ms + about(500ms));
}

// --- Streams. ---

void Peer::open(std::span<const std::string_view> protocols, Flow& flow) {
  if (connection_->open_stream(protocols, flow, false)) return;
  flow.refuse();
  on_flow_ended(flow);
}

void Peer::on_flow_ended(Flow& flow) {
  flows_.remove_if([&](const auto& one) { return one.get() == &flow; });
}

std::string_view Peer::find_protocol(std::string_view protocol) {
  const auto found = std::ranges::find(served, protocol);
  return found == served.end() ? std::string_view() : *found;
}

net::StreamHandler* Peer::on_inbound_stream(std::string_view protocol) {
  if (protocol == net::identify_protocol) return &add<SayFlow>(who_i_am());
  if (protocol == net::identify_push_protocol) return &add<SayFlow>("");
  if (protocol == net::ping_protocol) return &add<EchoFlow>();
  return &add<HearFlow>(static_cast<TalkListener&>(*this));
}

void Peer::ask_who() {
  static constexpr std::array<std::string_view, 1> protocol = {net::identify_protocol};
  asked_who_ = true;
  open(protocol, add<SayFlow>("", [this](bool answered) { on_who(answered); }));
}

void Peer::ping() {
  if (!identified_ || ping_asked_) return;
  ping_asked_ = world_.now;
  world_.tally.ask(Kind::ping);
  late_at_ = std::min(late_at_, world_.now + world_.tally.limit());
  try_ping();
}

void Peer::try_ping() {
  static constexpr std::array<std::string_view, 1> protocol = {net::ping_protocol};
  ping_at_ = TimePoint::max();
  open(protocol, add<PingFlow>(random_.bytes(32), [this](bool answered) { on_pong(answered); }));
}

void Peer::on_pong(bool answered) {
  if (leaving_ || !ping_asked_) return;
  if (answered) {
    world_.tally.answer(Kind::ping, world_.now - *ping_asked_);
    ping_asked_.reset();
    if (world_.asks) ping_at_ = world_.now + about(20s);
  } else {
    ping_at_ = world_.now + 200ms + about(200ms);
  }
}

void Peer::push() {
  static constexpr std::array<std::string_view, 1> protocol = {net::identify_push_protocol};
  push_at_ = world_.now + 10s + about(20s);
  change_addresses(addresses_.size() / 2);
  ++world_.tally.pushes;
  open(protocol, add<SayFlow>(who_i_am()));
}

}  // namespace masu::peers
