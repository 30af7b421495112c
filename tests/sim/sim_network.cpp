#include "tests/sim/sim_network.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace masu::sim {
namespace {

std::uint64_t seed_of_environment() {
  const char* text = std::getenv("SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
}

PrivateKey make_key(SeededRandom&& random) {
  std::array<std::uint8_t, PrivateKey::seed_bytes> seed;
  random.fill(seed);
  return PrivateKey::from_seed(seed);
}

// Public addresses, each in a network of its own.
IpAddress ip_number(std::uint32_t number) {
  return IpAddress(
      IpAddress::V4{8, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number), 1});
}

}  // namespace

// --- SimTransport ---

// A dial under way. It is destroyed by whoever dialled.
struct SimNetwork::Dial final : net::LinkDial {
  Dial(SimNetwork& its_network, std::uint64_t its_id, net::LinkDialHandler& its_handler)
      : network(its_network), id(its_id), handler(&its_handler) {}
  void destroy() noexcept override {
    handler = nullptr;
    network.dials_.erase(id);
  }
  SimNetwork& network;
  const std::uint64_t id;
  net::LinkDialHandler* handler;
};

SimTransport::~SimTransport() { MASU_CHECK(links_ == 0, "links go before their host"); }

bool SimTransport::can_dial(const MultiaddrView& address) const {
  return address.ip() && address.tcp_port().value_or(0) != 0 &&
         std::distance(address.begin(), address.end()) == 2;
}

net::LinkDialHandle SimTransport::dial(const MultiaddrView& address, Duration timeout,
                                       net::LinkDialHandler& handler) {
  if (links_ >= links_max) return nullptr;
  const std::uint64_t id = ++network_.numbers_;
  auto dial = std::make_unique<SimNetwork::Dial>(network_, id, handler);
  net::LinkDialHandle handle(dial.get());
  network_.dials_.emplace(id, std::move(dial));
  network_.at(network_.now() + 2 * network_.quality.latency,
              [&network = network_, this, to = Multiaddr(address), id] { network.connect(*this, to, id); });
  network_.at(network_.now() + timeout, [&network = network_, id] { network.fail_dial(id, "i/o timeout"); });
  return handle;
}

std::expected<Multiaddr, std::string> SimTransport::listen(const MultiaddrView& address,
                                                           net::LinkAcceptor& acceptor) {
  const std::uint16_t port = address.tcp_port().value_or(0) != 0
                                 ? *address.tcp_port()
                                 : static_cast<std::uint16_t>(4001 + network_.below(20000));
  listeners_[port] = &acceptor;
  std::vector<SimTransport*>& hosts = network_.hosts_[ip_];
  if (std::find(hosts.begin(), hosts.end(), this) == hosts.end()) hosts.push_back(this);
  return Multiaddr::tcp(ip_, port);
}

void SimTransport::pause_accepting(bool paused) {
  paused_ = paused;
  if (paused || waiting_.empty()) return;
  // From the loop, as everything else; what is accepted may pause it again.
  network_.at(network_.now(), [this, alive = std::weak_ptr<void>(alive_)] {
    while (!alive.expired() && !paused_ && !waiting_.empty()) {
      const auto next = std::move(waiting_.front());
      waiting_.pop_front();
      next();
    }
  });
}

void SimTransport::close() {
  closed_ = true;
  listeners_.clear();
  waiting_.clear();
  std::erase(network_.hosts_[ip_], this);
}

// --- SimLink ---

void SimLink::destroy() noexcept {
  destroyed_ = true;
  user_ = nullptr;
  network_.dead_links_.push_back(id_);
  network_.at(network_.now() + quality_.latency, [&network = network_, id = other_] {
    if (SimLink* other = network.find(id)) {
      other->other_closed_ = true;
      other->read();
    }
  });
}

void SimLink::start(net::LinkUser& user) {
  user_ = &user;
  resume_reading();
}

void SimLink::resume_reading() {
  stopped_ = false;
  if (std::exchange(reading_planned_, true)) return;
  network_.at(network_.now(), [&network = network_, id = id_] {
    if (SimLink* link = network.find(id)) {
      link->reading_planned_ = false;
      link->read();
    }
  });
}

void SimLink::want_write() {
  if (std::exchange(writing_planned_, true)) return;
  network_.at(network_.now(), [&network = network_, id = id_] {
    if (SimLink* link = network.find(id)) {
      link->writing_planned_ = false;
      link->write();
    }
  });
}

std::size_t SimLink::parked_bytes() {
  const SimLink* const other = network_.find(other_);
  return arriving_bytes_ + (other != nullptr ? other->arriving_bytes_ : 0);
}

void SimLink::write() {
  SimLink* other = network_.find(other_);
  while (user_ != nullptr && other != nullptr && !other->destroyed_) {
    waits_room_ = other->arriving_bytes_ >= quality_.buffer_bytes;
    if (waits_room_) return;
    const Bytes bytes = user_->bytes_to_send();
    if (destroyed_ || bytes.empty()) return;
    const std::size_t part = std::min(bytes.size(), quality_.buffer_bytes - other->arriving_bytes_);
    line_free_ = std::max(line_free_, network_.now()) +
                 std::chrono::duration_cast<Duration>(
                     std::chrono::duration<double>(static_cast<double>(part) / quality_.bytes_per_second));
    const TimePoint arrival = line_free_ + quality_.latency;
    other->arriving_.push_back({arrival, std::string(as_text(bytes.first(part)))});
    other->arriving_bytes_ += part;
    network_.at(arrival, [&network = network_, id = other_] {
      if (SimLink* link = network.find(id)) link->read();
    });
    user_->on_sent(part);
    if (destroyed_) return;
    other = network_.find(other_);
  }
}

void SimLink::read() {
  while (user_ != nullptr && !stalled && !arriving_.empty() && arriving_.front().at <= network_.now()) {
    Chunk chunk = user_->chunk_for_reading();
    if (destroyed_) return;
    stopped_ = !chunk;
    if (stopped_) return;
    std::string& front = arriving_.front().bytes;
    const std::size_t part = std::min(front.size(), chunk.space().size());
    std::copy_n(front.begin(), part, chunk.space().begin());
    chunk.fill(part);
    arriving_bytes_ -= part;
    front.erase(0, part);
    if (front.empty()) arriving_.pop_front();
    user_->on_bytes(std::move(chunk));
    if (destroyed_) return;
    if (SimLink* other = network_.find(other_); other != nullptr && other->waits_room_) other->want_write();
  }
  if (arriving_.empty() && other_closed_ && !stalled) end("closed by the peer");
}

void SimLink::end(std::string_view why) {
  if (net::LinkUser* user = std::exchange(user_, nullptr)) user->on_link_closed(why);
}

// --- SimNetwork ---

SimNetwork::SimNetwork(std::uint64_t seed) : seed_(seed), random_(seed) {}

SimNetwork::SimNetwork() : SimNetwork(seed_of_environment()) {
  std::printf("SEED=%llu\n", static_cast<unsigned long long>(seed_));
}

SimNetwork::~SimNetwork() { sweep(); }

void SimNetwork::at(TimePoint when, std::function<void()> what) {
  events_.push_back({when, ++numbers_, std::move(what)});
  std::push_heap(events_.begin(), events_.end(), std::greater<>());
}

SimLink* SimNetwork::find(std::uint64_t id) {
  const auto found = links_.find(id);
  return found == links_.end() || found->second->destroyed_ ? nullptr : found->second.get();
}

void SimNetwork::fail_dial(std::uint64_t id, std::string_view why) {
  const auto found = dials_.find(id);
  if (found == dials_.end()) return;
  if (net::LinkDialHandler* handler = std::exchange(found->second->handler, nullptr))
    handler->on_link_failed(why);
}

void SimNetwork::connect(SimTransport& from, const Multiaddr& to, std::uint64_t id) {
  if (!dials_.contains(id) || dials_[id]->handler == nullptr) return;
  SimTransport* host = nullptr;
  for (SimTransport* one : hosts_[*to.ip()]) {
    if (one->listeners_.contains(*to.tcp_port())) host = one;
  }
  const std::string where = "dial tcp4 " + to.ip()->to_string() + ":" + std::to_string(*to.tcp_port());
  if (host != nullptr && !host->reachable) return;  // the dial's time will be over
  if (host == nullptr) return fail_dial(id, where + ": connect: connection refused");
  if (host->paused_) {
    if (host->waiting_.size() < SimTransport::backlog) {
      host->waiting_.push_back([this, &from, to, id] { connect(from, to, id); });
    }
    return;
  }
  LinkQuality drawn = quality;
  if (drawn.jitter > Duration{})
    drawn.latency += Duration(below(static_cast<std::size_t>(drawn.jitter.count())));
  const Multiaddr source = Multiaddr::tcp(from.ip(), static_cast<std::uint16_t>(30000 + below(30000)));
  const std::uint64_t first = ++numbers_, second = ++numbers_;
  auto dialling = std::make_unique<SimLink>(*this, from, first, source, to, drawn);
  auto listening = std::make_unique<SimLink>(*this, *host, second, to, source, drawn);
  dialling->other_ = second;
  listening->other_ = first;
  net::LinkHandle dialled(dialling.get()), accepted(listening.get());
  links_.emplace(first, std::move(dialling));
  links_.emplace(second, std::move(listening));
  host->listeners_[*to.tcp_port()]->on_accepted(std::move(accepted));
  std::exchange(dials_[id]->handler, nullptr)->on_link(std::move(dialled));
}

void SimNetwork::sweep() {
  for (const std::uint64_t id : dead_links_) links_.erase(id);
  dead_links_.clear();
}

// The next event or timer up to `until`; false: there is none.
bool SimNetwork::step(TimePoint until) {
  TimePoint next = events_.empty() ? TimePoint::max() : events_.front().at;
  net::TimerQueue* earliest = nullptr;
  for (net::TimerQueue* timers : timers_) {
    const auto deadline = timers->next_deadline();
    if (!deadline || *deadline >= next) continue;
    next = *deadline;
    earliest = timers;
  }
  if (next > until) return false;
  now_ = std::max(now_, next);
  if (earliest != nullptr) {
    earliest->advance(now_);
  } else {
    std::pop_heap(events_.begin(), events_.end(), std::greater<>());
    const Event event = std::move(events_.back());
    events_.pop_back();
    event.what();
  }
  sweep();
  return true;
}

void SimNetwork::run_for(Duration duration) {
  const TimePoint until = now_ + duration;
  while (step(until)) {
  }
  now_ = until;
}

bool SimNetwork::run_until(const std::function<bool()>& done, Duration limit) {
  const TimePoint until = now_ + limit;
  while (!done()) {
    if (!step(until)) {
      now_ = until;
      return done();
    }
  }
  return true;
}

void SimNetwork::drop(std::uint64_t one, std::uint64_t other) {
  at(now_, [this, one, other] {
    for (const std::uint64_t end : {one, other}) {
      if (SimLink* dropped = find(end)) dropped->end("connection reset by peer");
    }
  });
}

void SimNetwork::drop_links(double part) {
  for (const auto& [id, link] : links_) {
    if (std::uniform_real_distribution<>()(random_) < part) drop(id, link->other_);
  }
}

void SimNetwork::drop_connection(std::size_t number) {
  const auto& [id, link] = *std::next(links_.begin(), static_cast<std::ptrdiff_t>(2 * number));
  drop(id, link->other_);
}

void SimNetwork::stall_links(double part) {
  for (const auto& [id, link] : links_) {
    if (std::uniform_real_distribution<>()(random_) < part) link->stalled = true;
  }
}

// --- SimNode ---

SimNodeOptions::SimNodeOptions() {
  connections.handshakes = 8;
  connections.streams = 256;
  connections.partial_lines = 16;
  connections.frame_slots = 8;
  connections.receive_bytes = 1536 * 1024;
  connections.send_bytes = 1024 * 1024;
  connections.window_bytes = 1024 * 1024;
  connections.inbound_streams_each = 32;
  swarm.agent = "masu/sim";
  swarm.connections = 64;
  swarm.outbound_reserve = 8;
  swarm.inbound_handshakes = 4;
  swarm.inbound_handshakes_per_host = 2;
  swarm.dials = 4;
  swarm.marks = {16, 48, 20s, 10s};
  swarm.record_sequence = 1;
  swarm.peerstore.peers = 512;
  swarm.peerstore.addresses = 1024;
  swarm.peerstore.addresses_per_connected_peer = 8;
  swarm.peerstore.texts = 128;
  swarm.peerstore.protocol_blocks = 128;
}

SimNode::SimNode(SimNetwork& its_network, std::uint32_t number, const SimNodeOptions& options)
    : network(its_network),
      budget("sim", options.budget_bytes),
      pool_account(budget, "chunks", Lifetime::process, options.budget_bytes),
      chunks(pool_account, options.chunks),
      random(its_network.random()()),
      key(make_key(SeededRandom(options.key_seed.value_or(its_network.random()())))),
      resources(budget, chunks, random, key, options.connections),
      turns(its_network),
      transport(its_network, options.ip.value_or(ip_number(number))),
      swarm(std::make_unique<net::Swarm>(budget, resources, key, timers, its_network, random, turns,
                                         options.swarm)),
      ping_account(budget, "net.ping", Lifetime::stream, 256 * 1024),
      ping(std::make_unique<net::Ping>(*swarm, random, ping_account, net::PingLimits{})) {
  network.add_timers(timers);
  swarm->add_transport(transport);
  address_ = swarm->listen(Multiaddr::tcp(transport.ip(), 0)).value();
}

SimNode::~SimNode() {
  swarm->close();
  MASU_CHECK(network.run_until([this] { return swarm->closed(); }, 10s), "a swarm closes within its time");
  ping.reset();
  swarm.reset();
  // What was posted for this moment still runs.
  network.run_for(Duration{});
  network.remove_timers(timers);
}

void SimNode::connect(const SimNode& other, net::DialHandler* handler) {
  swarm->connect(other.id(), {&other.address_, 1}, handler);
}

bool SimNode::identified(const SimNode& other) const {
  return swarm->supports(other.id(), net::ping_protocol);
}

}  // namespace masu::sim
