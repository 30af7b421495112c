#include "net/connection.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace masu::net {
namespace {

constexpr Duration closing_timeout = 1s;
constexpr Duration output_stall = 1s;  // then output is small again
constexpr Duration retry_first = 10ms;
constexpr int retries_doubled = 4;  // up to 160 ms

template <class Tag>
IntrusiveListNode<MemoryUser, Tag>& in(MemoryUser& user) {
  return user;
}

}  // namespace

std::string_view name_of(ConnectionEnd end) {
  switch (end) {
    case ConnectionEnd::closed_by_us: return "closed by us";
    case ConnectionEnd::closed_by_peer: return "closed by the peer";
    case ConnectionEnd::handshake_failed: return "handshake failed";
    case ConnectionEnd::wrong_peer: return "wrong peer";
    case ConnectionEnd::protocol_error: return "protocol error";
    case ConnectionEnd::timed_out: return "timed out";
    case ConnectionEnd::out_of_memory: return "out of memory";
  }
  return "ended";
}

// Every input ends with settle(), whatever way it is left.
class Connection::Input {
 public:
  Input(Connection& connection, TimePoint now) : connection_(connection), now_(now) {
    MASU_CHECK(!connection.in_input_, "an upcall makes no input");
    connection.in_input_ = true;
    connection.now_ = now;
  }
  ~Input() {
    connection_.settle(now_);
    connection_.in_input_ = false;
    if (connection_.session_.has_work()) connection_.on_session_marked();
  }

 private:
  Connection& connection_;
  const TimePoint now_;
};

Connection::Connection(ConnectionResources& resources, ConnectionOwner& owner, ConnectionRole role,
                       std::optional<PeerId> expected, TimePoint now)
    : resources_(resources),
      owner_(owner),
      role_(role),
      reader_(resources.chunks(), resources.receive_account(), resources.frame_slots()),
      writer_(resources.chunks(), resources.send_account()),
      session_(resources, writer_, *this, role == ConnectionRole::dialer),
      upgrade_(resources.upgrades().make(resources, role, std::move(expected))),
      now_(now),
      phase_deadline_(upgrade_ ? now + resources.limits().handshake_timeout : now) {}

Connection::~Connection() {
  in_input_ = true;
  session_.close_all(StreamEnd::connection_lost, now_);
}

// --- Input. ---

Chunk Connection::chunk_for_reading() {
  if (!wants_read()) return Chunk();
  Chunk chunk = reader_.chunk_for_reading(claim());
  if (chunk) {
    retries_ = 0;
    blocked_since_ = TimePoint::max();
  } else {
    on_read_blocked();
  }
  return chunk;
}

std::size_t Connection::chunks_behind(std::span<Chunk> chunks) {
  return reader_.chunks_behind(claim(), chunks);
}

SecureReader::Claim Connection::claim() const {
  const bool of_use = is_of_use();
  return {.takes = of_use || !resources_.strangers_wait(),
          .slots_left = of_use ? 0 : resources_.slots_kept()};
}

void Connection::on_read_blocked() {
  read_blocked_ = true;
  if (blocked_since_ == TimePoint::max()) {
    blocked_since_ = now_;
  } else if (now_ - blocked_since_ >= resources_.limits().memory_patience) {
    const bool for_slot = reader_.blocked() == SecureReader::Blocked::slot;
    resources_.make_room(*this, for_slot, now_);
  }
  resources_.wait(*this);
  retry_later(now_);
  on_session_marked();  // the owner arms the deadline
}

void Connection::on_bytes(Chunk chunk, TimePoint now) {
  const Input input(*this, now);
  const std::size_t fresh = reader_.add(std::move(chunk));
  bytes_in_ += fresh;
  write_blocked_ = false;
  if (fresh > 0) session_.yamux().note_input(now);
  process(now);
}

Bytes Connection::bytes_to_send(TimePoint now) {
  {
    const Input input(*this, now);
    write_blocked_ = false;
    if (state_ == State::upgrading && upgrade_waits_output_) process(now);
    if (!writer_.has_sealed() && state_ == State::open) session_.pump(now);
    if (!writer_.has_sealed() && state_ == State::closing) session_.yamux().pump(now);
  }
  if (state_ == State::ended) return {};
  const auto front = writer_.front(resources_.aead());
  if (!front) {
    const Input input(*this, now);
    fail(
        front.error() == NoiseError::exhausted ? ConnectionEnd::protocol_error : ConnectionEnd::out_of_memory,
        name_of(front.error()), now);
    end();
    return {};
  }
  if (!front->empty()) {
    retries_ = 0;
    return *front;
  }
  output_since_ = TimePoint::max();  // the link took all there was
  if (output_pending()) {
    // Nothing could be written: for want of a chunk, or because nobody had anything to write after all.
    write_blocked_ = true;
    if (writer_.refused()) retry_later(now);
  }
  return {};
}

void Connection::on_sent(std::size_t bytes, TimePoint now) {
  const Input input(*this, now);
  writer_.sent(bytes);
  bytes_out_ += bytes;
  if (bytes > 0) {
    output_since_ = TimePoint::max();
    stall_noted_ = false;
  }
  if (upgrade_waits_output_ || session_.yamux().stall() == Yamux::Stall::output) process(now);
}

void Connection::on_link_closed(std::string_view why, TimePoint now) {
  const Input input(*this, now);
  fail(state_ == State::upgrading ? ConnectionEnd::handshake_failed : ConnectionEnd::closed_by_peer, why,
       now);
  end();
}

void Connection::on_deadline(TimePoint now) {
  const Input input(*this, now);
  check_deadlines(now);
}

void Connection::turn(TimePoint now) {
  const Input input(*this, now);
  turn_asked_ = false;
  write_blocked_ = false;
  if (std::exchange(frame_taken_, false) && reader_.waits_for_rest()) {
    return fail(ConnectionEnd::timed_out, "a frame took too long", now);
  }
  if (std::exchange(memory_back_, false)) {
    read_blocked_ = false;
    process(now);
  }
}

// --- Working through what came. ---

void Connection::process(TimePoint now) {
  if (state_ == State::upgrading) advance_upgrade(now);
  if (state_ == State::open) read_frames(now);
  if (state_ == State::closing || state_ == State::ended) reader_.clear();
}

void Connection::advance_upgrade(TimePoint now) {
  if (!upgrade_) return;  // refused; its deadline is now
  upgrade_waits_output_ = false;
  try {
    const auto progress = upgrade_->advance(reader_, writer_);
    if (!progress) {
      peer_ = upgrade_->answered();
      fail(progress.error().end, progress.error().detail, now);
    } else if (*progress == Upgrade::Progress::done) {
      establish(now);
    } else {
      upgrade_waits_output_ = *progress == Upgrade::Progress::waits_output;
      if (upgrade_waits_output_ && writer_.refused()) retry_later(now);
    }
  } catch (const std::bad_alloc&) {
    fail(ConnectionEnd::out_of_memory, "no memory for the handshake", now);
  }
}

void Connection::establish(TimePoint now) {
  peer_ = upgrade_->remote().peer;
  state_ = State::open;
  phase_deadline_ = TimePoint::max();
  session_.yamux().start(now);
  const bool wanted = owner_.on_established(*peer_, upgrade_->remote().key);
  upgrade_.reset();
  if (!wanted) fail(ConnectionEnd::closed_by_us, "not wanted", now);
}

void Connection::read_frames(TimePoint now) {
  Yamux& yamux = session_.yamux();
  while (state_ == State::open) {
    const auto piece = reader_.peek(resources_.aead());
    if (!piece) return fail(ConnectionEnd::protocol_error, name_of(piece.error()), now);
    if (piece->empty() && yamux.stall() == Yamux::Stall::none) return;
    const auto used = session_.on_bytes(*piece, now);
    if (!used) return fail(ConnectionEnd::protocol_error, name_of(used.error()), now);
    reader_.consume(*used);
    if (*used > 0) frame_since_ = stalled_since_ = TimePoint::max();  // it moves
    if (peer_goes_away_) return fail(ConnectionEnd::closed_by_peer, "the peer said goodbye", now);
    if (yamux.stall() != Yamux::Stall::none) return;
  }
}

// What each input ends with: marks worked off, clocks set, others woken.
void Connection::settle(TimePoint now) {
  if (state_ == State::open) session_.run(now);
  if (state_ == State::open && close_marked_) fail(ConnectionEnd::closed_by_us, "", now);
  if (state_ == State::upgrading && close_marked_) fail(ConnectionEnd::closed_by_us, "", now);
  writer_.trim();
  if (state_ == State::closing && !output_pending()) end();
  settle_clocks(now);
}

void Connection::settle_clocks(TimePoint now) {
  if (state_ == State::ended) return;
  const Yamux& yamux = session_.yamux();
  settle_frame(now);
  if (!output_pending()) {
    output_since_ = TimePoint::max();
    stall_noted_ = false;
  } else if (output_since_ == TimePoint::max()) {
    output_since_ = now;
  }
  if (yamux.stall() == Yamux::Stall::memory) {
    if (stalled_since_ == TimePoint::max()) stalled_since_ = now;
    if (retry_at_ <= now || retry_at_ == TimePoint::max()) retry_later(now);
    resources_.wait(*this);
  } else {
    stalled_since_ = TimePoint::max();
  }
  const bool blocked =
      read_blocked_ || write_blocked_ || upgrade_waits_output_ || stalled_since_ != TimePoint::max();
  if (!blocked) retry_at_ = TimePoint::max();
  if (!read_blocked_ && stalled_since_ == TimePoint::max()) in<WaitsForMemory>(*this).unlink();
  // The peer cannot show life while nobody listens.
  if (state_ == State::open && !wants_read()) session_.yamux().note_input(now);
  wake_others();
}

void Connection::settle_frame(TimePoint now) {
  if (!reader_.waits_for_rest()) {
    frame_since_ = TimePoint::max();
    return in<GathersFrame>(*this).unlink();
  }
  if (frame_since_ == TimePoint::max() || read_blocked_) frame_since_ = now;
  if (state_ == State::open && !frame_taken_) resources_.gathers(*this);
}

// What this connection gave back since the last input may be what another one waits for.
void Connection::wake_others() {
  const std::size_t held = reader_.held_bytes() + session_.yamux().held_bytes();
  const bool slot = reader_.has_slot();
  const bool gave_chunk = std::exchange(held_bytes_, held) > held;
  const bool gave_slot = std::exchange(held_slot_, slot) && !slot;
  if (gave_chunk || gave_slot) resources_.wake_one();
}

void Connection::retry_later(TimePoint now) {
  retry_at_ = now + retry_first * (1 << std::min<int>(retries_, retries_doubled));
  if (retries_ < retries_doubled) ++retries_;
}

// --- Deadlines. ---

std::optional<TimePoint> Connection::next_deadline() const {
  if (state_ == State::ended) return std::nullopt;
  if (state_ == State::closing) return phase_deadline_;
  const ConnectionLimits& limits = resources_.limits();
  TimePoint next = std::min(phase_deadline_, retry_at_);
  const auto after = [&](TimePoint since, Duration timeout) {
    if (since != TimePoint::max()) next = std::min(next, since + timeout);
  };
  after(output_since_, stall_noted_ ? limits.write_timeout : output_stall);
  // Whether others need the memory may change.
  if (stall_noted_ && output_since_ != TimePoint::max()) next = std::min(next, now_ + output_stall);
  if (state_ == State::open) {
    // Looked at twice: whether others wait, and at the very end.
    const bool looked = now_ - limits.frame_timeout_pressed >= frame_since_;
    after(frame_since_, looked ? limits.frame_timeout : limits.frame_timeout_pressed);
    after(stalled_since_, limits.stall_timeout);
    next = std::min({next, session_.next_deadline(), session_.yamux().next_deadline()});
  }
  return next == TimePoint::max() ? std::nullopt : std::optional(next);
}

void Connection::check_deadlines(TimePoint now) {
  const ConnectionLimits& limits = resources_.limits();
  if (state_ == State::closing && now >= phase_deadline_) end();
  if (state_ == State::closing || state_ == State::ended) return;
  if (now >= phase_deadline_) {
    if (!upgrade_) return fail(ConnectionEnd::out_of_memory, "too many handshakes", now);
    return fail(ConnectionEnd::timed_out, "handshake took too long", now);
  }
  if (output_since_ != TimePoint::max() && writer_.refused() && writer_.empty())
    output_since_ = now;  // our own fault
  if (output_since_ != TimePoint::max() && now >= output_since_ + output_stall) {
    const Duration timeout = resources_.pressed() ? limits.write_timeout_pressed : limits.write_timeout;
    if (now >= output_since_ + timeout) return fail(ConnectionEnd::timed_out, "the peer reads nothing", now);
    stall_noted_ = true;
    writer_.stalled();
  }
  if (now >= retry_at_) {
    retry_at_ = TimePoint::max();
    read_blocked_ = write_blocked_ = false;
    process(now);
  }
  if (state_ != State::open) return;
  const bool gives_way = resources_.pressed() && !is_of_use();
  const Duration stall_timeout = gives_way ? limits.stall_timeout_pressed : limits.stall_timeout;
  if (stalled_since_ != TimePoint::max() && now >= stalled_since_ + stall_timeout) {
    session_.reset_stalled();
    stalled_since_ = now;
    process(now);
    if (state_ != State::open) return;
  }
  if (frame_since_ != TimePoint::max()) {
    // What a peer of use sends may be slow because we are; who needs its memory takes it (make_room()).
    const Duration timeout = gives_way ? limits.frame_timeout_pressed : limits.frame_timeout;
    if (now >= frame_since_ + timeout) return fail(ConnectionEnd::timed_out, "a frame took too long", now);
  }
  session_.on_deadline(now);
  if (!session_.yamux().on_deadline(now, wants_read()))
    fail(ConnectionEnd::timed_out, "the peer is silent", now);
}

// --- Ends. ---

void Connection::fail(ConnectionEnd how, std::string_view detail, TimePoint now) {
  if (state_ == State::closing || state_ == State::ended) return;
  const bool was_open = state_ == State::open;
  state_ = State::closing;
  end_ = how;
  end_detail_ = detail;
  session_.close_all(StreamEnd::connection_lost, now);
  upgrade_.reset();
  reader_.clear();
  phase_deadline_ = now + closing_timeout;
  retry_at_ = TimePoint::max();
  in<WaitsForMemory>(*this).unlink();
  in<GathersFrame>(*this).unlink();
  const bool peer_listens = how == ConnectionEnd::closed_by_us || how == ConnectionEnd::protocol_error;
  if (!was_open || !peer_listens) return end();
  session_.yamux().go_away(how == ConnectionEnd::protocol_error ? YamuxGoAway::protocol_error
                                                                : YamuxGoAway::normal);
}

void Connection::end() {
  if (state_ == State::ended) return;
  MASU_CHECK(state_ == State::closing, "a connection fails before it ends");
  state_ = State::ended;
  writer_.clear();
  reader_.clear();
  wake_others();
  owner_.on_connection_ended(end_, end_detail_);
}

void Connection::close() {
  close_marked_ = true;
  on_session_marked();
}

// --- What it waits for, and is. ---

void Connection::on_session_marked() {
  if (in_input_ || turn_asked_ || state_ == State::ended) return;
  turn_asked_ = true;
  owner_.on_turn_wanted();
}

void Connection::on_peer_goes_away(std::uint32_t code) { peer_goes_away_ = code; }

void Connection::on_frame_taken() {
  frame_taken_ = true;
  on_session_marked();
}

void Connection::on_memory_back() {
  memory_back_ = true;
  on_session_marked();
}

bool Connection::output_pending() const {
  if (!writer_.empty()) return true;
  if (state_ == State::upgrading) return upgrade_waits_output_;
  return state_ != State::ended && session_.yamux().wants_output();
}

bool Connection::wants_read() const {
  if (state_ == State::upgrading) {
    // While a line of ours waits for the link, one chunk of the peer's is enough.
    const bool full = upgrade_waits_output_ && reader_.held_bytes() > 0;
    return upgrade_ && !read_blocked_ && !full;
  }
  return state_ == State::open && !read_blocked_ && session_.yamux().stall() == Yamux::Stall::none &&
         session_.yamux().held_bytes() < resources_.limits().received_bytes_each;
}

bool Connection::wants_write() const { return state_ != State::ended && !write_blocked_ && output_pending(); }

std::expected<void, StreamEnd> Connection::open_stream(std::span<const std::string_view> protocols,
                                                       StreamHandler& handler, bool lazy) {
  MASU_CHECK(peer_.has_value(), "streams are opened on established connections");
  if (state_ != State::open || close_marked_) return std::unexpected(StreamEnd::no_connection);
  return session_.open_stream(protocols, handler, lazy, now_);
}

bool Connection::established() const { return state_ == State::open; }
bool Connection::ended() const { return state_ == State::ended; }
ConnectionRole Connection::role() const { return role_; }

const PeerId& Connection::peer() const {
  MASU_CHECK(peer_.has_value(), "the peer is known when the handshake is over");
  return *peer_;
}

ConnectionStats Connection::stats() const {
  const Yamux& yamux = session_.yamux();
  ConnectionStats stats;
  stats.bytes_in = bytes_in_;
  stats.bytes_out = bytes_out_;
  stats.stream_bytes_in = yamux.stream_bytes_in();
  stats.stream_bytes_out = yamux.stream_bytes_out();
  stats.streams_inbound = yamux.inbound_streams();
  stats.streams_outbound = yamux.outbound_streams();
  stats.streams_held_bytes = yamux.held_bytes();
  stats.received_held_bytes = reader_.held_bytes() + stats.streams_held_bytes;
  stats.output_held_bytes = writer_.held_bytes();
  stats.round_trip = yamux.round_trip();
  stats.last_active = yamux.last_active();
  return stats;
}

}  // namespace masu::net
