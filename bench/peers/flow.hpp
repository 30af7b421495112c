// Flow: one stream of an honest peer: bytes queued until the stream takes them, and what comes read at once.
//
// Made by a Peer, which owns it until the stream has ended. The kinds here are the small protocols; Bitswap
// lies in talk.hpp. One thread.
#pragma once

#include "net/stream.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace masu::peers {

// Who owns flows.
class FlowOwner {
 public:
  // It has ended; destroy it. Its last call.
  virtual void on_flow_ended(class Flow& flow) = 0;

 protected:
  ~FlowOwner() = default;
};

class Flow : public net::StreamHandler {
 public:
  explicit Flow(FlowOwner& owner) : owner_(owner) {}
  virtual ~Flow() = default;
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  void send(std::string_view bytes);
  // No more bytes after those that are queued.
  void finish();
  std::size_t unsent() const { return out_.size() - sent_; }
  bool open() const { return stream_ != nullptr; }
  void reset();
  // It could not be opened: it ends without having been.
  void refuse() { on_gone(net::StreamEnd::no_connection); }

 protected:
  virtual void take(Bytes) {}
  virtual void on_all_sent() {}
  virtual void on_end() {}                 // the peer closed its half; this one is closed with it
  virtual void on_gone(net::StreamEnd) {}  // the stream has ended

 private:
  void on_open(net::Stream& stream) final;
  std::size_t on_data(net::Stream& stream, Bytes bytes) final;
  void on_writable(net::Stream& stream) final;
  void on_remote_close(net::Stream& stream) final;
  void on_closed(net::Stream* stream, net::StreamEnd end) final;

  FlowOwner& owner_;
  net::Stream* stream_ = nullptr;
  std::string out_;
  std::size_t sent_ = 0;
  bool finishing_ = false;
};

// Says one thing, and reads to the end of what the other side says: identify and its pushes, either way.
class SayFlow final : public Flow {
 public:
  // `done` is told whether the other side ended in order, and said anything.
  SayFlow(FlowOwner& owner, std::string_view what, std::function<void(bool)> done = {})
      : Flow(owner), done_(std::move(done)) {
    if (!what.empty()) send(what);
    finish();
  }

 private:
  void take(Bytes bytes) override { heard_ += bytes.size(); }
  void on_end() override { ended_ = true; }
  void on_gone(net::StreamEnd) override {
    if (done_) done_(ended_ && heard_ != 0);
  }
  std::function<void(bool)> done_;
  std::size_t heard_ = 0;
  bool ended_ = false;
};

// Answers pings: everything comes back.
class EchoFlow final : public Flow {
 public:
  using Flow::Flow;

 private:
  void take(Bytes bytes) override { send(as_text(bytes)); }
};

// One ping.
class PingFlow final : public Flow {
 public:
  PingFlow(FlowOwner& owner, std::string bytes, std::function<void(bool)> done)
      : Flow(owner), bytes_(std::move(bytes)), done_(std::move(done)) {
    send(bytes_);
  }

 private:
  void take(Bytes bytes) override {
    heard_ += as_text(bytes);
    if (heard_.size() < bytes_.size() || !done_) return;
    std::exchange(done_, nullptr)(heard_ == bytes_);
    finish();
  }
  void on_gone(net::StreamEnd) override {
    if (done_) done_(false);
  }
  std::string bytes_, heard_;
  std::function<void(bool)> done_;
};

}  // namespace masu::peers
