#include "net/ping.hpp"

#include "alloc/plan.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace masu::net {
namespace {

constexpr std::size_t ping_bytes = 32;
constexpr std::array<std::string_view, 1> ping_protocols = {ping_protocol};

}  // namespace

// An inbound stream: what comes goes back, 32 bytes at a time.
class Ping::Responder final : public StreamHandler, private Timer {
 public:
  explicit Responder(Ping& ping) : ping_(ping) {}

 private:
  void on_open(Stream& stream) override {
    stream_ = &stream;
    restart_timer();
  }
  // Takes no more than the echo of the ping before leaves room for.
  std::size_t on_data(Stream& stream, Bytes bytes) override {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
      if (received_ == ping_bytes) {
        send(stream);
        if (received_ == ping_bytes) break;
      }
      const std::size_t count = std::min(ping_bytes - received_, bytes.size() - taken);
      std::memcpy(buffer_.data() + received_, bytes.data() + taken, count);
      received_ += count;
      taken += count;
    }
    if (received_ == ping_bytes) send(stream);
    return taken;
  }
  void on_writable(Stream& stream) override {
    if (received_ < ping_bytes) return;
    send(stream);
    if (received_ < ping_bytes) stream.resume_reading();
  }
  void on_remote_close(Stream& stream) override { stream.close_write(); }
  void on_closed(Stream*, StreamEnd) override { ping_.responders_->destroy(this); }

  void send(Stream& stream) {
    sent_ += stream.write(Bytes(buffer_).subspan(sent_));
    if (sent_ < ping_bytes) return;  // on_writable() will come
    received_ = sent_ = 0;
    restart_timer();
  }
  void restart_timer() { ping_.host_.timers().arm(*this, ping_.host_.now() + ping_.limits_.idle_timeout); }
  void on_timer(TimePoint) override {
    stream_->reset();
    ping_.responders_->destroy(this);
  }

  Ping& ping_;
  Stream* stream_ = nullptr;
  std::size_t received_ = 0;
  std::size_t sent_ = 0;
  std::array<std::uint8_t, ping_bytes> buffer_;
};

// A stream of ours, one ping at a time.
class Ping::Initiator final : public StreamHandler, public IntrusiveListNode<Initiator>, private Timer {
 public:
  Initiator(Ping& ping, const PeerId& peer, PingHandler& handler)
      : ping_(ping), peer_(peer), handler_(&handler) {}

  bool is_for(const PeerId& peer, const PingHandler& handler) const {
    return peer_ == peer && handler_ == &handler;
  }
  bool is_for(const PingHandler& handler) const { return handler_ == &handler; }
  bool waits() const { return waits_; }

  void start() {
    waits_ = true;
    sent_ = received_ = 0;
    ping_.random_.fill(sent_bytes_);
    ping_.host_.timers().arm(*this, ping_.host_.now() + ping_.limits_.answer_timeout);
    if (stream_ != nullptr) stream_->want_write();
  }

  // Its handler wants nothing more. A stream that is still being opened is let go when it is open.
  void let_go() {
    handler_ = nullptr;
    cancel();
    if (stream_ == nullptr) return;
    stream_->release();
    ping_.initiators_->destroy(this);
  }

 private:
  void on_open(Stream& stream) override {
    stream_ = &stream;
    if (handler_ == nullptr) return let_go();
    stream.want_write();
  }
  void on_writable(Stream& stream) override {
    if (!waits_ || sent_ == ping_bytes) return;
    if (sent_ == 0) started_at_ = ping_.host_.now();
    sent_ += stream.write(Bytes(sent_bytes_).subspan(sent_));
  }
  std::size_t on_data(Stream& stream, Bytes bytes) override {
    const std::size_t most = waits_ ? sent_ - received_ : 0;
    if (bytes.size() > most || std::memcmp(bytes.data(), sent_bytes_.data() + received_, bytes.size()) != 0) {
      stream.reset();
      fail("the peer sent back something else");
      return bytes.size();
    }
    received_ += bytes.size();
    if (received_ == ping_bytes) {
      waits_ = false;
      cancel();
      handler_->on_pong(peer_, ping_.host_.now() - started_at_);
    }
    return bytes.size();
  }
  void on_remote_close(Stream& stream) override {
    stream.reset();
    fail("the peer closed the stream");
  }
  void on_closed(Stream*, StreamEnd end) override { fail(name_of(end)); }
  void on_timer(TimePoint) override {
    if (stream_ != nullptr) {
      stream_->reset();
      fail("no answer in time");
    } else if (PingHandler* handler = std::exchange(handler_, nullptr)) {
      // The stream is still being opened: its end is waited for.
      handler->on_ping_failed(peer_, "no answer in time");
    }
  }

  void fail(std::string_view why) {
    PingHandler* handler = handler_;
    const PeerId peer = peer_;
    ping_.initiators_->destroy(this);
    if (handler != nullptr) handler->on_ping_failed(peer, why);
  }

  Ping& ping_;
  const PeerId peer_;
  PingHandler* handler_;  // null: nobody waits any more
  Stream* stream_ = nullptr;
  bool waits_ = false;
  TimePoint started_at_{};
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  std::array<std::uint8_t, ping_bytes> sent_bytes_;
};

Ping::Ping(Host& host, RandomSource& random, Account& account, const PingLimits& limits)
    : host_(host),
      random_(random),
      limits_(limits),
      responders_(std::make_unique<SlabPool<Responder>>(account, limits.inbound_streams)),
      initiators_(std::make_unique<SlabPool<Initiator>>(account, limits.outbound)) {
  static_assert(sizeof(Responder) <= plan_entry::ping_bytes && sizeof(Initiator) <= plan_entry::ping_bytes);
  host.serve(ping_protocol, *this, {limits.inbound_streams, limits.inbound_streams_per_peer});
}

Ping::~Ping() = default;

StreamHandler* Ping::on_inbound(const PeerId&, std::string_view) { return responders_->create(*this); }

bool Ping::ping(const PeerId& peer, PingHandler& handler) {
  for (Initiator& initiator : under_way_) {
    if (!initiator.is_for(peer, handler)) continue;
    if (initiator.waits()) return false;
    initiator.start();
    return true;
  }
  Initiator* initiator = initiators_->create(*this, peer, handler);
  if (initiator == nullptr) return false;
  under_way_.push_back(*initiator);
  initiator->start();
  host_.open_stream(peer, ping_protocols, *initiator);
  return true;
}

void Ping::forget(PingHandler& handler) {
  for (auto at = under_way_.begin(); at != under_way_.end();) {
    Initiator& initiator = *at++;
    if (initiator.is_for(handler)) initiator.let_go();
  }
}

}  // namespace masu::net
