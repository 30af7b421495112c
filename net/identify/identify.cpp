#include "net/identify/identify.hpp"

#include "alloc/check.hpp"

#include <algorithm>
#include <new>

namespace masu::net {
namespace {

constexpr std::array<std::string_view, 1> ask_protocols = {identify_protocol};
constexpr std::array<std::string_view, 1> push_protocols = {identify_push_protocol};
constexpr Duration refresh_delay = 250ms;  // changes come in groups
constexpr RateLimit push_limit_each{0.2, 10};
constexpr RateLimit push_limit_all{2000, 2000};

}  // namespace

// Reads what a peer says of itself, asked for or pushed. Its stream is open from the first turn on: asking is
// lazy.
class Identify::Receiver final : public StreamHandler, private Timer {
 public:
  Receiver(Identify& identify, IdentifiedConnection& connection, bool asked)
      : identify_(identify),
        connection_(connection),
        asked_(asked),
        reader_(identify.chunks_, identify.account_, identify.host_.peerstore().texts(),
                connection.identified_peer(), connection.remote_address()) {
    IdentifyHost& host = identify.host_;
    host.timers().arm(*this, host.now() + identify_timeout);
  }

  IdentifiedConnection& connection() { return connection_; }
  bool asked() const { return asked_; }
  IdentifyInfo& info() { return reader_.info(); }

 private:
  void on_open(Stream& stream) override { stream_ = &stream; }
  std::size_t on_data(Stream& stream, Bytes bytes) override {
    const std::size_t size = bytes.size();
    if (!reader_.on_bytes(bytes)) {
      stream.reset();
      identify_.on_received(*this, false);
    }
    return size;
  }
  void on_writable(Stream&) override {}
  void on_remote_close(Stream& stream) override {
    const bool complete = reader_.on_end().has_value();
    stream.release();
    identify_.on_received(*this, complete);
  }
  void on_closed(Stream*, StreamEnd) override { identify_.on_received(*this, false); }
  void on_timer(TimePoint) override {
    if (stream_ == nullptr) return;  // its end comes with the connection's turn
    stream_->reset();
    identify_.on_received(*this, false);
  }

  Identify& identify_;
  IdentifiedConnection& connection_;
  const bool asked_;
  Stream* stream_ = nullptr;
  IdentifyReader reader_;
};

// Sends what this node says of itself, asked for or as a push.
class Identify::Sender final : public StreamHandler, private Timer {
 public:
  Sender(Identify& identify, IdentifiedConnection& connection, bool push)
      : identify_(identify),
        own_(identify.own()),
        push_(push),
        writer_(own_.message, connection.remote_address()) {
    ++own_.senders;
    IdentifyHost& host = identify.host_;
    host.timers().arm(*this, host.now() + identify_timeout);
  }
  ~Sender() { --own_.senders; }
  bool is_push() const { return push_; }

 private:
  void on_open(Stream& stream) override {
    stream_ = &stream;
    stream.want_write();
  }
  std::size_t on_data(Stream&, Bytes bytes) override { return bytes.size(); }
  void on_writable(Stream& stream) override {
    for (Bytes pending = writer_.pending(); !pending.empty(); pending = writer_.pending()) {
      const std::size_t written = stream.write(pending);
      if (written == 0) return;
      writer_.consume(written);
    }
    stream.release();
    identify_.on_sent(*this);
  }
  void on_remote_close(Stream&) override {}
  void on_closed(Stream*, StreamEnd) override { identify_.on_sent(*this); }
  void on_timer(TimePoint) override {
    if (stream_ == nullptr) return;
    stream_->reset();
    identify_.on_sent(*this);
  }

  Identify& identify_;
  Own& own_;
  const bool push_;
  Stream* stream_ = nullptr;
  IdentifyWriter writer_;
};

Identify::Identify(IdentifyHost& host, Budget& budget, ChunkPool& chunks, const IdentifyOptions& options)
    : host_(host),
      chunks_(chunks),
      options_(options),
      account_(budget, "net.identify", Lifetime::connection,
               (options.asks + options.pushes_in) * (sizeof(Receiver) + chunk_bytes) +
                   options.sends * sizeof(Sender)),
      receivers_(std::make_unique<SlabPool<Receiver>>(account_, options.asks + options.pushes_in)),
      senders_(std::make_unique<SlabPool<Sender>>(account_, options.sends)),
      push_limiter_(push_limit_each, push_limit_all, host.now()),
      sequence_(options.record_sequence) {
  MASU_CHECK(options.sends > options.pushes_out, "pushes leave room for answers");
  host.serve(identify_protocol, *this, {options.sends - options.pushes_out, 2});
  host.serve(identify_push_protocol, *this, {options.pushes_in, 1});
}

Identify::~Identify() = default;

StreamHandler* Identify::on_inbound(const PeerId&, std::string_view protocol) {
  IdentifiedConnection& connection = host_.arriving();
  if (protocol == identify_protocol) {
    if (!made_) refresh();
    return made_ ? senders_->create(*this, connection, false) : nullptr;
  }
  const auto ip = connection.remote_address().ip();
  if (pushes_in_ == options_.pushes_in || (ip && !push_limiter_.allow(*ip, host_.now()))) return nullptr;
  Receiver* receiver = receivers_->create(*this, connection, false);
  if (receiver != nullptr) ++pushes_in_;
  return receiver;
}

// --- What peers say. ---

void Identify::ask(IdentifiedConnection& connection) {
  to_ask_.push_back(connection);
  ask_next();
}

void Identify::ask_next() {
  while (asks_ < options_.asks && !to_ask_.empty()) {
    IdentifiedConnection& connection = *to_ask_.pop_front();
    Receiver* receiver = receivers_->create(*this, connection, true);
    if (receiver == nullptr) return to_ask_.push_front(connection);
    if (connection.open_stream(ask_protocols, *receiver)) {
      ++asks_;
      continue;
    }
    receivers_->destroy(receiver);
    host_.on_identified(connection, false);
  }
}

void Identify::on_received(Receiver& receiver, bool complete) {
  IdentifiedConnection& connection = receiver.connection();
  const bool asked = receiver.asked();
  if (complete) apply(connection, receiver.info());
  receivers_->destroy(&receiver);
  --(asked ? asks_ : pushes_in_);
  if (asked || complete) host_.on_identified(connection, complete);
  ask_next();
}

void Identify::apply(IdentifiedConnection& connection, IdentifyInfo& info) {
  Peerstore& peers = host_.peerstore();
  const PeerId& peer = connection.identified_peer();
  const TimePoint now = host_.now();
  // A list that is too long does not count; one that is not there says nothing.
  if (info.protocol_count > 0 && !info.protocols_overflow) {
    peers.set_protocols(peer, std::span(info.protocols).first(info.protocol_count));
  }
  if (info.agent_size > 0) peers.set_agent(peer, info.agent());
  if (!info.record_sequence || peers.accept_record(peer, *info.record_sequence)) {
    std::array<MultiaddrView, PackedAddresses::addresses_max> views;
    peers.set_own_addresses(peer, info.addresses.views(views), now);
  }
  if (!info.observed) return;
  observed_.observe(connection.observation(), *info.observed, connection.local_address(),
                    connection.remote_address());
  refresh_soon();
}

// --- What this node says. ---

void Identify::refresh_soon() {
  if (!refresh_timer_.armed()) host_.timers().arm(refresh_timer_, host_.now() + refresh_delay);
}

void Identify::refresh() {
  try {
    std::vector<Multiaddr> addresses = host_.announce_addresses();
    std::vector<std::string_view> protocols = host_.protocols();
    if (made_ && addresses == announced_ && protocols == protocols_) return;
    const std::size_t next = made_ ? 1 - newest_ : newest_;
    // The one before the newest is still being sent to somebody.
    if (owns_[next].senders > 0) return refresh_soon();
    if (sequence_ && made_) ++*sequence_;
    owns_[next].message = IdentifyMessage({options_.key, options_.agent, protocols, addresses, sequence_});
    announced_ = std::move(addresses);
    protocols_ = std::move(protocols);
    newest_ = next;
    if (std::exchange(made_, true)) host_.push_to_peers();
  } catch (const std::bad_alloc&) {
    refresh_soon();
  }
}

void Identify::push(IdentifiedConnection& connection) {
  if (!connection.IntrusiveListNode<IdentifiedConnection, WaitsForPushTag>::linked()) {
    to_push_.push_back(connection);
  }
  push_next();
}

void Identify::push_next() {
  while (pushes_out_ < options_.pushes_out && !to_push_.empty()) {
    IdentifiedConnection& connection = *to_push_.pop_front();
    if (!host_.peerstore().supports(connection.identified_peer(), identify_push_protocol)) continue;
    Sender* sender = senders_->create(*this, connection, true);
    if (sender == nullptr) return to_push_.push_front(connection);
    if (connection.open_stream(push_protocols, *sender)) {
      ++pushes_out_;
    } else {
      senders_->destroy(sender);
    }
  }
}

void Identify::on_sent(Sender& sender) {
  if (sender.is_push()) --pushes_out_;
  senders_->destroy(&sender);
  push_next();
}

}  // namespace masu::net
