#include "tests/net/connection_pair.hpp"

#include <algorithm>

namespace masu::net {
namespace {

PrivateKey key_from(SeededRandom& random) {
  std::array<std::uint8_t, 32> seed;
  random.fill(seed);
  return PrivateKey::from_seed(seed);
}

}  // namespace

TestNode::TestNode(std::uint64_t seed, ConnectionLimits limits, std::size_t pool_chunks)
    : random(seed),
      identity(key_from(random)),
      chunks(pool_account, pool_chunks),
      resources(budget, chunks, random, identity, limits) {}

TestNode::TestNode(std::uint64_t seed, const PrivateKey& key, ConnectionLimits limits,
                   std::size_t pool_chunks)
    : random(seed),
      identity(key),
      chunks(pool_account, pool_chunks),
      resources(budget, chunks, random, identity, limits) {}

bool TestNode::all_given_back() {
  std::size_t live = 0;
  budget.for_each_account([&](const Account& account) {
    if (account.name().starts_with("net.")) live += account.live_bytes();
  });
  return live == 0 && chunks.stats().used == 0 && resources.frame_slots().used() == 0;
}

// --- TestHandler ---

void TestHandler::on_open(Stream& opened_stream) {
  stream = &opened_stream;
  opened = true;
  if (at_open) at_open(opened_stream);
  if (stream != nullptr) push();
}

std::size_t TestHandler::on_data(Stream& from, Bytes bytes) {
  if (at_data) at_data(from, bytes);
  const std::size_t taken = std::min(bytes.size(), take_max);
  received_bytes += taken;
  if (keep) received.append(as_text(bytes.first(taken)));
  if (echo) send(as_text(bytes.first(taken)));
  return taken;
}

void TestHandler::on_writable(Stream&) { push(); }

void TestHandler::on_remote_close(Stream& from) {
  remote_closed = true;
  if (!close_after_peer) return;
  if (echo) {
    close_when_sent();
  } else {
    from.close_write();
  }
}

void TestHandler::on_closed(Stream*, StreamEnd how) {
  stream = nullptr;
  end = how;
}

void TestHandler::send(std::string_view bytes) {
  queue_.append(bytes);
  push();
}

void TestHandler::close_when_sent() {
  close_wanted_ = true;
  push();
}

void TestHandler::push() {
  if (stream == nullptr) return;
  while (queue_at_ < queue_.size()) {
    const std::size_t written = stream->write(as_bytes(std::string_view(queue_).substr(queue_at_)));
    queue_at_ += written;
    if (written == 0) break;
  }
  if (queue_at_ < queue_.size()) return;
  queue_.clear();
  queue_at_ = 0;
  if (!std::exchange(close_wanted_, false)) return;
  closed_ = true;
  stream->close_write();
}

// --- TestEnd ---

std::string_view TestEnd::find_protocol(std::string_view protocol) {
  const auto found = std::find(serves.begin(), serves.end(), protocol);
  return found == serves.end() ? std::string_view() : *found;
}

StreamHandler* TestEnd::on_inbound_stream(std::string_view protocol) {
  if (!accepts_streams) return nullptr;
  TestHandler& handler = inbound.emplace_back();
  handler.echo = protocol.starts_with("/echo");
  if (on_new_handler) on_new_handler(handler);
  return &handler;
}

// --- Pair ---

Pair::Pair(TestNode& dialing, TestNode& listening, std::optional<PeerId> expected)
    : dialer(dialing, ConnectionRole::dialer, expected ? expected : listening.peer(), now),
      listener(listening, ConnectionRole::listener, std::nullopt, now) {}

bool Pair::write(TestEnd& end, TestPipe& out) {
  Connection& connection = *end.connection;
  bool moved = false;
  while (connection.wants_write() && out.bytes < out.capacity) {
    const Bytes bytes = connection.bytes_to_send(now);
    if (bytes.empty()) break;
    std::string piece(as_text(bytes.first(std::min(bytes.size(), out.capacity - out.bytes))));
    const std::size_t sent = piece.size();
    if (out.tamper) out.tamper(piece);
    out.bytes += piece.size();
    out.total += piece.size();
    out.segments.push_back({now + out.delay, std::move(piece)});
    connection.on_sent(sent, now);
    moved = true;
  }
  return moved;
}

bool Pair::read(TestEnd& end, TestPipe& in) {
  Connection& connection = *end.connection;
  bool moved = false;
  while (!in.frozen && !in.segments.empty() && in.segments.front().at <= now && connection.wants_read()) {
    Chunk chunk = connection.chunk_for_reading();
    if (!chunk) break;
    std::string& front = in.segments.front().bytes;
    const std::size_t most = segment_max != 0 ? segment_max : 1 + static_cast<std::size_t>(random_() % 4096);
    const std::size_t part = std::min({front.size(), chunk.space().size(), most});
    std::copy_n(front.begin(), part, chunk.space().begin());
    chunk.fill(part);
    in.bytes -= part;
    if (part == front.size()) {
      in.segments.pop_front();
    } else {
      front.erase(0, part);
    }
    connection.on_bytes(std::move(chunk), now);
    moved = true;
  }
  return moved;
}

bool Pair::move(TestEnd& end, TestPipe& out, TestPipe& in) {
  bool moved = false;
  if (std::exchange(end.turn_wanted, false)) {
    end.connection->turn(now);
    moved = true;
  }
  moved |= write(end, out);
  moved |= read(end, in);
  return moved;
}

void Pair::run() {
  for (bool moved = true; moved;) {
    moved = move(dialer, to_listener, to_dialer);
    moved |= move(listener, to_dialer, to_listener);
  }
}

void Pair::advance(Duration duration) {
  const TimePoint until = now + duration;
  run();
  while (true) {
    TimePoint next = until;
    for (TestEnd* end : {&dialer, &listener}) {
      if (const auto deadline = end->connection->next_deadline()) next = std::min(next, *deadline);
    }
    for (TestPipe* pipe : {&to_listener, &to_dialer}) {
      for (const auto& segment : pipe->segments) {
        if (segment.at > now) next = std::min(next, segment.at);
      }
    }
    now = std::max(now, next);
    for (TestEnd* end : {&dialer, &listener}) {
      const auto deadline = end->connection->next_deadline();
      if (deadline && *deadline <= now) end->connection->on_deadline(now);
    }
    run();
    if (now >= until) return;
  }
}

std::string pattern(std::size_t bytes, std::uint64_t seed) {
  std::string text(bytes, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15;
  for (char& c : text) {
    state = state * 6364136223846793005 + 1442695040888963407;
    c = static_cast<char>(state >> 56);
  }
  return text;
}

}  // namespace masu::net
