#include "tests/core/rpc_server_fixture.hpp"

#include <gtest/gtest.h>

namespace masu::core::rpc::test {
namespace {

TEST_F(RpcServerTest, ManyValuesAreLinesOfJson) {
  const Answer answer = ask("/api/v0/probe?r=1&depth=-3&name=n&arg=a&arg=b");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body,
            "{\"Recursive\":true,\"Depth\":-3,\"Name\":\"n\",\"Arguments\":[\"a\",\"b\"]}\n"
            "\"second \\u003c\\u0026\\u003e\"\n");
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.header("X-Chunked-Output"), "1");
  EXPECT_EQ(answer.header("X-Stream-Output"), "(none)");
  EXPECT_EQ(answer.header("Trailer"), "X-Stream-Error");
  EXPECT_EQ(answer.header("Vary"), "Origin");
  EXPECT_EQ(answer.header("Access-Control-Expose-Headers"),
            "X-Stream-Output, X-Chunked-Output, X-Content-Length");
  EXPECT_EQ(answer.header("Server"), "masu/" + std::string(version_number));
  EXPECT_EQ(answer.trailers, "");
}

TEST_F(RpcServerTest, ASingleValueHasNoMark) {
  const Answer answer = ask("/api/v0/single");
  EXPECT_EQ(answer.header("X-Chunked-Output"), "(none)");
  EXPECT_EQ(answer.header("X-Stream-Output"), "(none)");
  EXPECT_EQ(answer.header("X-Content-Length"), "7");
}

TEST_F(RpcServerTest, CidsAreShownInTheBaseThatIsAskedFor) {
  const std::string plain = ask("/api/v0/single").body;
  EXPECT_NE(plain.find("\"V0\":\"Qm"), std::string::npos) << plain;
  EXPECT_NE(plain.find("\"V1\":\"bafk"), std::string::npos) << plain;
  const std::string base36 = ask("/api/v0/single?cid-base=base36").body;
  EXPECT_NE(base36.find("\"V0\":\"k2"), std::string::npos) << base36;
  const std::string base58 = ask("/api/v0/single?cid-base=base58btc").body;
  EXPECT_NE(base58.find("\"V0\":\"Qm"), std::string::npos) << base58;
  EXPECT_NE(base58.find("\"V1\":\"zb"), std::string::npos) << base58;
  EXPECT_NE(ask("/api/v0/single?upgrade-cidv0-in-output=true").body.find("\"V0\":\"bafy"), std::string::npos);
  const Answer bad = ask("/api/v0/single?cid-base=base1000");
  EXPECT_EQ(bad.status, 500u);
  EXPECT_EQ(bad.body,
            "{\"Message\":\"unsupported multibase encoding: base1000\",\"Code\":0,\"Type\":\"error\"}\n");
}

TEST_F(RpcServerTest, RawBytesAreMarkedAndTyped) {
  const Answer plain = ask("/api/v0/raw");
  EXPECT_EQ(plain.body, "raw bytes");
  EXPECT_EQ(plain.header("X-Stream-Output"), "1");
  EXPECT_EQ(plain.header("X-Chunked-Output"), "(none)");
  EXPECT_EQ(plain.header("Content-Type"), "text/plain");
  EXPECT_EQ(ask("/api/v0/raw?r=true").header("Content-Type"), "application/vnd.ipld.raw");
}

TEST_F(RpcServerTest, TextIsWhatTheCommandLinePrints) {
  const Answer answer = ask("/api/v0/probe?encoding=text&name=n");
  EXPECT_EQ(answer.body, "object n\ntext second <&>\n");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain");
  const Answer bad = ask("/api/v0/probe?encoding=xml");
  EXPECT_EQ(bad.status, 400u);
  EXPECT_EQ(bad.body, "invalid encoding: xml\n");
}

TEST_F(RpcServerTest, NothingIsAnAnswerToo) {
  const Answer answer = ask("/api/v0/quiet");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.header("X-Chunked-Output"), "1");
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
}

TEST_F(RpcServerTest, FailuresBeforeTheFirstByteAreAStatus) {
  const Answer answer = ask("/api/v0/fail");
  EXPECT_EQ(answer.status, 500u);
  EXPECT_EQ(answer.body, "{\"Message\":\"it \\\"failed\\\"\\nhere\",\"Code\":0,\"Type\":\"error\"}\n");
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  const Answer client = ask("/api/v0/fail?name=client");
  EXPECT_EQ(client.status, 400u);
  EXPECT_NE(client.body.find("\"Code\":1"), std::string::npos);
  const Answer text = ask("/api/v0/fail?encoding=text");
  EXPECT_EQ(text.body, "it \"failed\"\nhere");
  EXPECT_EQ(text.header("Content-Type"), "text/plain");
}

TEST_F(RpcServerTest, FailuresBehindTheFirstByteAreATrailer) {
  const Answer answer = ask("/api/v0/fail?r=true");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, "some");
  EXPECT_EQ(answer.trailers, "X-Stream-Error: it \"failed\" here\r\n");
}

TEST_F(RpcServerTest, OutOfMemoryNamesTheAccount) {
  const Answer early = ask("/api/v0/greedy");
  EXPECT_EQ(early.status, 503u);
  EXPECT_NE(early.body.find("(account http.request)"), std::string::npos) << early.body;
  const Answer late = ask("/api/v0/greedy?r=true");
  EXPECT_EQ(late.status, 200u);
  EXPECT_NE(late.trailers.find("X-Stream-Error: out of memory"), std::string::npos);
}

// --- Who may ask, and how. ---

TEST_F(RpcServerTest, OnlyPostRuns) {
  const int fd = connect();
  send(fd, request("GET", "/api/v0/probe"));
  const Answer get = receive(fd);
  EXPECT_EQ(get.status, 405u);
  EXPECT_EQ(get.header("Allow"), "OPTIONS, POST");
  EXPECT_EQ(get.body, "405 - Method Not Allowed\n");
  const int head_fd = connect();
  send(head_fd, request("HEAD", "/api/v0/probe"));
  const Answer head = receive(head_fd);
  EXPECT_EQ(head.status, 405u);
  EXPECT_EQ(head.body, "");
  const int options_fd = connect();
  send(options_fd, request("OPTIONS", "/api/v0/probe"));
  const Answer allowed = receive(options_fd);
  EXPECT_EQ(allowed.status, 204u);
  EXPECT_EQ(allowed.header("Allow"), "OPTIONS, POST");
}

TEST_F(RpcServerTest, UnknownPathsAreNotFound) {
  for (const char* path : {"/api/v0/nonsense", "/", "/ipfs/Qm", "/api/v0"}) {
    const Answer answer = ask(path);
    EXPECT_EQ(answer.status, 404u) << path;
    EXPECT_EQ(answer.body, "404 page not found\n");
    EXPECT_EQ(answer.header("Content-Type"), "text/plain; charset=utf-8");
  }
}

TEST_F(RpcServerTest, BadOptionsAndMissingArgumentsAreA400) {
  EXPECT_EQ(ask("/api/v0/probe?depth=x").body,
            "could not convert value \"x\" to type \"int\" (for option \"-depth\")\n");
  EXPECT_EQ(ask("/api/v0/keys").body, "argument \"key\" is required\n");
  EXPECT_EQ(ask("/api/v0/keys").status, 400u);
  EXPECT_EQ(ask("/api/v0/upload").body, "file argument 'path' is required\n");
  EXPECT_EQ(ask("/api/v0/probe?timeout=5").body, "time: missing unit in duration \"5\"\n");
  EXPECT_EQ(ask("/api/v0/upload", "Content-Type: multipart/form-data\r\n", "x").body,
            "no multipart boundary param in Content-Type\n");
}

TEST_F(RpcServerTest, PagesOfOthersAreRefused) {
  make();
  const auto status = [this](const std::string& headers) {
    const int fd = dial();
    std::string with_port = headers;
    for (std::size_t at = with_port.find("PORT"); at != std::string::npos; at = with_port.find("PORT")) {
      with_port.replace(at, 4, std::to_string(port_));
    }
    send(fd, request("POST", "/api/v0/quiet", with_port));
    return receive(fd).status;
  };
  EXPECT_EQ(status(""), 200u);
  EXPECT_EQ(status("User-Agent: curl/8\r\n"), 200u);
  EXPECT_EQ(status("User-Agent: Mozilla/5.0\r\n"), 403u);
  EXPECT_EQ(status("User-Agent: Mozilla/5.0 Electron/1\r\n"), 200u);
  EXPECT_EQ(status("Origin: http://evil.example\r\n"), 403u);
  EXPECT_EQ(status("Origin: http://127.0.0.1:PORT\r\nUser-Agent: Mozilla/5.0\r\n"), 200u);
  EXPECT_EQ(status("Origin: https://[::1]:PORT\r\n"), 200u);
  EXPECT_EQ(status("Origin: http://localhost:1\r\n"), 403u) << "another port";
  EXPECT_EQ(status("Origin: chrome-extension://nibjojkomfdiaoajekhjakgkdhaomnch\r\n"), 200u);
  EXPECT_EQ(status("Referer: http://localhost:PORT/webui/#/\r\n"), 200u);
  EXPECT_EQ(status("Referer: http://evil.example/http://localhost:PORT\r\n"), 403u);
  EXPECT_EQ(status("Referer: http://localhost:PORT@evil.example/\r\n"), 403u);
  EXPECT_EQ(status("Referer: nonsense\r\n"), 403u);
  EXPECT_EQ(status("Origin: http://127.0.0.1:PORT\r\nReferer: http://evil.example/\r\n"), 403u);
}

TEST_F(RpcServerTest, TheProcessItselfNeedsNoToken) {
  make("{\"API\": {\"Authorizations\": {\"tv\": {\"AuthSecret\": \"sesame\", \"AllowedPaths\": []}}}}");
  EXPECT_EQ(ask("/api/v0/quiet").status, 403u);
  server_->trust_clients();
  EXPECT_EQ(ask("/api/v0/quiet").status, 200u);
}

TEST_F(RpcServerTest, APageMustHaveNamedAnAddress) {
  make("{\"API\": {\"HTTPHeaders\": {\"Access-Control-Allow-Origin\": [\"http://box.lan:5001\"]}}}");
  const auto status = [this](const std::string& host, const std::string& origin) {
    const int fd = dial();
    std::string text = "POST /api/v0/quiet HTTP/1.1\r\nHost: " + host + "\r\n";
    if (!origin.empty()) text += "Origin: " + origin + "\r\n";
    send(fd, text + "Connection: close\r\n\r\n");
    return receive(fd).status;
  };
  EXPECT_EQ(status("box.lan:5001", "http://box.lan:5001"), 200u) << "configured";
  EXPECT_EQ(status("rebound.example", "http://box.lan:5001"), 403u);
  EXPECT_EQ(status("[::1]:5001", "http://box.lan:5001"), 200u);
  EXPECT_EQ(status("rebound.example", ""), 200u) << "not a page: a program that was told this name";
}

TEST_F(RpcServerTest, PreflightsAreAnswered) {
  make(
      "{\"API\": {\"HTTPHeaders\": {\"Access-Control-Allow-Origin\": [\"http://a\"], \"X-Extra\": [\"e\"], "
      "\"Access-Control-Allow-Credentials\": [\"true\"]}}}");
  const auto preflight = [this](const std::string& origin, const std::string& method,
                                const std::string& more) {
    const int fd = connect();
    send(fd, request("OPTIONS", "/api/v0/probe",
                     "Origin: " + origin + "\r\nAccess-Control-Request-Method: " + method + "\r\n" + more));
    return receive(fd);
  };
  const Answer good = preflight("http://a", "POST", "Access-Control-Request-Headers: content-type\r\n");
  EXPECT_EQ(good.status, 204u);
  EXPECT_EQ(good.header("Access-Control-Allow-Origin"), "http://a");
  EXPECT_EQ(good.header("Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(good.header("Access-Control-Allow-Headers"), "content-type");
  EXPECT_EQ(good.header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(preflight("http://b", "POST", "").header("Access-Control-Allow-Origin"), "(none)");
  EXPECT_EQ(preflight("http://a", "DELETE", "").header("Access-Control-Allow-Origin"), "(none)");
  EXPECT_EQ(preflight("http://a", "POST", "Access-Control-Request-Headers: x-odd\r\n")
                .header("Access-Control-Allow-Origin"),
            "(none)");
  const Answer actual = ask("/api/v0/quiet", "Origin: http://a\r\n");
  EXPECT_EQ(actual.header("Access-Control-Allow-Origin"), "http://a");
  EXPECT_EQ(actual.header("X-Extra"), "e");
}

TEST_F(RpcServerTest, TokensGuardPathsWhenThereAreAny) {
  make(
      "{\"API\": {\"Authorizations\": {"
      "\"Alice\": {\"AuthSecret\": \"basic:alice:secret\", \"AllowedPaths\": [\"/api/v0/quiet\"]},"
      "\"Bob\": {\"AuthSecret\": \"token123\", \"AllowedPaths\": [\"/api/v0\"]}}}}");
  const Answer none = ask("/api/v0/quiet");
  EXPECT_EQ(none.status, 403u);
  EXPECT_NE(none.body.find("RPC Access Denied"), std::string::npos);
  EXPECT_EQ(ask("/api/v0/quiet", "Authorization: Basic YWxpY2U6c2VjcmV0\r\n").status, 200u);
  EXPECT_EQ(ask("/api/v0/probe", "Authorization: Basic YWxpY2U6c2VjcmV0\r\n").status, 403u);
  EXPECT_EQ(ask("/api/v0/version", "Authorization: Basic YWxpY2U6c2VjcmV0\r\n").status, 404u)
      << "let through";
  EXPECT_EQ(ask("/api/v0/probe", "Authorization: Bearer token123\r\n").status, 200u);
  EXPECT_EQ(ask("/api/v0/probe", "Authorization: Bearer token124\r\n").status, 403u);
}

// --- The end of a call. ---

TEST_F(RpcServerTest, ADeadlineEndsWhatWaits) {
  const int fd = connect();
  send(fd, request("POST", "/api/v0/wait?timeout=300ms"));
  ASSERT_TRUE(run_until([&] { return node_->waiting.size() == 1; }));
  node_->advance(299ms);
  EXPECT_EQ(node_->waiting.size(), 1u);
  node_->advance(1ms);
  const Answer answer = receive(fd);
  EXPECT_EQ(answer.status, 500u);
  EXPECT_EQ(answer.body, "{\"Message\":\"context deadline exceeded\",\"Code\":0,\"Type\":\"error\"}\n");
}

TEST_F(RpcServerTest, ADeadlineBehindTheFirstByteIsATrailer) {
  const int fd = connect();
  send(fd, request("POST", "/api/v0/wait?r=true&timeout=1s"));
  ASSERT_TRUE(run_until([&] { return node_->waiting.size() == 1; }));
  node_->advance(1s);
  EXPECT_EQ(receive(fd).trailers, "X-Stream-Error: context deadline exceeded\r\n");
}

TEST_F(RpcServerTest, AClientThatGoesEndsWhatWaits) {
  const int fd = connect();
  send(fd, request("POST", "/api/v0/wait"));
  ASSERT_TRUE(run_until([&] { return node_->waiting.size() == 1; }));
  ::close(fd);
  EXPECT_TRUE(run_until([&] { return node_->waiting.empty() && server_->stats().connections == 0; }));
}

TEST_F(RpcServerTest, ClosingEndsWhatWaits) {
  const int fd = connect();
  send(fd, request("POST", "/api/v0/wait"));
  ASSERT_TRUE(run_until([&] { return node_->waiting.size() == 1; }));
  server_->close();
  const Answer answer = receive(fd);
  EXPECT_EQ(answer.status, 500u);
  EXPECT_NE(answer.body.find("context canceled"), std::string::npos);
}

// --- Uploads. ---

TEST_F(RpcServerTest, EachRefusalLeavesNothingBehind) {
  make();
  const std::string body = multipart({{{.path = "a"}, std::string(50'000, 'a')}});
  const std::string with_body =
      request("POST", "/api/v0/upload", "Content-Type: multipart/form-data; boundary=XX\r\n", body);
  const std::string without = request("POST", "/api/v0/probe?name=n&arg=a");
  std::size_t whole = 0;
  for (std::size_t quota = 2'000; quota < 120'000; quota += quota < 16'000 ? 100 : 2'000) {
    // Below that there is never a chunk for the body, which would be waited for.
    const std::string& text = quota < 36'000 ? without : with_body;
    node_->requests.set_quota(quota);
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    if (!server_->adopt(ends[0])) {
      ::close(ends[0]);
      ::close(ends[1]);
      continue;
    }
    ::send(ends[1], text.data(), text.size(), MSG_NOSIGNAL);
    std::string received;
    ASSERT_TRUE(run_until([&] {
      char bytes[4096];
      const ssize_t got = ::recv(ends[1], bytes, sizeof bytes, MSG_DONTWAIT);
      if (got > 0) received.append(bytes, static_cast<std::size_t>(got));
      return got == 0 || (got < 0 && errno != EAGAIN);
    })) << quota;
    ::close(ends[1]);
    whole += received.ends_with("\n\r\n0\r\n\r\n") ? 1 : 0;
    ASSERT_TRUE(run_until([&] { return server_->stats().connections == 0; }));
    ASSERT_EQ(node_->requests.live_bytes(), 0u) << quota;
    ASSERT_EQ(node_->chunks().stats().used, 0u) << quota;
  }
  EXPECT_GT(whole, 5u);
}

}  // namespace
}  // namespace masu::core::rpc::test
