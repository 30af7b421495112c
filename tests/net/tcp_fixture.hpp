// TcpTransportTest: a TCP transport over loopback, and the ends of the links that a test makes with it.
#pragma once

#include "net/transport/tcp_transport.hpp"
#include "tests/net/peers.hpp"
#include "tests/net/real_loop.hpp"

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace masu::net {

// One end of a link: sends what it is told to, keeps what comes.
class TestUser final : public LinkUser {
 public:
  TestUser(ChunkPool& chunks, Account& account) : chunks_(chunks), account_(account) {}

  void take(LinkHandle its_link) {
    link = std::move(its_link);
    link->start(*this);
  }
  void send(std::string bytes) {
    queue_ += bytes;
    link->want_write();
  }

  LinkHandle link;
  std::string received;
  std::string closed;  // why
  bool reads = true;   // gives chunks
  std::size_t chunks_behind_max = 0;
  std::size_t gave_no_chunk = 0;
  std::function<void(std::string_view)> on_upcall;  // with its name

 private:
  Chunk chunk_for_reading() override {
    call("chunk");
    if (!link || !reads) {
      ++gave_no_chunk;
      return Chunk();
    }
    return chunks_.take(account_);
  }
  std::size_t chunks_behind(std::span<Chunk> chunks) override {
    std::size_t count = 0;
    while (count < std::min(chunks.size(), chunks_behind_max)) chunks[count++] = chunks_.take(account_);
    return count;
  }
  void on_bytes(Chunk chunk) override {
    received.append(as_text(chunk.data()));
    chunk.reset();
    call("bytes");
  }
  // In pieces, as chunks give it.
  std::size_t bytes_behind(std::span<Bytes> pieces) const override {
    std::size_t count = 0;
    for (Bytes rest = rest_; !rest.empty() && count < pieces.size(); ++count) {
      pieces[count] = rest.first(std::min(rest.size(), piece_bytes));
      rest = rest.subspan(pieces[count].size());
    }
    return count;
  }
  Bytes bytes_to_send() override {
    call("send");
    const Bytes bytes = link ? as_bytes(queue_) : Bytes();
    const Bytes front = bytes.first(std::min(bytes.size(), piece_bytes));
    rest_ = bytes.subspan(front.size());
    return front;
  }
  void on_sent(std::size_t bytes) override {
    queue_.erase(0, bytes);
    call("sent");
  }
  void on_link_closed(std::string_view why) override {
    closed = why;
    call("closed");
  }
  void call(std::string_view name) {
    if (on_upcall) on_upcall(name);
  }

  ChunkPool& chunks_;
  Account& account_;
  static constexpr std::size_t piece_bytes = 10'000;
  std::string queue_;
  Bytes rest_;
};

class TestDialer final : public LinkDialHandler {
 public:
  explicit TestDialer(TestUser* its_user = nullptr) : user(its_user) {}
  void on_link(LinkHandle link) override {
    done = true;
    if (user != nullptr) user->take(std::move(link));
  }
  void on_link_failed(std::string_view why) override {
    done = true;
    failed = why;
  }
  TestUser* user;
  LinkDialHandle dial;
  bool done = false;
  std::string failed;
};

class TcpTransportTest : public testing::Test, public LinkAcceptor {
 protected:
  TcpTransport& transport() {
    if (!transport_) transport_.emplace(loop_.context, loop_, loop_.timers, memory_.account, options_);
    return *transport_;
  }
  Multiaddr listen(const std::string& at = "/ip4/127.0.0.1/tcp/0") {
    return transport().listen(address(at), *this).value();
  }
  TestUser& user() { return users_.emplace_back(chunks_, memory_.account); }
  TestDialer& dial(const Multiaddr& to, TestUser* its_user) {
    TestDialer& dialer = dialers_.emplace_back(its_user);
    dialer.dial = transport().dial(to, 5s, dialer);
    return dialer;
  }
  // The two ends of a new link.
  struct Ends {
    TestUser& dialer;
    TestUser& listener;
  };
  Ends connect(const Multiaddr& to) {
    TestUser& ours = user();
    dial(to, &ours);
    const std::size_t before = accepted_.size();
    EXPECT_TRUE(loop_.run_until([&] { return ours.link && accepted_.size() > before; }));
    return {ours, *accepted_.back()};
  }
  void on_accepted(LinkHandle link) override {
    if (!keeps_) return;
    accepted_.push_back(&user());
    accepted_.back()->take(std::move(link));
  }
  void TearDown() override {
    if (!transport_) return;
    transport_->close();
    for (TestUser& one : users_) one.link.reset();
    for (TestDialer& one : dialers_) one.dial.reset();
    EXPECT_TRUE(loop_.run_until([&] { return transport_->closed(); }));
    transport_.reset();
    EXPECT_EQ(chunks_.stats().used, 0u);
  }

  TestMemory memory_;
  ChunkPool chunks_{memory_.account, 64};
  RealLoop loop_;
  TcpOptions options_;
  std::optional<TcpTransport> transport_;
  std::list<TestUser> users_;
  std::list<TestDialer> dialers_;
  std::vector<TestUser*> accepted_;
  bool keeps_ = true;
};

}  // namespace masu::net
