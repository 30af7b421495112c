#include "net/dns/name_resolver.hpp"

#include "net/dns/cares_client.hpp"
#include "tests/net/peers.hpp"
#include "tests/net/real_loop.hpp"

#include <map>

#include <arpa/inet.h>
#include <boost/asio/ip/udp.hpp>
#include <gtest/gtest.h>

namespace masu::net {
namespace {

// A table in place of DNS. Answers come when the test lets them.
class FakeDns final : public DnsClient {
 public:
  void ask(DnsType type, const std::string& name, DnsQuestion& question) override {
    questions.push_back(std::string(type == DnsType::txt ? "TXT "
                                    : type == DnsType::a ? "A "
                                                         : "AAAA ") +
                        name);
    under_way.push_back({questions.back(), &question});
  }
  void forget(DnsQuestion& question) noexcept override {
    std::erase_if(under_way, [&](const auto& asked) { return asked.second == &question; });
  }
  void answer_all() {
    while (!under_way.empty()) {
      const auto [what, question] = under_way.front();
      under_way.erase(under_way.begin());
      const auto known = records.find(what);
      DnsAnswer answer;
      if (known == records.end()) answer.error = "Domain name not found";
      if (known != records.end()) answer = known->second;
      question->on_answer(answer);
    }
  }
  void add_text(const std::string& name, const std::string& text) {
    records["TXT " + name].texts.push_back(text);
  }
  void add_ip(const std::string& name, const std::string& ip) {
    if (const auto v4 = IpAddress::parse_v4(ip)) records["A " + name].addresses.push_back(*v4);
    if (const auto v6 = IpAddress::parse_v6(ip)) records["AAAA " + name].addresses.push_back(*v6);
  }

  std::map<std::string, DnsAnswer> records;
  std::vector<std::string> questions;
  std::vector<std::pair<std::string, DnsQuestion*>> under_way;
};

struct Request final : ResolveRequest {
  void on_resolved(std::span<const Multiaddr> addresses, std::string_view why) override {
    ++answers;
    for (const Multiaddr& one : addresses) found.push_back(one.to_string());
    std::sort(found.begin(), found.end());
    error = why;
  }
  int answers = 0;
  std::vector<std::string> found;
  std::string error;
};

class NameResolverTest : public ::testing::Test {
 protected:
  void resolve(const std::string& text, Request& request) {
    resolver_.resolve(address(text), request);
    dns_.answer_all();
    loop_.advance(Duration{});
  }
  std::vector<std::string> resolve(const std::string& text) {
    Request request;
    resolve(text, request);
    EXPECT_EQ(request.answers, 1);
    return request.found;
  }

  RealLoop loop_;
  FakeDns dns_;
  NameResolver resolver_{dns_, loop_, loop_.timers};
};

TEST_F(NameResolverTest, AddressesTakeTheNamesPlace) {
  dns_.add_ip("a.example", "1.2.3.4");
  dns_.add_ip("a.example", "1.2.3.5");
  dns_.add_ip("a.example", "2600::1");
  EXPECT_EQ(resolve("/dns4/a.example/tcp/4001"),
            (std::vector<std::string>{"/ip4/1.2.3.4/tcp/4001", "/ip4/1.2.3.5/tcp/4001"}));
  EXPECT_EQ(resolve("/dns6/a.example/tcp/4001"), (std::vector<std::string>{"/ip6/2600::1/tcp/4001"}));
  EXPECT_EQ(resolve("/dns/a.example/tcp/4001").size(), 3u);
  EXPECT_EQ(dns_.questions,
            (std::vector<std::string>{"A a.example", "AAAA a.example", "A a.example", "AAAA a.example"}));
}

TEST_F(NameResolverTest, DnsaddrNamesAddressesOfThePeerAskedFor) {
  const std::string mine = "/p2p/" + peer_number(1).to_string(), other = "/p2p/" + peer_number(2).to_string();
  dns_.add_text("_dnsaddr.boot.example", "dnsaddr=/ip4/1.2.3.4/tcp/4001" + mine);
  dns_.add_text("_dnsaddr.boot.example", "dnsaddr=/ip4/1.2.3.5/tcp/4001" + other);
  dns_.add_text("_dnsaddr.boot.example", "dnsaddr=/dns4/a.example/tcp/1" + mine);
  dns_.add_text("_dnsaddr.boot.example", "v=spf1 nothing");
  dns_.add_text("_dnsaddr.boot.example", "dnsaddr=rubbish");
  dns_.add_ip("a.example", "9.9.9.9");
  EXPECT_EQ(resolve("/dnsaddr/boot.example" + mine),
            (std::vector<std::string>{"/ip4/1.2.3.4/tcp/4001" + mine, "/ip4/9.9.9.9/tcp/1" + mine}));
  EXPECT_EQ(resolve("/dnsaddr/boot.example").size(), 3u);
}

TEST_F(NameResolverTest, NamesInNamesEndAtDepthFour) {
  for (int n = 0; n < 10; ++n) {
    const std::string name = "_dnsaddr.n" + std::to_string(n) + ".example";
    dns_.add_text(name, "dnsaddr=/dnsaddr/n" + std::to_string(n + 1) + ".example");
    dns_.add_text(name, "dnsaddr=/ip4/1.2.3." + std::to_string(n) + "/tcp/1");
  }
  EXPECT_EQ(resolve("/dnsaddr/n0.example").size(), 4u);
  EXPECT_EQ(dns_.questions.size(), 4u);
}

TEST_F(NameResolverTest, ALoopOfNamesAndAFloodOfThemEnd) {
  dns_.add_text("_dnsaddr.self.example", "dnsaddr=/dnsaddr/self.example");
  for (int n = 0; n < 80; ++n)
    dns_.add_text("_dnsaddr.self.example", "dnsaddr=/dnsaddr/x" + std::to_string(n) + ".example");
  EXPECT_TRUE(resolve("/dnsaddr/self.example").empty());
  EXPECT_LE(dns_.questions.size(), NameResolver::questions_max);
}

TEST_F(NameResolverTest, AHundredResultsAreTheMost) {
  for (int n = 0; n < 250; ++n) dns_.add_ip("many.example", "1.2.3." + std::to_string(n));
  EXPECT_EQ(resolve("/dns4/many.example/tcp/1").size(), resolved_addresses_max);
}

TEST_F(NameResolverTest, WhatIsNotKnownIsAnErrorWithItsName) {
  Request request;
  resolve("/dns4/nowhere.example/tcp/1", request);
  EXPECT_EQ(request.error, "failed to resolve /dns4/nowhere.example/tcp/1: Domain name not found");
}

TEST_F(NameResolverTest, SilenceEndsAtTheDeadlineAndTheNextOneHasItsTurn) {
  std::array<Request, NameResolver::lookups_max + 1> requests;
  for (Request& request : requests) resolver_.resolve(address("/dns4/silent.example/tcp/1"), request);
  EXPECT_EQ(dns_.questions.size(), NameResolver::lookups_max) << "the last one waits";
  loop_.advance(NameResolver::deadline);
  EXPECT_EQ(requests.front().error, "failed to resolve: DNS did not answer in time");
  EXPECT_EQ(requests.back().answers, 0);
  EXPECT_EQ(dns_.under_way.size(), 1u);
  dns_.add_ip("silent.example", "1.1.1.1");
  dns_.answer_all();
  loop_.advance(Duration{});
  EXPECT_EQ(requests.back().found, std::vector<std::string>{"/ip4/1.1.1.1/tcp/1"});
}

TEST_F(NameResolverTest, ARequestThatWentAwayIsNotTold) {
  {
    Request request;
    resolver_.resolve(address("/dns4/a.example/tcp/1"), request);
  }
  dns_.answer_all();
  Request after;
  dns_.add_ip("b.example", "1.1.1.1");
  resolve("/dns4/b.example/tcp/1", after);
  EXPECT_EQ(after.answers, 1);
}

// A DNS server on loopback that knows one name.
class TinyDnsServer {
 public:
  explicit TinyDnsServer(RealLoop& loop)
      : socket_(loop.context, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
    receive();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }
  int asked = 0;

 private:
  void receive() {
    socket_.async_receive_from(boost::asio::buffer(query_), from_,
                               [this](boost::system::error_code failed, std::size_t size) {
                                 if (failed) return;
                                 ++asked;
                                 answer(size);
                                 receive();
                               });
  }
  void answer(std::size_t size) {
    std::string reply(query_.data(), size);
    std::size_t end = 12;
    while (query_[end] != 0) end += 1 + static_cast<std::uint8_t>(query_[end]);
    const auto type = static_cast<std::uint8_t>(query_[end + 2]);
    const bool known = reply.find("known") != std::string::npos;
    reply.resize(end + 5);
    reply[2] = static_cast<char>(0x81);
    reply[3] = static_cast<char>(known ? 0x80 : 0x83);
    std::fill(reply.begin() + 6, reply.begin() + 12, '\0');
    if (known) {
      reply[7] = 1;
      const std::string text = "dnsaddr=/ip4/5.6.7.8/tcp/9";
      const std::string data = type == 16 ? std::string(1, static_cast<char>(text.size())) + text
                                          : std::string("\x05\x06\x07\x08");
      reply += std::string("\xc0\x0c\x00", 3) + static_cast<char>(type) +
               std::string("\x00\x01\x00\x00\x00\x3c\x00", 7) + static_cast<char>(data.size()) + data;
    }
    socket_.send_to(boost::asio::buffer(reply), from_);
  }

  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::endpoint from_;
  std::array<char, 512> query_;
};

TEST(CaresClientTest, AsksAServerAndTellsItsAnswers) {
  RealLoop loop;
  TinyDnsServer server(loop);
  CaresClient client(loop.context, loop, loop.timers, server.address());
  NameResolver resolver(client, loop, loop.timers);
  Request known, text, unknown;
  resolver.resolve(address("/dns4/known.example/tcp/9"), known);
  resolver.resolve(address("/dnsaddr/known.example"), text);
  resolver.resolve(address("/dns4/other.example/tcp/9"), unknown);
  EXPECT_EQ(known.answers + text.answers + unknown.answers, 0) << "no upcall from inside the call";
  EXPECT_TRUE(loop.run_until([&] { return known.answers + text.answers + unknown.answers == 3; }));
  EXPECT_EQ(known.found, std::vector<std::string>{"/ip4/5.6.7.8/tcp/9"});
  EXPECT_EQ(text.found, std::vector<std::string>{"/ip4/5.6.7.8/tcp/9"});
  EXPECT_EQ(unknown.error, "failed to resolve /dns4/other.example/tcp/9: Domain name not found");
  EXPECT_GE(server.asked, 3);
}

TEST(CaresClientTest, MayEndWithQuestionsUnderWay) {
  RealLoop loop;
  Request request;
  boost::asio::ip::udp::socket silent(loop.context, {boost::asio::ip::make_address("127.0.0.1"), 0});
  {
    CaresClient client(loop.context, loop, loop.timers,
                       "127.0.0.1:" + std::to_string(silent.local_endpoint().port()));
    NameResolver resolver(client, loop, loop.timers);
    resolver.resolve(address("/dns/known.example/tcp/9"), request);
    loop.poll();
  }
  loop.poll();
  EXPECT_EQ(request.answers, 0);
}

}  // namespace
}  // namespace masu::net
