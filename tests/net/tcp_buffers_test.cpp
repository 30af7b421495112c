// What the kernel holds for links: small buffers, those of a few busy links, and the widest.
#include "net/transport/tcp_socket.hpp"
#include "tests/net/tcp_fixture.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace masu::net {
namespace {

class TcpBuffersTest : public TcpTransportTest {};

TEST_F(TcpBuffersTest, TheKernelHoldsLittleForALinkThatIsNotRead) {
  auto [a, b] = connect(listen());
  b.reads = false;
  std::size_t sent = 0;
  a.on_upcall = [&](std::string_view name) { sent += name == "sent"; };
  a.send(std::string(4 << 20, 'x'));
  loop_.run_until([&] { return b.gave_no_chunk > 0; });
  for (int turn = 0; turn < 1000; ++turn) loop_.poll();
  EXPECT_GT(b.link->parked_bytes(), 8u * 1024) << "unread";
  EXPECT_LE(b.link->parked_bytes(), 96u * 1024);
  EXPECT_GT(a.link->parked_bytes(), 8u * 1024) << "unsent";
  // What a did not take back is in the kernel.
  b.reads = true;
  std::size_t held = 0;
  a.on_upcall = nullptr;
  b.on_upcall = [&](std::string_view name) {
    if (name == "bytes") held = std::max(held, b.received.size());
  };
  a.link.reset();
  b.link->resume_reading();
  EXPECT_TRUE(loop_.run_until([&] { return !b.closed.empty(); }));
  EXPECT_LE(b.received.size(), 96u * 1024);
}

TEST_F(TcpBuffersTest, AFewLinksMayBeBusy) {
  options_.busy_links_max = 1;
  const Multiaddr at = listen();
  auto [a, b] = connect(at);
  EXPECT_TRUE(a.link->set_busy(true));
  EXPECT_TRUE(a.link->set_busy(true));
  EXPECT_FALSE(b.link->set_busy(true));
  EXPECT_TRUE(a.link->set_busy(false));
  EXPECT_TRUE(b.link->set_busy(true));
  b.link.reset();
  EXPECT_TRUE(loop_.run_until([&] { return !a.closed.empty(); }));
  auto ends = connect(at);
  EXPECT_TRUE(ends.dialer.link->set_busy(true)) << "it is free again";
}

// SO_RCVBUF of the socket with this local port and peer's port.
int receive_buffer(const LinkHandle& link) {
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in local{};
    sockaddr_in remote{};
    socklen_t size = sizeof local;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) continue;
    size = sizeof remote;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&remote), &size) != 0) continue;
    if (ntohs(local.sin_port) != link->local_address().tcp_port() ||
        ntohs(remote.sin_port) != link->remote_address().tcp_port()) {
      continue;
    }
    int bytes = 0;
    size = sizeof bytes;
    ::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size);
    return bytes;
  }
  return -1;
}

TEST_F(TcpBuffersTest, WhatIsExpectedFindsRoomInHalfOfThePlaces) {
  options_.busy_links_max = 4;
  const Multiaddr at = listen();
  const std::array<Ends, 2> ends{connect(at), connect(at)};
  const LinkHandle& link = ends[0].listener.link;
  EXPECT_LE(receive_buffer(link), 2 * 8 * 1024);
  EXPECT_TRUE(link->expect_bytes());
  EXPECT_TRUE(link->expect_bytes());
  EXPECT_GE(receive_buffer(link), 2 * 200 * 1024);
  EXPECT_TRUE(ends[0].dialer.link->expect_bytes());
  EXPECT_FALSE(ends[1].dialer.link->expect_bytes()) << "half of them";
  EXPECT_TRUE(ends[1].dialer.link->set_busy(true));
  EXPECT_TRUE(link->set_busy(false));
  EXPECT_FALSE(link->expect_bytes());
  EXPECT_TRUE(ends[0].dialer.link->set_busy(false));
  transport().set_growth(false);
  EXPECT_FALSE(link->expect_bytes());
  transport().set_growth(true);
  EXPECT_TRUE(link->expect_bytes());
}

TEST_F(TcpBuffersTest, ALinkThatIsToBringMuchIsWideBeforeItDoes) {
  options_.busy_links_max = 4;
  options_.busy_receive_bytes = 128 * 1024;
  options_.wide_links_max = 1;
  options_.wide_receive_bytes = 208 * 1024;
  const Multiaddr at = listen();
  const std::array<Ends, 2> ends{connect(at), connect(at)};
  const LinkHandle& first = ends[0].listener.link;
  const LinkHandle& second = ends[1].listener.link;
  EXPECT_TRUE(first->expect_bytes());
  EXPECT_EQ(receive_buffer(first), 2 * 208 * 1024);
  EXPECT_TRUE(second->expect_bytes());
  EXPECT_EQ(receive_buffer(second), 2 * 128 * 1024) << "there is one place";
  EXPECT_TRUE(first->set_busy(false));
  EXPECT_TRUE(second->set_busy(false));
  EXPECT_TRUE(second->expect_bytes());
  EXPECT_EQ(receive_buffer(second), 2 * 208 * 1024) << "the place came back";
}

TEST_F(TcpBuffersTest, ABusyLinkThatReceivesFastIsWidenedAsLongAsThereIsOne) {
  options_.busy_links_max = 4;
  options_.busy_receive_bytes = 128 * 1024;
  options_.wide_links_max = 1;
  options_.wide_receive_bytes = 208 * 1024;  // what kernels grant as they come; they double it
  constexpr int wide = 2 * 208 * 1024;
  const Multiaddr at = listen();
  const std::array<Ends, 3> ends{connect(at), connect(at), connect(at)};
  const auto send_to = [&](const std::array<bool, 3>& which) {
    for (std::size_t i = 0; i < ends.size(); ++i) {
      ends[i].listener.received.clear();
      if (which[i]) ends[i].dialer.send(std::string(4 << 20, 'x'));
    }
    EXPECT_TRUE(loop_.run_until([&] {
      for (std::size_t i = 0; i < ends.size(); ++i) {
        if (which[i] && ends[i].listener.received.size() < 4u << 20) return false;
      }
      return true;
    }));
  };
  const auto is_wide = [&](std::size_t i) { return receive_buffer(ends[i].listener.link) == wide; };
  for (const Ends& each : ends) EXPECT_TRUE(each.dialer.link->set_busy(true));
  send_to({true, true, true});
  for (std::size_t i = 0; i < 3; ++i) EXPECT_FALSE(is_wide(i)) << "it is not busy";

  EXPECT_TRUE(ends[2].dialer.link->set_busy(false));
  EXPECT_TRUE(ends[0].listener.link->set_busy(true));
  EXPECT_TRUE(ends[1].listener.link->set_busy(true));
  send_to({true, true, false});
  ASSERT_NE(is_wide(0), is_wide(1)) << "one of them";
  const std::size_t first = is_wide(0) ? 0 : 1;
  EXPECT_TRUE(ends[first].listener.link->set_busy(false));
  EXPECT_LE(receive_buffer(ends[first].listener.link), 2 * 8 * 1024);
  send_to({true, true, false});
  EXPECT_TRUE(is_wide(1 - first)) << "the other has its place";
  ends[1 - first].listener.link.reset();
  EXPECT_TRUE(ends[first].listener.link->set_busy(true));
  send_to({first == 0, first == 1, false});
  EXPECT_TRUE(is_wide(first)) << "it is free again";
}

TEST_F(TcpBuffersTest, WithoutGrowthAWideLinkBecomesAsABusyOneAndNoneIsWidened) {
  options_.busy_receive_bytes = 128 * 1024;
  options_.wide_links_max = 1;
  options_.wide_receive_bytes = 208 * 1024;
  const Ends ends = connect(listen());
  EXPECT_TRUE(ends.dialer.link->set_busy(true));
  EXPECT_TRUE(ends.listener.link->set_busy(true));
  const auto buffer_after_4_mib = [&] {
    ends.listener.received.clear();
    ends.dialer.send(std::string(4 << 20, 'x'));
    EXPECT_TRUE(loop_.run_until([&] { return ends.listener.received.size() == 4u << 20; }));
    return receive_buffer(ends.listener.link);
  };
  EXPECT_EQ(buffer_after_4_mib(), 2 * 208 * 1024);
  transport().set_growth(false);
  EXPECT_EQ(buffer_after_4_mib(), 2 * 128 * 1024);
  transport().set_growth(true);
  EXPECT_EQ(buffer_after_4_mib(), 2 * 208 * 1024);
}

// Or a link with small buffers would be fed by its peer's timer, where devices take large segments.
TEST_F(TcpBuffersTest, PeersSendSegmentsThatFitSmallBuffers) {
  const Multiaddr at = listen();
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(*at.tcp_port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  int segment = 0;
  socklen_t size = sizeof segment;
  ASSERT_EQ(::getsockopt(client, IPPROTO_TCP, TCP_MAXSEG, &segment, &size), 0);
  EXPECT_LE(segment, 1460);
  ::close(client);
}

}  // namespace
}  // namespace masu::net
