#include "tests/bitswap/fake_network.hpp"

#include <algorithm>
#include <utility>

namespace masu::bitswap {

bool FakeJobs::post(store::Job& job, store::JobClass kind) {
  auto& queue = queues_[static_cast<std::size_t>(kind)];
  if (queue.size() >= queue_max) return false;
  queue.push_back(job);
  ++posted_;
  return true;
}

void FakeJobs::wait_for_room(store::JobRoomWaiter& waiter, store::JobClass kind) {
  waiters_[static_cast<std::size_t>(kind)].push_back(waiter);
}

bool FakeJobs::work() {
  bool worked = false;
  for (std::size_t kind = 0; kind < queues_.size(); ++kind) {
    store::Job* const job = queues_[kind].pop_front();
    if (job == nullptr) continue;
    worked = true;
    job->run();
    job->finish();
    if (queues_[kind].size() < queue_max) {
      if (store::JobRoomWaiter* const waiter = waiters_[kind].pop_front()) waiter->on_job_room();
    }
  }
  return worked;
}

const PeerId& FakeStream::peer() const { return remote.self(); }

std::size_t FakeStream::write(Bytes bytes) {
  FakeNetwork& network = host.network_;
  if (other == nullptr || closed_write) return 0;
  const std::size_t room = network.window_bytes - std::min(network.window_bytes, other->received.size());
  std::size_t count = std::min({bytes.size(), room, network.turn_bytes});
  if (count > 1) count = 1 + network.random() % count;
  other->received.append(as_text(bytes.first(count)));
  if (count < bytes.size()) wants_write = true;
  return count;
}

void FakeStream::reset() {
  over = true;
  handler = nullptr;
  if (other != nullptr) other->end = net::StreamEnd::reset_by_peer;
}

void FakeStream::release() {
  closed_write = released = true;
  handler = nullptr;
}

TimePoint FakeHost::now() const { return network_.now; }
net::TimerQueue& FakeHost::timers() { return network_.timers; }

void FakeHost::serve(std::string_view protocol, net::ProtocolHandler& handler, net::ProtocolLimits limits) {
  protocols_served[protocol] = {&handler, limits};
}

bool FakeHost::supports(const PeerId& peer, std::string_view protocol) const {
  const auto found = peers.find(peer.to_base58());
  return found != peers.end() && found->second->protocols_served.contains(protocol);
}

void FakeHost::open_stream(const PeerId& peer, std::span<const std::string_view> protocols,
                           net::StreamHandler& handler) {
  const auto found = peers.find(peer.to_base58());
  if (found == peers.end()) return network_.failed_.push_back({&handler, net::StreamEnd::no_connection});
  FakeHost& remote = *found->second;
  for (const std::string_view protocol : protocols) {
    const auto served = remote.protocols_served.find(protocol);
    if (served == remote.protocols_served.end()) continue;
    const auto inbound = static_cast<std::size_t>(std::ranges::count_if(network_.streams_, [&](auto& stream) {
      return &stream->host == &remote && &stream->remote == this && stream->inbound() && !stream->over;
    }));
    if (inbound >= served->second.second.inbound_streams_per_peer_max) break;
    auto ours = std::make_unique<FakeStream>(*this, remote, served->first, false);
    auto theirs = std::make_unique<FakeStream>(remote, *this, served->first, true);
    ours->other = theirs.get();
    theirs->other = ours.get();
    ours->handler = &handler;
    ours->open_owed = theirs->open_owed = true;
    network_.streams_.push_back(std::move(ours));
    network_.streams_.push_back(std::move(theirs));
    return;
  }
  network_.failed_.push_back({&handler, net::StreamEnd::refused});
}

void FakeHost::disconnect(const PeerId& peer) {
  const auto found = peers.find(peer.to_base58());
  if (found != peers.end()) network_.disconnect(*this, *found->second);
}

void FakeHost::tag(const PeerId& peer, std::string_view tag, int value) {
  auto& all = tags[peer.to_base58()];
  if (value != 0) {
    all[tag] = value;
  } else if (all.erase(tag); all.empty()) {
    tags.erase(peer.to_base58());
  }
}

void FakeHost::protect(const PeerId& peer, std::string_view tag) {
  protections[peer.to_base58()].insert(tag);
}

void FakeHost::unprotect(const PeerId& peer, std::string_view tag) {
  const auto found = protections.find(peer.to_base58());
  if (found == protections.end()) return;
  found->second.erase(tag);
  if (found->second.empty()) protections.erase(found);
}

bool FakeHost::has_tag(const PeerId& peer, std::string_view tag) const {
  const auto tagged = tags.find(peer.to_base58());
  const auto protected_by = protections.find(peer.to_base58());
  return (tagged != tags.end() && tagged->second.contains(tag)) ||
         (protected_by != protections.end() && protected_by->second.contains(tag));
}

int FakeHost::tag_of(const FakeHost& peer, std::string_view tag) const {
  const auto found = tags.find(peer.self().to_base58());
  if (found == tags.end()) return 0;
  const auto value = found->second.find(tag);
  return value == found->second.end() ? 0 : value->second;
}

FakeNetwork::~FakeNetwork() { disconnect_all(); }

FakeHost& FakeNetwork::add_host() {
  const auto number = static_cast<unsigned>(hosts_.size() + 1);
  return *hosts_.emplace_back(std::make_unique<FakeHost>(*this, peer_number(number)));
}

void FakeNetwork::connect(FakeHost& a, FakeHost& b) {
  a.peers[b.self().to_base58()] = &b;
  b.peers[a.self().to_base58()] = &a;
  for (net::PeerObserver* observer : a.observers) observer->on_peer_identified(b.self());
  for (net::PeerObserver* observer : b.observers) observer->on_peer_identified(a.self());
}

void FakeNetwork::disconnect(FakeHost& a, FakeHost& b) {
  if (a.peers.erase(b.self().to_base58()) == 0) return;
  b.peers.erase(a.self().to_base58());
  for (const auto& stream : streams_) {
    const bool between =
        (&stream->host == &a && &stream->remote == &b) || (&stream->host == &b && &stream->remote == &a);
    if (!between || stream->over) continue;
    stream->over = true;
    net::StreamHandler* const handler = std::exchange(stream->handler, nullptr);
    if (handler != nullptr) {
      handler->on_closed(stream->open_owed ? nullptr : stream.get(), net::StreamEnd::connection_lost);
    }
  }
  for (net::PeerObserver* observer : a.observers) observer->on_peer_disconnected(b.self());
  for (net::PeerObserver* observer : b.observers) observer->on_peer_disconnected(a.self());
}

void FakeNetwork::disconnect_all() {
  while (!failed_.empty()) turn();
  for (const auto& host : hosts_) {
    while (!host->peers.empty()) disconnect(*host, *host->peers.begin()->second);
  }
  sweep();
}

bool FakeNetwork::run(std::size_t turns_max) {
  for (std::size_t turns = 0; turns < turns_max; ++turns) {
    if (!turn()) return true;
  }
  return false;
}

void FakeNetwork::advance(Duration time) {
  const TimePoint end = now + time;
  run();
  while (const auto next = timers.next_deadline()) {
    if (*next > end) break;
    now = std::max(now, *next);
    timers.advance(now);
    run();
  }
  now = end;
}

bool FakeNetwork::turn() {
  bool happened = false;
  if (!failed_.empty()) {
    const FailedOpen failed = failed_.front();
    failed_.pop_front();
    failed.handler->on_closed(nullptr, failed.end);
    happened = true;
  }
  if (jobs.work()) happened = true;
  for (auto at = streams_.begin(); at != streams_.end(); ++at) happened = serve(**at) || happened;
  if (const auto next = timers.next_deadline(); next && *next <= now) {
    timers.advance(now);
    happened = true;
  }
  sweep();
  return happened;
}

// One step of one end of a stream.
bool FakeNetwork::serve(FakeStream& stream) {
  if (stream.over) return false;
  if (stream.end) {
    stream.over = true;
    net::StreamHandler* const handler = std::exchange(stream.handler, nullptr);
    if (handler != nullptr) handler->on_closed(stream.open_owed ? nullptr : &stream, *stream.end);
    return true;
  }
  if (stream.open_owed) {
    stream.open_owed = false;
    if (stream.inbound()) {
      const auto served = stream.host.protocols_served.find(stream.protocol());
      stream.handler = served->second.first->on_inbound(stream.peer(), stream.protocol());
      if (stream.handler == nullptr) {
        stream.reset();
        return true;
      }
    }
    stream.handler->on_open(stream);
    return true;
  }
  if (stream.released) stream.received.clear();
  FakeStream* const other = stream.other;
  const bool remote_closed = other == nullptr || other->closed_write;
  std::optional<std::size_t>& allowed = stream.host.reads_bytes;
  if (stream.handler != nullptr && !stream.host.deaf && allowed != std::size_t{0}) {
    if (!stream.received.empty() && !stream.paused) {
      const std::size_t most = std::min<std::size_t>(1 + random() % 20000, allowed.value_or(~std::size_t{0}));
      const std::string bytes = stream.received.substr(0, most);
      const std::size_t taken = stream.handler->on_data(stream, as_bytes(bytes));
      if (allowed) *allowed -= taken;
      if (!stream.over) {
        stream.received.erase(0, taken);
        stream.paused = taken < bytes.size();
      }
      return taken > 0 || stream.over;
    }
    if (stream.received.empty() && remote_closed && !stream.remote_close_told) {
      stream.remote_close_told = true;
      stream.handler->on_remote_close(stream);
      return true;
    }
  }
  if (stream.wants_write && stream.handler != nullptr && other != nullptr && !stream.closed_write &&
      other->received.size() < window_bytes) {
    stream.wants_write = false;
    stream.handler->on_writable(stream);
    return true;
  }
  const bool told = stream.remote_close_told || (stream.handler == nullptr && remote_closed);
  if (stream.closed_write && told && stream.received.empty()) {
    stream.over = true;
    net::StreamHandler* const handler = std::exchange(stream.handler, nullptr);
    if (handler != nullptr) handler->on_closed(&stream, net::StreamEnd::finished);
    return true;
  }
  return false;
}

void FakeNetwork::sweep() {
  for (auto at = streams_.begin(); at != streams_.end();) {
    if (!(*at)->over) {
      ++at;
      continue;
    }
    FakeStream* const other = (*at)->other;
    if (other != nullptr) {
      other->other = nullptr;
      if (!(*at)->closed_write && !other->end && !other->over) other->end = net::StreamEnd::reset_by_peer;
    }
    at = streams_.erase(at);
  }
}

}  // namespace masu::bitswap
