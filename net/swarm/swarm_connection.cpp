#include "net/swarm/swarm_connection.hpp"

#include "net/swarm/swarm_core.hpp"

namespace masu::net {
namespace {

constexpr int quiet_ticks_max = 3;  // then a busy link is one no more

}  // namespace

SwarmConnection* SwarmPeer::in_use() {
  for (SwarmConnection& connection : connections) {
    if (connection.usable()) return &connection;
  }
  return nullptr;
}

SwarmConnection::SwarmConnection(SwarmCore& swarm, LinkHandle link, ConnectionRole role,
                                 std::optional<PeerId> expected)
    : swarm_(swarm),
      link_(std::move(link)),
      opened_at_(swarm.now()),
      connection_(swarm.resources(), *this, role, std::move(expected), swarm.now()) {
  if (const auto ip = link_->remote_address().ip()) {
    remote_host_ = host_of(*ip);
    from_loopback_ = ip->is_loopback();
  }
}

void SwarmConnection::start() {
  link_->start(*this);
  if (connection_.wants_write()) {
    writing_stopped_ = false;
    link_->want_write();
  }
  arm();
}

void SwarmConnection::run_turn() {
  connection_.turn(swarm_.now());
  drain();
}

void SwarmConnection::close() {
  if (std::exchange(closing_, true)) return;
  given_up_ = true;
  connection_.close();
}

// --- The link's side. ---

Chunk SwarmConnection::chunk_for_reading() {
  Chunk chunk = connection_.chunk_for_reading();
  reading_stopped_ = !chunk;
  return chunk;
}

void SwarmConnection::on_bytes(Chunk chunk) {
  const std::uint64_t before = connection_.stats().bytes_in;
  connection_.on_bytes(std::move(chunk), swarm_.now());
  note_moved(static_cast<std::size_t>(connection_.stats().bytes_in - before));
  drain();
}

Bytes SwarmConnection::bytes_to_send() {
  const Bytes bytes = connection_.bytes_to_send(swarm_.now());
  writing_stopped_ = bytes.empty();
  drain();  // destroys it only when there are no bytes
  return bytes;
}

void SwarmConnection::on_sent(std::size_t bytes) {
  connection_.on_sent(bytes, swarm_.now());
  note_moved(bytes);
  drain();
}

void SwarmConnection::on_link_closed(std::string_view why) {
  connection_.on_link_closed(why, swarm_.now());
  drain();
}

void SwarmConnection::on_timer(TimePoint now) {
  // It was armed for an earlier deadline than there is now, perhaps.
  const auto deadline = connection_.next_deadline();
  if (deadline && *deadline <= now) connection_.on_deadline(now);
  drain();
}

// What the connection's law asks for after each input.
void SwarmConnection::drain() {
  if (std::exchange(just_established_, false)) swarm_.on_new_connection(*this);
  if (connection_.ended()) return swarm_.on_connection_gone(*this);
  if (reading_stopped_ && connection_.wants_read()) {
    reading_stopped_ = false;
    link_->resume_reading();
  }
  if (writing_stopped_ && connection_.wants_write()) {
    writing_stopped_ = false;
    link_->want_write();
  }
  arm();
}

// A timer that goes off too early costs less than one that is moved with each byte.
void SwarmConnection::arm() {
  const auto next = connection_.next_deadline();
  if (!next) return cancel();
  const TimePoint at = coalesced(*next, swarm_.now());
  if (!armed() || at < deadline()) swarm_.timers().arm(*this, at);
}

void SwarmConnection::note_moved(std::size_t bytes) {
  if (bytes == 0) return;
  if (moved_bytes_ == 0 && !busy_) swarm_.on_bytes_move(*this);
  moved_bytes_ += bytes;
  if (busy_ || moved_bytes_ < swarm_.options().busy_bytes || swarm_.resources().memory_low()) return;
  busy_ = link_->set_busy(true);
  quiet_ticks_ = 0;
}

void SwarmConnection::expect_bytes() {
  if (busy_ || !established() || swarm_.resources().memory_low()) return;
  busy_ = link_->expect_bytes();
  quiet_ticks_ = 0;
  if (busy_) swarm_.on_bytes_move(*this);  // so that it ends when nothing comes
}

bool SwarmConnection::tick() {
  const bool quiet = std::exchange(moved_bytes_, 0) < swarm_.options().busy_bytes / 4;
  if (busy_) {
    quiet_ticks_ = quiet ? static_cast<std::uint8_t>(quiet_ticks_ + 1) : std::uint8_t{0};
    if (quiet_ticks_ < quiet_ticks_max) {
      parked_bytes_ = 0;
      return true;
    }
    link_->set_busy(false);
    busy_ = false;
  }
  parked_bytes_ = link_->parked_bytes();
  return parked_bytes_ > 0 || reading_stopped_;
}

// --- The connection's side. ---

bool SwarmConnection::on_established(const PeerId& peer, const PublicKey& key) {
  just_established_ = swarm_.admit(*this, peer, key);
  return just_established_;
}

std::string_view SwarmConnection::find_protocol(std::string_view protocol) {
  return swarm_.find_protocol(protocol);
}

StreamHandler* SwarmConnection::on_inbound_stream(std::string_view protocol) {
  return swarm_.on_inbound_stream(*this, protocol);
}

void SwarmConnection::on_stream_gone(std::string_view protocol, bool inbound) {
  if (inbound) swarm_.on_inbound_stream_gone(*this, protocol);
}

void SwarmConnection::on_stream_bytes(std::string_view protocol, std::size_t in, std::size_t out) {
  swarm_.on_stream_bytes(*this, protocol, in, out);
}

void SwarmConnection::on_connection_ended(ConnectionEnd end, std::string_view detail) {
  closing_ = true;
  swarm_.on_connection_ending(*this, end, detail);
}

void SwarmConnection::on_turn_wanted() { swarm_.want_turn(*this); }

bool SwarmConnection::is_peer_of_use() const {
  return peer_ != nullptr && (peer_->of_use || swarm_.manager().is_protected(peer_->id));
}

const PeerId& SwarmConnection::identified_peer() const {
  MASU_CHECK(peer_ != nullptr, "the peer of a connection is known when it is established");
  return peer_->id;
}

std::expected<void, StreamEnd> SwarmConnection::open_stream(std::span<const std::string_view> protocols,
                                                            StreamHandler& handler) {
  if (!usable()) return std::unexpected(StreamEnd::no_connection);
  return connection_.open_stream(protocols, handler, true);
}

std::size_t SwarmConnection::open_streams() const {
  const ConnectionStats stats = connection_.stats();
  return stats.streams_inbound + stats.streams_outbound;
}

}  // namespace masu::net
