#include "core/rpc/pages.hpp"

#include "tests/core/rpc_server_fixture.hpp"

#include <gtest/gtest.h>

namespace masu::core::rpc::test {
namespace {

class PagesTest : public RpcServerTest {
 protected:
  void serve(const std::string& config = "{}") {
    make(config);
    pages_.emplace(*node_);
    server_->set_other_paths(&*pages_);
  }
  Answer look(std::string_view path, const std::string& headers = "", std::string_view method = "GET",
              const std::string& host = "127.0.0.1:5001") {
    if (!server_) serve();
    const int fd = dial();
    send(fd, std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers +
                 "Connection: close\r\n\r\n");
    return receive(fd);
  }

  std::optional<Pages> pages_;
};

constexpr std::string_view metrics = "/debug/metrics/prometheus";
const std::string browser = "User-Agent: Mozilla/5.0\r\n";

TEST_F(PagesTest, TheMemoryPageRunsNothingButItsOwn) {
  const Answer page = look("/memory?x", browser);
  EXPECT_EQ(page.status, 200u);
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_TRUE(page.body.starts_with("<!doctype html>"));
  EXPECT_TRUE(page.body.ends_with("</html>\n"));
  EXPECT_LE(page.body.size(), 25u * 1024);
  const std::string policy = page.header("Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'sha256-")) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  for (const char* outside : {"src=", "@import", "url(", "http://", "https://"}) {
    std::string rest = page.body;
    // The names of SVG are no addresses.
    for (std::size_t at; (at = rest.find("http://www.w3.org/2000/svg")) != std::string::npos;)
      rest.erase(at, 26);
    EXPECT_EQ(rest.find(outside), std::string::npos) << outside;
  }
}

TEST_F(PagesTest, MetricsAreOfTheReport) {
  serve();
  node_->report.budget = 64 << 20;
  node_->report.rss.now = 12345678;
  node_->report.accounts = {{"net.dial", Lifetime::connection, 1, 2, 3, 4, 5},
                            {"chunks", Lifetime::process, 6, 7, 8, 9, 10},
                            {"net.dial", Lifetime::connection, 10, 20, 30, 40, 50}};
  node_->report.rungs = {{"purge", true, 7, 0}};
  const Answer answer = look(metrics);
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line :
       {"process_resident_memory_bytes 12345678\n", "masu_memory_budget_bytes 67108864\n",
        "masu_memory_arena_live_bytes{arena=\"net.dial\",lifetime=\"connection\"} 11\n",
        "masu_memory_arena_quota_bytes{arena=\"chunks\",lifetime=\"process\"} 9\n",
        "masu_memory_arena_refusals_total{arena=\"net.dial\",lifetime=\"connection\"} 55\n",
        "masu_memory_rung_active{rung=\"purge\"} 1\n",
        "masu_memory_rung_entered_total{rung=\"purge\"} 7\n"}) {
    EXPECT_NE(answer.body.find(line), std::string::npos) << line << answer.body;
  }
  EXPECT_EQ(answer.body.find("ipfs_bitswap"), std::string::npos) << "there is no network";
}

TEST_F(PagesTest, ManyAccountsNeedNoLargeBody) {
  serve();
  static constexpr auto names = [] {
    std::array<std::array<char, 4>, 1000> made{};
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = {'a', static_cast<char>('0' + i / 100), static_cast<char>('0' + i / 10 % 10),
                 static_cast<char>('0' + i % 10)};
    return made;
  }();
  for (const auto& name : names)
    node_->report.accounts.push_back({{name.data(), name.size()}, Lifetime::peer, 1, 1, 1, 1, 0});
  const Answer answer = look(metrics);
  EXPECT_EQ(answer.status, 200u);
  EXPECT_GT(answer.body.size(), 5u * 1000 * 50);
  // A family of a thousand samples is the largest piece.
  EXPECT_LE(node_->requests.peak_bytes(), std::size_t{200} * 1024);
}

TEST_F(PagesTest, BrowsersComeByANameThatIsOurs) {
  serve("{\"API\": {\"HTTPHeaders\": {\"Access-Control-Allow-Origin\": [\"http://box.lan:5001\"]}}}");
  for (const std::string_view path : {std::string_view("/memory"), metrics}) {
    EXPECT_EQ(look(path, browser, "GET", "rebound.example:5001").status, 403u);
    EXPECT_EQ(look(path, "Origin: http://rebound.example:5001\r\n", "GET", "rebound.example:5001").status,
              403u);
    EXPECT_EQ(look(path, browser, "GET", "box.lan:5001").status, 200u);
    EXPECT_EQ(look(path, browser, "GET", "192.0.2.7:5001").status, 200u);
    EXPECT_EQ(look(path, "User-Agent: Prometheus/2.42.0\r\n", "GET", "node.lan:5001").status, 200u);
  }
}

TEST_F(PagesTest, OnlyLooking) {
  for (const std::string_view path : {std::string_view("/memory"), metrics}) {
    const Answer posted = look(path, "Content-Length: 0\r\n", "POST");
    EXPECT_EQ(posted.status, 405u);
    EXPECT_EQ(posted.header("Allow"), "GET, HEAD");
    const Answer head = look(path, "", "HEAD");
    EXPECT_EQ(head.status, 200u);
  }
  EXPECT_EQ(look("/memory/").status, 404u);
  EXPECT_EQ(look("/debug").body, "404 page not found\n");
}

TEST_F(PagesTest, APageOfTheVeryAddressMayCall) {
  serve();
  const auto status = [this](const std::string& host, const std::string& origin) {
    return look("/api/v0/quiet",
                "Origin: " + origin + "\r\nReferer: " + origin + "/memory\r\nContent-Length: 0\r\n" + browser,
                "POST", host)
        .status;
  };
  EXPECT_EQ(status("192.0.2.7:5001", "http://192.0.2.7:5001"), 200u) << "from a phone";
  EXPECT_EQ(status("[2001:db8::7]:5001", "http://[2001:db8::7]:5001"), 200u);
  EXPECT_EQ(status("localhost:8080", "http://localhost:8080"), 200u) << "a forwarded port";
  EXPECT_EQ(status("192.0.2.7:5001", "http://192.0.2.7:8080"), 403u) << "another port";
  EXPECT_EQ(status("192.0.2.7:5001", "http://192.0.2.8:5001"), 403u);
  EXPECT_EQ(status("192.0.2.7:5001", "null"), 403u);
  EXPECT_EQ(status("192.0.2.7:5001", "ftp://192.0.2.7:5001"), 403u);
  EXPECT_EQ(status("rebound.example:5001", "http://rebound.example:5001"), 403u) << "a name, not an address";
}

}  // namespace
}  // namespace masu::core::rpc::test
