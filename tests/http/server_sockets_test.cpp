// What the kernel holds for a server: those who wait to be accepted, and what is unread and unsent.
#include "alloc/socket_memory.hpp"
#include "http/server.hpp"
#include "tests/http/server_fixture.hpp"

#include <array>
#include <cstring>
#include <list>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <poll.h>

namespace masu::http {
namespace {

constexpr std::size_t kib = 1024;

// The server sends so much that one who does not read leaves both buffers full.
constexpr std::string_view get_much = "GET /bytes?4000000 HTTP/1.1\r\n\r\n";

class ServerSocketsTest : public TcpServerTest {
 protected:
  // A socket that asked to be connected, and whether it is within a moment.
  static std::pair<FileHandle, bool> try_to_connect(const Multiaddr& address) {
    FileHandle fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(*address.tcp_port());
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
    pollfd waited{fd.get(), POLLOUT, 0};
    const bool connected = ::poll(&waited, 1, 300) == 1;
    return {std::move(fd), connected};
  }
  // Sends until the kernels of both ends take no more.
  static void fill(int fd) {
    const std::array<char, 65536> bytes{};
    for (int quiet = 0; quiet < 5;) {
      const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      quiet = sent > 0 ? 0 : quiet + 1;
      pollfd waited{fd, POLLOUT, 0};
      if (sent < 0) ::poll(&waited, 1, 50);
    }
  }
};

TEST_F(ServerSocketsTest, AsManyWaitAsItsBacklogAndNoMore) {
  options_.connections_max = 1;
  options_.backlog = 3;
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  Peer busy = dial(bound);
  ASSERT_TRUE(busy.send("GET /hang HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(busy.receive_until("\r\n\r\n"));
  std::list<Peer> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(dial(bound));
  auto [fd, connected] = try_to_connect(bound);
  EXPECT_FALSE(connected) << "its kernel asks again later";
  busy.close();
  // Those who waited come in, and then that one: nobody was lost.
  for (Peer& peer : waiting) {
    ASSERT_TRUE(peer.send("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n"));
    EXPECT_TRUE(peer.receive_until("0\r\n\r\n"));
  }
  Peer last(*this, std::move(fd));
  EXPECT_TRUE(run_until(
      [&] { return ::send(last.fd(), "GET /a HTTP/1.1\r\n\r\n", 19, MSG_NOSIGNAL | MSG_DONTWAIT) == 19; }));
  EXPECT_TRUE(last.receive_until("0\r\n\r\n"));
}

TEST_F(ServerSocketsTest, ListenersShareTheBacklog) {
  options_.connections_max = 1;
  options_.backlog = 2;
  const Multiaddr first = listen("/ip4/127.0.0.1/tcp/0");
  const Multiaddr second = listen("/ip4/127.0.0.1/tcp/0");
  Peer busy = dial(first);
  ASSERT_TRUE(busy.send("GET /hang HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(busy.receive_until("\r\n\r\n"));
  for (const Multiaddr& address : {first, second}) {
    const Peer waiting = dial(address);
    EXPECT_FALSE(try_to_connect(address).second);
  }
  busy.close();
}

TEST_F(ServerSocketsTest, WhoWaitsHasLittleInTheKernel) {
  const ListenOptions options{.backlog = 1, .waiting_bytes = 4 * kib, .accepted_bytes = 16 * kib};
  const auto listening = open_listener(Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value(), options);
  ASSERT_TRUE(listening);
  const auto client = connect_to(listening->address);
  ASSERT_TRUE(client);
  fill(client->get());
  const FileHandle accepted(::accept4(listening->fd.get(), nullptr, nullptr, SOCK_NONBLOCK));
  ASSERT_TRUE(accepted);
  EXPECT_GT(parked_socket_bytes(accepted.get()), 2 * kib);
  EXPECT_LE(parked_socket_bytes(accepted.get()), 8 * kib);
}

TEST_F(ServerSocketsTest, WhatIsUnreadAndUnsentIsCountedAndBounded) {
  options_.connections_max = 6;
  options_.large_sockets_max = 0;
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  EXPECT_EQ(server().parked_bytes(), 0u);
  std::list<Peer> peers;
  for (int i = 0; i < 6; ++i) {
    peers.push_back(dial(bound));
    const bool sends = i % 2 == 0;
    ASSERT_TRUE(
        peers.back().send(sends ? "POST /hang HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n" : get_much));
    ASSERT_TRUE(run_until([&] { return handler_.handled == static_cast<std::size_t>(i) + 1; }));
    if (sends) fill(peers.back().fd());
  }
  // As full as they get: the handlers write as long as the kernel takes it.
  std::size_t parked = 0;
  EXPECT_TRUE(
      run_until([&] { return parked == std::exchange(parked, server().parked_bytes()) && parked > 0; }));
  EXPECT_GE(parked, 6 * options_.small_socket_bytes / 2);
  EXPECT_LE(parked, 6 * (options_.small_socket_bytes * 5 / 2 + kib)) << "what the plan has for them";
  peers.clear();
  EXPECT_TRUE(run_until([&] { return server().stats().connections == 0; }));
  EXPECT_EQ(server().parked_bytes(), 0u);
}

}  // namespace
}  // namespace masu::http
