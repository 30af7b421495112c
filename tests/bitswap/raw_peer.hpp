// RawPeer: a peer that says what a test gives it, and notes what it is told.
#pragma once

#include "alloc/check.hpp"
#include "alloc/resource.hpp"
#include "tests/bitswap/node.hpp"
#include "tests/bitswap/raw_message.hpp"

#include <algorithm>
#include <list>
#include <optional>
#include <string>

namespace masu::bitswap {

class RawPeer final : private net::ProtocolHandler {
 public:
  // A stream it opens: writes what it is given as fast as it is taken.
  class Out final : public net::StreamHandler {
   public:
    void send(std::string_view bytes) {
      unsent_.append(bytes);
      if (stream != nullptr) stream->want_write();
    }
    bool all_sent() const { return unsent_.empty(); }

    net::Stream* stream = nullptr;
    std::optional<net::StreamEnd> end;

   private:
    void on_open(net::Stream& opened) override {
      stream = &opened;
      opened.want_write();
    }
    std::size_t on_data(net::Stream&, Bytes bytes) override { return bytes.size(); }
    void on_writable(net::Stream& to) override {
      while (!unsent_.empty()) {
        const std::size_t taken = to.write(as_bytes(unsent_));
        if (taken == 0) return;
        unsent_.erase(0, taken);
      }
    }
    void on_remote_close(net::Stream&) override {}
    void on_closed(net::Stream*, net::StreamEnd how) override {
      stream = nullptr;
      end = how;
    }
    std::string unsent_;
  };

  RawPeer(FakeNetwork& network_, TestNode& node)
      : network(network_),
        host(network_.add_host()),
        node_(node),
        intake_{memory.chunks, memory.holder, digests_} {
    for (const std::string_view protocol : protocols) host.serve(protocol, *this, {64, 64});
    network.connect(host, node.host);
  }
  ~RawPeer() {
    network.disconnect(host, node_.host);
    network.run();
  }

  Out& open() {
    Out& out = outs_.emplace_back();
    host.open_stream(node_.host.self(), protocols, out);
    return out;
  }
  Out& last() { return outs_.back(); }
  // On its first stream.
  void send(std::string_view message) {
    if (outs_.empty() || outs_.front().end) {
      outs_.clear();
      open();
    }
    outs_.front().send(framed(message));
  }
  bool was_reset() const { return !outs_.empty() && outs_.front().end == net::StreamEnd::reset_by_peer; }
  bool said(const Cid& cid, Presence type) const {
    return std::ranges::count(heard.presences, std::pair(cid, type)) > 0;
  }
  bool sent(const TestBlock& block) const {
    return std::ranges::count(heard.blocks, std::pair(block.cid.hash(), block.bytes)) > 0;
  }
  bool asked_for(const Cid& cid, WantType type) const {
    return std::ranges::any_of(heard.wants, [&](const WantEntry& want) {
      return want.cid == cid && want.type == type && !want.cancel;
    });
  }

  FakeNetwork& network;
  TestMemory memory{1024};
  FakeHost& host;
  NotingSink heard{memory.chunks};

 private:
  class In final : public net::StreamHandler {
   public:
    explicit In(RawPeer& peer) : reader_(peer.intake_, peer.heard) {}

   private:
    void on_open(net::Stream&) override {}
    std::size_t on_data(net::Stream&, Bytes bytes) override {
      const auto used = reader_.feed(bytes);
      MASU_CHECK(used, "a message of ours is well-formed");
      return bytes.size();
    }
    void on_writable(net::Stream&) override {}
    void on_remote_close(net::Stream& stream) override { stream.close_write(); }
    void on_closed(net::Stream*, net::StreamEnd) override {}
    MessageReader reader_;
  };

  net::StreamHandler* on_inbound(const PeerId&, std::string_view) override {
    return &ins_.emplace_back(*this);
  }

  TestNode& node_;
  AccountResource digests_{memory.holder};
  BlockIntake intake_;
  std::list<Out> outs_;
  std::list<In> ins_;
};

}  // namespace masu::bitswap
