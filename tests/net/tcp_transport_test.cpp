#include "net/transport/tcp_transport.hpp"

#include "net/transport/tcp_socket.hpp"
#include "tests/net/tcp_fixture.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <list>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::net {
namespace {

TEST_F(TcpTransportTest, BytesGoBothWays) {
  auto [a, b] = connect(listen());
  EXPECT_EQ(a.link->remote_address(), b.link->local_address());
  EXPECT_EQ(a.link->local_address(), b.link->remote_address());
  a.send("hello");
  b.send("there");
  EXPECT_TRUE(loop_.run_until([&] { return a.received == "there" && b.received == "hello"; }));
}

TEST_F(TcpTransportTest, ALargeTransferArrivesWhole) {
  auto [a, b] = connect(listen());
  std::string large(4 << 20, '\0');
  for (std::size_t at = 0; at < large.size(); ++at) large[at] = static_cast<char>(at * 2654435761u >> 13);
  a.send(large);
  EXPECT_TRUE(loop_.run_until([&] { return b.received.size() == large.size(); }));
  EXPECT_EQ(b.received, large);
}

TEST_F(TcpTransportTest, SeveralChunksAreFilledInOrder) {
  auto [a, b] = connect(listen());
  b.chunks_behind_max = 4;
  std::string large(4 << 20, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 2654435761u >> 24);
  a.send(large);
  EXPECT_TRUE(loop_.run_until([&] { return b.received.size() == large.size(); }));
  EXPECT_EQ(b.received, large);
}

TEST_F(TcpTransportTest, Ipv6Works) {
  const Multiaddr at = listen("/ip6/::1/tcp/0");
  auto [a, b] = connect(at);
  EXPECT_EQ(a.link->remote_address(), at);
  a.send("x");
  EXPECT_TRUE(loop_.run_until([&] { return b.received == "x"; }));
  EXPECT_TRUE(loop_.run_until([&] { return a.link->parked_bytes() == 0; }));
  EXPECT_EQ(b.link->parked_bytes(), 0u);
}

TEST_F(TcpTransportTest, WithoutAChunkNothingIsReadAndThePeerIsSlowed) {
  auto [a, b] = connect(listen());
  b.reads = false;
  a.send(std::string(4 << 20, 'x'));
  EXPECT_TRUE(loop_.run_until([&] { return b.gave_no_chunk > 0; }));
  for (int turn = 0; turn < 100; ++turn) loop_.poll();
  EXPECT_EQ(b.gave_no_chunk, 1u) << "it does not spin";
  EXPECT_TRUE(b.received.empty());
  b.reads = true;
  b.link->resume_reading();
  EXPECT_TRUE(loop_.run_until([&] { return b.received.size() == 4u << 20; }));
}

TEST_F(TcpTransportTest, ThePeersEndIsTold) {
  auto [a, b] = connect(listen());
  a.send("last words");
  EXPECT_TRUE(loop_.run_until([&] { return b.received == "last words"; }));
  a.link.reset();
  EXPECT_TRUE(loop_.run_until([&] { return !b.closed.empty(); }));
  EXPECT_EQ(b.closed, "closed by the peer");
}

TEST_F(TcpTransportTest, ALinkMayBeDestroyedInsideEachUpcall) {
  const Multiaddr at = listen();
  for (const std::string_view in : {"chunk", "bytes", "send", "sent", "closed"}) {
    auto [a, b] = connect(at);
    TestUser& victim = b;
    bool gone = false;
    victim.on_upcall = [&](std::string_view name) {
      if (name != in) return;
      victim.link.reset();
      gone = true;
    };
    victim.send(std::string(1 << 20, 'b'));
    a.send("a");
    if (in == "closed") a.link.reset();
    EXPECT_TRUE(loop_.run_until([&] { return gone; })) << in;
    loop_.poll();
  }
}

TEST_F(TcpTransportTest, ARefusedDialSaysSo) {
  const Multiaddr at = listen();
  transport().close();
  loop_.run_until([&] { return transport().closed(); });
  TestDialer& dialer = dial(at, nullptr);
  EXPECT_FALSE(dialer.done) << "no upcall from inside the call";
  EXPECT_TRUE(loop_.run_until([&] { return dialer.done; }));
  EXPECT_EQ(dialer.failed,
            "dial tcp4 127.0.0.1:" + std::to_string(*at.tcp_port()) + ": connect: connection refused");
}

TEST_F(TcpTransportTest, ADialIsGivenUpInTime) {
  // The handshake is not answered from the loop's point of view: nothing is run before the time is over.
  TestDialer& dialer = dial(listen(), nullptr);
  loop_.advance(5s - 1ns);
  EXPECT_FALSE(dialer.done);
  loop_.advance(1ns);
  EXPECT_TRUE(dialer.done);
  EXPECT_TRUE(dialer.failed.ends_with(": i/o timeout")) << dialer.failed;
}

TEST_F(TcpTransportTest, ADialMayBeGivenUpByItsOwner) {
  TestDialer& dialer = dial(listen(), nullptr);
  dialer.dial.reset();
  for (int turn = 0; turn < 10; ++turn) loop_.poll();
  EXPECT_FALSE(dialer.done);
}

TEST_F(TcpTransportTest, OnlyPlainTcpIsDialled) {
  EXPECT_TRUE(transport().can_dial(address("/ip4/1.2.3.4/tcp/4001")));
  EXPECT_TRUE(transport().can_dial(address("/ip6/2600::1/tcp/4001")));
  for (const char* other :
       {"/ip4/1.2.3.4/udp/4001/quic-v1", "/ip4/1.2.3.4/tcp/4001/ws", "/ip4/0.0.0.0/tcp/1",
        "/ip4/1.2.3.4/tcp/0", "/dns4/a.example/tcp/4001", "/ip6zone/x/ip6/fe80::1/tcp/1"}) {
    EXPECT_FALSE(transport().can_dial(address(other))) << other;
  }
}

TEST_F(TcpTransportTest, DialsAndLinksAreCapped) {
  options_.links_max = 6;
  options_.dials_max = 3;
  const Multiaddr at = listen();
  for (int n = 0; n < 3; ++n) EXPECT_TRUE(dial(at, &user()).dial);
  EXPECT_FALSE(transport().dial(at, 5s, dialers_.front()));
  EXPECT_TRUE(loop_.run_until([&] {
    return accepted_.size() == 3 &&
           std::all_of(dialers_.begin(), dialers_.end(), [](const TestDialer& one) { return one.done; });
  }));
  dialers_.clear();
  // Six links are there: whoever comes now finds his connection closed.
  const int flood = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(*at.tcp_port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(flood, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  loop_.poll();
  char byte = 0;
  EXPECT_LE(::recv(flood, &byte, 1, 0), 0);
  ::close(flood);
  EXPECT_EQ(accepted_.size(), 3u);
}

TEST_F(TcpTransportTest, PausedItAcceptsNobodyAndLaterThoseWhoWait) {
  const Multiaddr at = listen();
  transport().pause_accepting(true);
  TestUser& waiting = user();
  dial(at, &waiting);
  EXPECT_TRUE(loop_.run_until([&] { return waiting.link != nullptr; }));
  loop_.poll();
  EXPECT_TRUE(accepted_.empty());
  transport().pause_accepting(false);
  EXPECT_TRUE(loop_.run_until([&] { return accepted_.size() == 1; }));
}

TEST_F(TcpTransportTest, ThoseWhoWaitHaveSmallBuffersMeanwhile) {
  options_.wide_receive_bytes = 208 * 1024;
  const Multiaddr at = listen();
  const auto listening = [] {
    std::size_t small = 0, large = 0;
    for (int fd = 0; fd < 64; ++fd) {
      int value = 0;
      socklen_t size = sizeof value;
      if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) != 0 || value == 0) continue;
      ::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &size);
      (value == 2 * 8 * 1024 ? small : large) += 1;
    }
    return std::pair(small, large);
  };
  EXPECT_EQ(listening(), std::pair(std::size_t{0}, std::size_t{1}));
  transport().pause_accepting(true);
  EXPECT_EQ(listening(), std::pair(std::size_t{1}, std::size_t{0}));
  // What a client can send before it is accepted: not even the first window of a large buffer.
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int send_bytes = 4 * 1024;
  ::setsockopt(client, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
  const auto to = SocketAddress::from_multiaddr(at).value();
  ::connect(client, to.get(), to.size());
  const std::string bytes(4096, 'x');
  std::size_t sent = 0;
  for (int look = 0; look < 100; ++look) {
    const ssize_t more = ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (more > 0) sent += static_cast<std::size_t>(more);
    if (more < 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_GT(sent, 0u);
  EXPECT_LT(sent, 48u * 1024);
  transport().pause_accepting(false);
  EXPECT_EQ(listening(), std::pair(std::size_t{0}, std::size_t{1}));
  EXPECT_TRUE(loop_.run_until([&] { return accepted_.size() == 1; }));
  EXPECT_TRUE(loop_.run_until([&] { return accepted_[0]->received.size() >= sent; }));
  ::close(client);
}

TEST_F(TcpTransportTest, WithoutDescriptorsItRefusesAndGoesOn) {
  const Multiaddr at = listen();
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(*at.tcp_port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<int> filler;
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(client) + 16;
  setrlimit(RLIMIT_NOFILE, &few);
  while (true) {
    const int fd = ::open("/dev/null", O_RDONLY);
    if (fd < 0) break;
    filler.push_back(fd);
  }
  ::connect(client, reinterpret_cast<sockaddr*>(&to), sizeof to);
  for (int turn = 0; turn < 100; ++turn) loop_.poll();
  EXPECT_TRUE(accepted_.empty());
  char byte = 0;
  EXPECT_LE(::recv(client, &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_TRUE(errno == ECONNRESET || errno == 0) << "refused, not left hanging: " << errno;
  for (const int fd : filler) ::close(fd);
  setrlimit(RLIMIT_NOFILE, &before);
  ::close(client);
  auto ends = connect(at);
  EXPECT_TRUE(ends.dialer.link);
}

TEST_F(TcpTransportTest, ADialLeavesFromTheListenersPort) {
  const Multiaddr here = listen();
  RealLoop& loop = loop_;
  TcpTransport other(loop.context, loop, loop.timers, memory_.account, {});
  const Multiaddr there = other.listen(address("/ip4/127.0.0.1/tcp/0"), *this).value();
  TestUser& first = user();
  dial(there, &first);
  EXPECT_TRUE(loop_.run_until([&] { return accepted_.size() == 1 && first.link; }));
  EXPECT_EQ(first.link->local_address(), here);
  // A second one to the same place cannot have the same two ports.
  TestUser& second = user();
  dial(there, &second);
  EXPECT_TRUE(loop_.run_until([&] { return accepted_.size() == 2 && second.link; }));
  EXPECT_NE(second.link->local_address(), here);
  for (TestUser& one : users_) one.link.reset();
  other.close();
  EXPECT_TRUE(loop_.run_until([&] { return other.closed(); }));
}

TEST_F(TcpTransportTest, ItSaysWhereAnUnspecifiedAddressIsReached) {
  const Multiaddr bound = listen("/ip4/0.0.0.0/tcp/0");
  const std::vector<Multiaddr> all = transport().reachable_at(bound);
  EXPECT_NE(
      std::find(all.begin(), all.end(), Multiaddr::tcp(*IpAddress::parse_v4("127.0.0.1"), *bound.tcp_port())),
      all.end());
  EXPECT_EQ(transport().reachable_at(address("/ip4/127.0.0.1/tcp/5")),
            std::vector<Multiaddr>{address("/ip4/127.0.0.1/tcp/5")});
}

TEST_F(TcpTransportTest, AnAddressInUseIsAnErrorWithItsName) {
  options_.reuse_port = false;
  const Multiaddr at = listen();
  const auto again = transport().listen(at, *this);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), "listen on " + at.to_string() + ": Address already in use");
}

}  // namespace
}  // namespace masu::net
