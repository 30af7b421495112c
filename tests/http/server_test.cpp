#include "http/server.hpp"

#include "tests/http/server_fixture.hpp"

#include <algorithm>
#include <array>
#include <list>
#include <string>
#include <vector>

namespace masu::http {
namespace {

std::string chunk(std::string_view data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + std::string(data) + "\r\n";
}

constexpr std::string_view get_hello = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view end_of_hello = "2\r\n/a\r\n0\r\n\r\n";

TEST_F(ServerTest, AnAnswerGoesOutInChunks) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send(get_hello));
  ASSERT_TRUE(peer.receive_until("0\r\n\r\n"));
  EXPECT_EQ(peer.received,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n"
            "6\r\nhello \r\n2\r\n/a\r\n0\r\n\r\n");
}

TEST_F(ServerTest, AHeadMayComeByteByByte) {
  Peer peer = connect();
  for (const char c : get_hello) ASSERT_TRUE(peer.send({&c, 1}));
  EXPECT_TRUE(peer.receive_until(end_of_hello));
}

TEST_F(ServerTest, AConnectionServesManyRequestsAndHoldsNothingBetweenThem) {
  Peer peer = connect();
  for (int i = 0; i < 50; ++i) {
    peer.received.clear();
    ASSERT_TRUE(peer.send(get_hello));
    ASSERT_TRUE(peer.receive_until(end_of_hello));
    poll();
  }
  EXPECT_EQ(server().stats().requests, 50u);
  EXPECT_EQ(server().stats().active, 0u);
  EXPECT_LT(account_.live_bytes(), 6000u) << "a connection and its task";
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Peer peer = connect();
  std::string all;
  for (int i = 0; i < 30; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n\r\n";
  ASSERT_TRUE(peer.send(all));
  ASSERT_TRUE(peer.receive_until("/29\r\n0\r\n\r\n"));
  std::size_t from = 0;
  for (int i = 0; i < 30; ++i) {
    from = peer.received.find("/" + std::to_string(i) + "\r\n", from);
    ASSERT_NE(from, std::string::npos) << i;
  }
}

TEST_F(ServerTest, ABodyOfKnownLengthIsReadToItsEndAndNoFurther) {
  Peer peer = connect();
  const std::string body(100'000, 'b');
  ASSERT_TRUE(peer.send("POST /count HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + body));
  ASSERT_TRUE(peer.receive_until("100000"));
  ASSERT_TRUE(peer.send(get_hello));
  EXPECT_TRUE(peer.receive_until(end_of_hello)) << "the connection stays good";
}

TEST_F(ServerTest, AChunkedBodyAndARequestBehindIt) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("POST /count HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("abc") +
                        chunk(std::string(70'000, 'z')) + "0\r\nX-T: 1\r\n\r\n" + std::string(get_hello)));
  ASSERT_TRUE(peer.receive_until("70003"));
  EXPECT_TRUE(peer.receive_until(end_of_hello));
}

TEST_F(ServerTest, AnswerAndBodyMayFlowAtTheSameTime) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"));
  for (int i = 0; i < 5; ++i) {
    const std::string word = "word" + std::to_string(i);
    ASSERT_TRUE(peer.send(chunk(word)));
    ASSERT_TRUE(peer.receive_until(word)) << "before the body ends";
  }
  EXPECT_NE(peer.received.find("Connection: close"), std::string::npos);
  ASSERT_TRUE(peer.send("0\r\n\r\n"));
  ASSERT_TRUE(peer.receive_to_end());
  EXPECT_TRUE(peer.received.ends_with("0\r\nX-Sum: 25\r\n\r\n"));
}

TEST_F(ServerTest, ContinueIsSentWhenTheBodyIsWanted) {
  Peer wanted = connect();
  ASSERT_TRUE(wanted.send("POST /count HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  ASSERT_TRUE(wanted.receive_until("HTTP/1.1 100 Continue\r\n\r\n"));
  ASSERT_TRUE(wanted.send("ok"));
  EXPECT_TRUE(wanted.receive_until("200 OK"));

  Peer refused = connect();
  ASSERT_TRUE(refused.send("POST /early HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  ASSERT_TRUE(refused.receive_until("no\n"));
  EXPECT_EQ(refused.received.find("100 Continue"), std::string::npos);
  EXPECT_NE(refused.received.find("Connection: close"), std::string::npos);
}

TEST_F(ServerTest, AnEarlyAnswerReachesAClientThatStillSends) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("POST /early HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n"));
  const std::string part(50'000, 'u');
  ASSERT_TRUE(peer.send(part));
  ASSERT_TRUE(peer.send(part));
  ASSERT_TRUE(peer.receive_until("400 Bad Request"));
  ASSERT_TRUE(peer.receive_until("no\n"));
  peer.close();
  EXPECT_TRUE(run_until([&] { return server().stats().connections == 0; }));
}

TEST_F(ServerTest, AClientThatLingersIsCutOff) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("POST /early HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n"));
  ASSERT_TRUE(peer.receive_until("no\n"));
  pass_seconds(options_.linger_seconds + 1);
  EXPECT_EQ(server().stats().connections, 0u);
}

TEST_F(ServerTest, ASlowReaderHoldsUpItsHandlerOnly) {
  Peer slow = connect();
  const std::size_t size = std::size_t{4} << 20;
  ASSERT_TRUE(slow.send("GET /bytes?" + std::to_string(size) + " HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(run_until([&] { return handler_.handled == 1; }));
  for (int i = 0; i < 20; ++i) poll();
  EXPECT_LE(chunks_.stats().used, 16u) << "no more than one write is under way";
  Peer other = connect();
  ASSERT_TRUE(other.send(get_hello));
  EXPECT_TRUE(other.receive_until(end_of_hello));
  ASSERT_TRUE(slow.receive_until("\r\n0\r\n\r\n"));
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(slow.received, 'x')), size);
}

TEST_F(ServerTest, ASlowHandlerHoldsUpItsClient) {
  // No chunk can be had: nothing is read.
  std::vector<Chunk> all;
  while (Chunk one = chunks_.take(body_account_)) all.push_back(std::move(one));
  Peer peer = connect();
  ASSERT_TRUE(peer.send("POST /count HTTP/1.1\r\nContent-Length: 30000\r\n\r\n"));
  ASSERT_TRUE(peer.send(std::string(30'000, 'b')));
  ASSERT_TRUE(run_until([&] { return handler_.handled == 1; }));
  for (int i = 0; i < 3; ++i) poll();
  EXPECT_TRUE(peer.take_now().empty());
  all.clear();
  EXPECT_TRUE(peer.receive_until("30000")) << "and goes on when chunks are back";
}

TEST_F(ServerTest, ABodyThatNoChunkIsFoundForIsRefused) {
  options_.starved_seconds = 0;
  std::vector<Chunk> all;
  while (Chunk one = chunks_.take(body_account_)) all.push_back(std::move(one));
  Peer peer = connect();
  ASSERT_TRUE(peer.send("POST /count HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"));
  EXPECT_TRUE(peer.receive_until("out of memory"));
  EXPECT_EQ(handler_.body_error, BodyError::out_of_memory);
}

TEST_F(ServerTest, AHandlerIsToldThatItsClientIsGone) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("GET /hang HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(peer.receive_until("\r\n\r\n"));
  peer.close();
  EXPECT_TRUE(run_until([&] { return handler_.told_gone == 1; }));
  EXPECT_TRUE(handler_.saw_gone);
  EXPECT_TRUE(run_until([&] { return server().stats().connections == 0; }));
}

TEST_F(ServerTest, AClientThatPipelinedIsSeenToGoToo) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("GET /hang HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(peer.receive_until("\r\n\r\n"));
  ASSERT_TRUE(peer.send(get_hello));
  poll();
  EXPECT_EQ(handler_.told_gone, 0u);
  peer.close();
  pass_seconds(1);
  EXPECT_TRUE(run_until([&] { return handler_.told_gone == 1; }));
}

TEST_F(ServerTest, AWriterIsToldThatItsClientIsGone) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("GET /bytes?100000000 HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(peer.receive_until("xxx"));
  peer.close();
  EXPECT_TRUE(run_until([&] { return handler_.write_failed; }));
}

TEST_F(ServerTest, AnUploadThatIsBrokenOffIsAnError) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("POST /count HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"));
  peer.close();
  EXPECT_TRUE(run_until([&] { return handler_.body_error == BodyError::gone; }));
}

TEST_F(ServerTest, AMalformedChunkedBodyIsAnError) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("POST /count HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"));
  EXPECT_TRUE(peer.receive_until("malformed"));
  EXPECT_EQ(handler_.body_error, BodyError::malformed);
}

TEST_F(ServerTest, ACutAnswerHasNoEnd) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("GET /cut HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(peer.receive_to_end());
  EXPECT_TRUE(peer.received.ends_with("4\r\nhalf\r\n"));
}

TEST_F(ServerTest, ATaskWithoutAnAnswerMakesA500) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("GET /silent HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(peer.receive_until("500 Internal Server Error"));
}

TEST_F(ServerTest, ARefusedHandlerIsA503OrACut) {
  Peer before = connect();
  ASSERT_TRUE(before.send("GET /greedy HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(before.receive_to_end());
  EXPECT_TRUE(before.received.starts_with("HTTP/1.1 503 ")) << before.received;
  Peer after = connect();
  ASSERT_TRUE(after.send("GET /greedy?late HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(after.receive_to_end());
  EXPECT_TRUE(after.received.ends_with("5\r\nfirst\r\n")) << after.received;
  EXPECT_EQ(server().stats().refused, 2u);
}

TEST_F(ServerTest, HeadsAboveTheirLimitsAreRefused) {
  const auto answer_to = [this](const std::string& head) {
    Peer peer = connect();
    peer.send(head);
    EXPECT_TRUE(peer.receive_until("\r\n\r\n"));
    return peer.received.substr(9, 3);
  };
  EXPECT_EQ(answer_to("GET /" + std::string(70'000, 'a') + " HTTP/1.1\r\n\r\n"), "414");
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nA: " + std::string(17'000, 'a') + "\r\n\r\n"), "431");
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 120; ++i) many += "A: b\r\n";
  EXPECT_EQ(answer_to(many + "\r\n"), "431");
  EXPECT_EQ(answer_to("nonsense\r\n\r\n"), "400");
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), "400") << "a folded header";
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"), "501");
}

TEST_F(ServerTest, ATargetAtItsLimitIsServed) {
  Peer peer = connect();
  const std::string target = "/" + std::string(65'535, 'q');
  ASSERT_TRUE(peer.send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(peer.receive_until("0\r\n\r\n"));
  EXPECT_EQ(handler_.last_target, target);
}

TEST_F(ServerTest, AHeadThatDoesNotEndIsGivenUp) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("GET / HTTP/1.1\r\nA: "));
  ASSERT_TRUE(run_until([&] { return server().stats().active == 1; }));
  pass_seconds(options_.head_seconds);
  EXPECT_EQ(server().stats().connections, 1u);
  pass_seconds(1);
  EXPECT_EQ(server().stats().connections, 0u);
}

TEST_F(ServerTest, AnIdleConnectionIsClosedAfterAWhile) {
  Peer peer = connect();
  poll();
  pass_seconds(options_.idle_seconds);
  EXPECT_EQ(server().stats().connections, 1u);
  pass_seconds(1);
  EXPECT_EQ(server().stats().connections, 0u);
}

TEST_F(ServerTest, TheClientsOldWayToCloseWorks) {
  Peer peer = connect();
  ASSERT_TRUE(peer.send("GET /a HTTP/1.0\r\n\r\n"));
  ASSERT_TRUE(peer.receive_to_end());
  EXPECT_TRUE(peer.received.ends_with("\r\n\r\nhello /a")) << "the end of the connection ends the body";
  Peer kept = connect();
  ASSERT_TRUE(kept.send("POST /count HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"));
  ASSERT_TRUE(kept.receive_until("\r\n\r\n1"));
  EXPECT_NE(kept.received.find("Connection: keep-alive"), std::string::npos);
}

TEST_F(TcpServerTest, ListensOnBothFamiliesAndAUnixSocket) {
  const std::string path = testing::TempDir() + "masu-http-test.sock";
  for (const std::string& at :
       {std::string("/ip4/127.0.0.1/tcp/0"), std::string("/ip6/::1/tcp/0"), "/unix" + path}) {
    const Multiaddr bound = listen(at);
    Peer peer = dial(bound);
    ASSERT_TRUE(peer.send(get_hello)) << at;
    EXPECT_TRUE(peer.receive_until(end_of_hello)) << at;
  }
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

TEST_F(TcpServerTest, ALeftoverSocketFileIsReplacedAndALiveOneIsNot) {
  const std::string path = testing::TempDir() + "masu-http-left.sock";
  const Multiaddr address = Multiaddr::parse("/unix" + path).value();
  {
    const auto dead = open_listener(address, {});
  }
  ASSERT_EQ(::access(path.c_str(), F_OK), 0) << "as after a SIGKILL";
  listen("/unix" + path);
  EXPECT_FALSE(server().listen(address)) << "in use";
  EXPECT_FALSE(server().listen(Multiaddr::parse("/dns4/example.org/tcp/1").value()));
}

TEST_F(TcpServerTest, WhenAllAreAtWorkNewOnesWaitAndAreToldAfterAWhile) {
  options_.connections_max = 2;
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  std::list<Peer> busy;
  for (int i = 0; i < 2; ++i) {
    busy.push_back(dial(bound));
    ASSERT_TRUE(busy.back().send("GET /hang HTTP/1.1\r\n\r\n"));
    ASSERT_TRUE(busy.back().receive_until("\r\n\r\n"));
  }
  Peer waiting = dial(bound);
  ASSERT_TRUE(waiting.send(get_hello));
  poll();
  EXPECT_EQ(server().stats().connections, 2u);
  pass_seconds(options_.full_seconds + 1);
  ASSERT_TRUE(waiting.receive_to_end());
  EXPECT_TRUE(waiting.received.starts_with("HTTP/1.1 503 ")) << waiting.received;
}

TEST_F(TcpServerTest, WhenOthersWaitAClientThatDoesNothingLosesItsPlace) {
  options_.connections_max = 3;
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  Peer head = dial(bound), body = dial(bound), deaf = dial(bound);
  ASSERT_TRUE(head.send("POST /count HT"));
  ASSERT_TRUE(body.send("POST /count HTTP/1.1\r\nContent-Length: 100\r\n\r\nx"));
  ASSERT_TRUE(deaf.send("GET /bytes?100000000 HTTP/1.1\r\n\r\n"));
  poll();
  ASSERT_EQ(server().stats().active, 3u);
  pass_crowd_ticks(20);
  EXPECT_EQ(server().stats().active, 3u) << "nobody waits";
  for (int i = 0; i < 3; ++i) {
    Peer waiting = dial(bound);
    ASSERT_TRUE(waiting.send(get_hello));
    poll();
    pass_crowd_ticks(6);
    ASSERT_TRUE(waiting.receive_until(end_of_hello)) << i;
    // Whoever came in its place does nothing either.
    Peer next = dial(bound);
    ASSERT_TRUE(next.send("POST /count HT"));
    poll();
  }
}

TEST_F(TcpServerTest, WhenOthersWaitOneThatNoChunkIsFoundForDoesNotWaitForLong) {
  options_.connections_max = 1;
  options_.starved_seconds = 3600;
  std::vector<Chunk> all;
  while (Chunk one = chunks_.take(body_account_)) all.push_back(std::move(one));
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  Peer starved = dial(bound);
  ASSERT_TRUE(starved.send("POST /count HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"));
  poll();
  Peer waiting = dial(bound);
  ASSERT_TRUE(waiting.send(get_hello));
  EXPECT_TRUE(starved.receive_until("out of memory"));
  EXPECT_TRUE(waiting.receive_until(end_of_hello));
}

TEST_F(TcpServerTest, AClientThatMovesKeepsItsPlace) {
  options_.connections_max = 1;
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  Peer slow = dial(bound);
  ASSERT_TRUE(slow.send("POST /count HTTP/1.1\r\nContent-Length: 20000\r\n\r\n"));
  poll();
  Peer waiting = dial(bound);
  ASSERT_TRUE(waiting.send(get_hello));
  poll();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(slow.send(std::string(1000, 'x')));
    poll();
    pass_crowd_ticks(1);
  }
  ASSERT_TRUE(slow.receive_until("20000")) << slow.received;
  EXPECT_TRUE(waiting.receive_until(end_of_hello));
}

TEST_F(TcpServerTest, WhoHasHadAnAnswerOrMovedMuchGoesLast) {
  options_.connections_max = 3;
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  Peer answered = dial(bound), moved = dial(bound), stranger = dial(bound);
  ASSERT_TRUE(answered.send(get_hello));
  ASSERT_TRUE(answered.receive_until(end_of_hello));
  ASSERT_TRUE(answered.send("POST /count HT"));
  ASSERT_TRUE(
      moved.send("POST /count HTTP/1.1\r\nContent-Length: 100001\r\n\r\n" + std::string(100'000, 'x')));
  poll();
  ASSERT_TRUE(stranger.send("POST /count HT"));
  poll();
  Peer waiting = dial(bound);
  ASSERT_TRUE(waiting.send(get_hello));
  poll();
  pass_crowd_ticks(6);
  EXPECT_TRUE(stranger.receive_to_end());
  ASSERT_TRUE(waiting.receive_until(end_of_hello));
  // They may pause for longer, also while others wait.
  Peer second = dial(bound), third = dial(bound);
  for (Peer* peer : {&second, &third}) ASSERT_TRUE(peer->send(get_hello));
  poll();
  pass_crowd_ticks(6);
  ASSERT_TRUE(moved.send("x"));
  ASSERT_TRUE(moved.receive_until("100001")) << moved.received;
  answered.received.clear();
  ASSERT_TRUE(answered.send("TP/1.1\r\nContent-Length: 1\r\n\r\nx"));
  ASSERT_TRUE(answered.receive_until("\r\n\r\n1")) << answered.received;
}

TEST_F(TcpServerTest, WhoHasHadAnAnswerDoesNotKeepItsPlaceForEver) {
  options_.connections_max = 1;
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  Peer first = dial(bound);
  ASSERT_TRUE(first.send(get_hello));
  ASSERT_TRUE(first.receive_until(end_of_hello));
  ASSERT_TRUE(first.send("POST /count HT"));
  poll();
  Peer waiting = dial(bound);
  ASSERT_TRUE(waiting.send(get_hello));
  poll();
  pass_crowd_ticks(16);
  EXPECT_TRUE(first.receive_to_end());
  EXPECT_TRUE(waiting.receive_until(end_of_hello));
}

TEST_F(TcpServerTest, WhenRequestsHaveFilledTheirMemoryEachClientIsToldSo) {
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  ASSERT_TRUE(account_.hold(account_.quota_bytes() - account_.live_bytes()));
  for (int i = 0; i < 3; ++i) {
    std::list<Peer> peers;
    for (std::size_t n = 0; n < options_.connections_max; ++n) peers.push_back(dial(bound));
    bool is_long = false;  // one whose head alone needs more than a connection has
    for (Peer& peer : peers) {
      is_long = !is_long;
      ASSERT_TRUE(peer.send(is_long ? "GET /" + std::string(10'000, 'x') : std::string(get_hello)));
    }
    for (Peer& peer : peers) {
      ASSERT_TRUE(peer.receive_to_end());
      EXPECT_TRUE(peer.received.starts_with("HTTP/1.1 503 ")) << peer.received;
      EXPECT_TRUE(peer.received.ends_with("out of memory\n")) << peer.received;
    }
  }
  account_.drop(account_.quota_bytes());
  Peer after = dial(bound);
  ASSERT_TRUE(after.send(get_hello));
  EXPECT_TRUE(after.receive_until(end_of_hello));
}

TEST_F(TcpServerTest, AnIdleConnectionMakesRoom) {
  options_.connections_max = 2;
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  Peer first = dial(bound), second = dial(bound);
  for (Peer* peer : {&first, &second}) {
    ASSERT_TRUE(peer->send(get_hello));
    ASSERT_TRUE(peer->receive_until(end_of_hello));
  }
  Peer third = dial(bound);
  ASSERT_TRUE(third.send(get_hello));
  poll();
  first.take_now();
  EXPECT_FALSE(first.closed) << "a client may be about to reuse it";
  pass_seconds(2);
  ASSERT_TRUE(third.receive_until(end_of_hello));
  EXPECT_TRUE(first.receive_to_end()) << "the one that was idle for the longest";
  second.take_now();
  EXPECT_FALSE(second.closed);
}

TEST_F(TcpServerTest, WhenOthersWaitAnswersEndTheirConnections) {
  options_.connections_max = 1;
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  Peer first = dial(bound);
  ASSERT_TRUE(first.send(get_hello));
  ASSERT_TRUE(first.receive_until(end_of_hello));
  EXPECT_EQ(first.received.find("Connection: close"), std::string::npos);
  Peer second = dial(bound);
  ASSERT_TRUE(second.send(get_hello));
  poll();
  first.received.clear();
  ASSERT_TRUE(first.send(get_hello));
  ASSERT_TRUE(first.receive_to_end());
  EXPECT_NE(first.received.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(second.receive_until(end_of_hello));
}

TEST_F(TcpServerTest, ClosingTellsExchangesAndWaitsForThem) {
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  Peer idle = dial(bound), busy = dial(bound);
  ASSERT_TRUE(busy.send("GET /hang HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(busy.receive_until("\r\n\r\n"));
  server().close();
  EXPECT_EQ(handler_.told_gone, 1u);
  EXPECT_TRUE(run_until([&] { return server().closed(); }));
  EXPECT_TRUE(busy.receive_to_end());
  EXPECT_TRUE(busy.received.ends_with("0\r\n\r\n")) << "its answer is ended in order";
  EXPECT_FALSE(connect_to(bound)) << "nobody listens";
}

TEST_F(TcpServerTest, ClosingEndsAnUploadThatStandsStill) {
  Peer peer = dial(listen("/ip4/127.0.0.1/tcp/0"));
  ASSERT_TRUE(peer.send("POST /count HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"));
  ASSERT_TRUE(run_until([&] { return handler_.handled == 1; }));
  server().close();
  EXPECT_TRUE(run_until([&] { return server().closed(); }));
  EXPECT_EQ(handler_.body_error, BodyError::gone);
  EXPECT_TRUE(peer.receive_to_end());
}

TEST_F(TcpServerTest, ClosingEndsAnAnswerThatNobodyTakes) {
  options_.linger_seconds = 1;
  Peer peer = dial(listen("/ip4/127.0.0.1/tcp/0"));
  ASSERT_TRUE(peer.send("GET /bytes?100000000 HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(peer.receive_until("xxx"));
  server().close();
  EXPECT_TRUE(run_until([&] { return server().closed(); }));
  EXPECT_TRUE(handler_.write_failed);
}

TEST_F(TcpServerTest, TenThousandRequestsLeaveNothingBehind) {
  const Multiaddr bound = listen("/ip4/127.0.0.1/tcp/0");
  std::size_t before = 0;
  for (int i = 0; i < 100; ++i) {
    Peer peer = dial(bound);
    std::string pipelined;
    for (int j = 0; j < 100; ++j) {
      pipelined += "POST /count HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    }
    ASSERT_TRUE(peer.send(pipelined));
    std::size_t answers = 0;
    ASSERT_TRUE(run_until([&] {
      answers = 0;
      for (std::size_t at = peer.take_now().find("\r\n\r\n3"); at != std::string::npos;
           at = peer.received.find("\r\n\r\n3", at + 1)) {
        ++answers;
      }
      return answers == 100 || peer.closed;
    }));
    ASSERT_EQ(answers, 100u) << i;
    peer.close();
    ASSERT_TRUE(run_until([&] { return server().stats().connections == 0; }));
    if (i == 0) before = account_.live_bytes();
    ASSERT_EQ(account_.live_bytes(), before);
  }
  EXPECT_EQ(server().stats().requests, 10'000u);
}

// Every allocation of an exchange is refused once: the client gets an answer or an end, and nothing stays.
TEST_F(ServerTest, EachRefusalIsAnAnswerOrAnEnd) {
  std::size_t whole = 0;
  for (std::size_t quota = 256; quota < 24'000; quota += 64) {
    account_.set_quota(quota);
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    Peer peer(*this, FileHandle(ends[1]));
    if (!server().adopt(ends[0])) {
      ::close(ends[0]);
      continue;
    }
    peer.send("POST /echo HTTP/1.1\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
    ASSERT_TRUE(peer.receive_to_end()) << quota;
    const bool complete = peer.received.ends_with("X-Sum: 3\r\n\r\n");
    const bool begun = peer.received.starts_with("HTTP/1.1 200 ");
    EXPECT_TRUE(begun || peer.received.starts_with("HTTP/1.1 503 ")) << quota << peer.received;
    whole += complete ? 1 : 0;
    peer.close();
    ASSERT_TRUE(run_until([&] { return server().stats().connections == 0; }));
    ASSERT_EQ(account_.live_bytes(), 0u) << quota;
    ASSERT_EQ(chunks_.stats().used, 0u) << quota;
  }
  EXPECT_GT(whole, 10u) << "and with enough memory it works";
}

}  // namespace
}  // namespace masu::http
