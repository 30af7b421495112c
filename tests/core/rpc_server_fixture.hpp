// An RPC server with commands of its own, over real sockets, and a client that shows what came back.
#pragma once

#include "core/rpc/server.hpp"
#include "core/version.hpp"
#include "http/chunked_decoder.hpp"
#include "http/head.hpp"
#include "http/multipart_writer.hpp"
#include "http/socket.hpp"
#include "multiformats/digest.hpp"
#include "tests/core/serving_node.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <initializer_list>
#include <string>
#include <utility>

#include <boost/json/object.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::core::rpc::test {

// --- Commands of the test. ---

// What was asked, as two values.
inline Task<CommandResult> run_probe(TaskMemory memory, Call& call) {
  boost::json::object value;
  value["Recursive"] = call.flag("recursive");
  if (const auto depth = call.integer("depth")) value["Depth"] = *depth;
  value["Name"] = call.text("name");
  boost::json::array arguments;
  for (const std::string& argument : call.arguments()) arguments.emplace_back(argument);
  value["Arguments"] = std::move(arguments);
  const bool on = co_await call.emit(memory, value);
  if (!on) co_return fail("gone");
  co_await call.emit(memory, boost::json::value("second <&>"));
  co_return CommandResult();
}
inline void probe_text(const boost::json::value& value, const Call& call, std::string& out) {
  out += value.is_string() ? "text " + std::string(value.get_string())
                           : "object " + std::string(call.text("name"));
  out += "\n";
}
inline Task<CommandResult> run_single(TaskMemory memory, Call& call) {
  call.set_single_value();
  call.set_header("X-Content-Length", "7");
  const Multihash hash = *multihash_of(HashCode::sha2_256, as_bytes("x"));
  const boost::json::value value = {{"V0", call.show(Cid::v0(hash))},
                                    {"V1", call.show(Cid::v1(Codec::raw, hash))}};
  co_await call.emit(memory, value);
  co_return CommandResult();
}
inline Task<CommandResult> run_raw(TaskMemory memory, Call& call) {
  if (call.flag("recursive")) call.set_content_type("application/vnd.ipld.raw");
  co_await call.write(memory, as_bytes("raw bytes"));
  co_return CommandResult();
}
inline Task<CommandResult> run_fail(TaskMemory memory, Call& call) {
  if (call.flag("recursive")) co_await call.write(memory, as_bytes("some"));
  const bool is_client = call.text("name") == "client";
  co_return fail("it \"failed\"\nhere", is_client ? ErrorKind::client : ErrorKind::normal);
}
inline Task<CommandResult> run_quiet(TaskMemory, Call&) { co_return CommandResult(); }
// Waits for a block that never comes.
inline Task<CommandResult> run_wait(TaskMemory memory, Call& call) {
  if (call.flag("recursive")) co_await call.emit(memory, boost::json::value("begun"));
  const auto source = call.open_source();
  const Cid cid = Cid::v1(Codec::raw, *multihash_of(HashCode::sha2_256, as_bytes("x")));
  for (int i = 0; i < 3; ++i) {
    store::AwaitedBlock block(*source, cid, call.node().block_account());
    store::StoreResult<ChunkChain> got = co_await block;
    if (i < 2 && !got) continue;  // asks again although it was told to stop
    if (!got) co_return fail("no block: " + got.error().detail);
  }
  co_return CommandResult();
}
inline Task<CommandResult> run_greedy(TaskMemory memory, Call& call) {
  if (call.flag("recursive")) co_await call.emit(memory, boost::json::value("begun"));
  std::pmr::string text(&call.memory());
  for (;;) text.append(4096, 'x');
}
// Each entry of the upload, with its bytes.
inline Task<CommandResult> run_upload(TaskMemory memory, Call& call) {
  for (;;) {
    auto entry = co_await call.next_entry(memory);
    if (!entry) co_return std::unexpected(entry.error());
    if (!entry->has_value()) break;
    boost::json::object value;
    value["Path"] = (*entry)->path;
    value["Kind"] = static_cast<int>((*entry)->kind);
    if (!(*entry)->link_target.empty()) value["Target"] = (*entry)->link_target;
    if ((*entry)->mode) value["Mode"] = *(*entry)->mode;
    if ((*entry)->mtime_seconds) value["Mtime"] = *(*entry)->mtime_seconds;
    std::size_t bytes = 0;
    std::string begin;
    while (!call.flag("recursive")) {
      auto part = co_await call.read_entry(memory, call.node().block_account());
      if (!part) co_return std::unexpected(part.error());
      if (part->empty()) break;
      bytes += part->size();
      if (begin.size() < 20) begin += as_text(part->front()).substr(0, 20);
    }
    value["Bytes"] = bytes;
    value["Begin"] = begin;
    co_await call.emit(memory, value);
  }
  co_return CommandResult();
}

inline constexpr auto options = std::to_array<OptionSpec>({{"recursive", "r", OptionType::boolean, "", ""},
                                                           {"depth", "", OptionType::integer, "", ""},
                                                           {"name", "n", OptionType::text, "", ""}});
inline constexpr auto path_arguments =
    std::to_array<ArgumentSpec>({{.name = "key", .required = true, .variadic = true, .accepts_stdin = true}});
inline constexpr auto file_arguments =
    std::to_array<ArgumentSpec>({{.name = "path", .required = true, .variadic = true, .is_file = true}});
inline constexpr auto commands = std::to_array<CommandSpec>({
    {.path = "probe", .options = options, .run = run_probe, .text = probe_text},
    {.path = "single", .options = options, .run = run_single},
    {.path = "raw", .options = options, .run = run_raw},
    {.path = "fail", .options = options, .run = run_fail},
    {.path = "quiet", .run = run_quiet},
    {.path = "wait", .options = options, .run = run_wait},
    {.path = "greedy", .options = options, .run = run_greedy},
    {.path = "upload", .options = options, .arguments = file_arguments, .run = run_upload},
    {.path = "keys", .options = options, .arguments = path_arguments, .run = run_probe},
});
inline const CommandSpec* find(std::string_view path) {
  const auto at = std::ranges::find(commands, path, &CommandSpec::path);
  return at == commands.end() ? nullptr : &*at;
}

// --- The fixture. ---

struct Answer {
  unsigned status = 0;
  std::string head;
  std::string body;
  std::string trailers;
  std::string header(std::string_view name) const {
    const std::size_t lines = head.find("\r\n") + 2;
    return std::string(http::HeaderLines(std::string_view(head).substr(lines)).find(name).value_or("(none)"));
  }
};

class RpcServerTest : public testing::Test {
 protected:
  void make(const std::string& config = "{}") {
    node_.emplace(config);
    server_.emplace(*node_, node_->requests, find);
  }
  int connect() {
    if (!server_) make();
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    EXPECT_TRUE(server_->adopt(ends[0]));
    return ends[1];
  }
  int dial() {
    const Multiaddr bound = server_->listen(Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value()).value();
    port_ = *bound.tcp_port();
    const int fd = http::connect_to(bound).value().release();
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }
  template <class Condition>
  bool run_until(Condition&& done) {
    const auto begin = std::chrono::steady_clock::now();
    while (!done()) {
      node_->context().restart();
      node_->context().run_one_for(std::chrono::milliseconds(2));
      node_->timers().advance(node_->now());
      if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(20)) return false;
    }
    return true;
  }
  void send(int fd, std::string_view text) {
    EXPECT_TRUE(run_until([&] {
      const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
      return text.empty();
    }));
  }
  // Everything until the end of the connection.
  Answer receive(int fd) {
    std::string all;
    EXPECT_TRUE(run_until([&] {
      char bytes[65536];
      for (;;) {
        const ssize_t got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0) return got == 0 || errno != EAGAIN;
        all.append(bytes, static_cast<std::size_t>(got));
      }
    }));
    ::close(fd);
    Answer answer;
    const std::size_t end = http::find_head_end(all, 0);
    answer.head = all.substr(0, end);
    const auto head = http::parse_response_head(answer.head, http::HeadLimits());
    EXPECT_TRUE(head) << all;
    if (!head) return answer;
    answer.status = head->status;
    answer.body = all.substr(end);
    if (!head->chunked) return answer;
    http::ChunkedDecoder decoder(&answer.trailers);
    const auto decoded =
        decoder.decode({reinterpret_cast<std::uint8_t*>(answer.body.data()), answer.body.size()});
    EXPECT_TRUE(decoded && decoder.done()) << all;
    if (decoded) answer.body.resize(decoded->produced);
    return answer;
  }
  static std::string request(std::string_view method, std::string_view target, std::string_view headers = "",
                             std::string_view body = "") {
    std::string text =
        std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: 127.0.0.1:5001\r\n";
    text.append(headers).append("Connection: close\r\n");
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text.append("\r\n").append(body);
  }
  Answer ask(std::string_view target, std::string_view headers = "", std::string_view body = "") {
    const int fd = connect();
    send(fd, request("POST", target, headers, body));
    return receive(fd);
  }
  Answer upload(std::string_view target, const std::string& body) {
    return ask(target, "Content-Type: multipart/form-data; boundary=XX\r\n", body);
  }
  void TearDown() override {
    if (!server_) return;
    server_->close();
    EXPECT_TRUE(run_until([&] { return server_->closed(); }));
    server_.reset();
    EXPECT_EQ(node_->requests.live_bytes(), 0u);
    EXPECT_EQ(node_->chunks().stats().used, 0u);
    EXPECT_TRUE(node_->waiting.empty());
  }

  std::optional<core::test::ServingNode> node_;
  std::optional<Server> server_;
  unsigned port_ = 0;
};

// --- Answers. ---

inline std::string multipart(std::initializer_list<std::pair<http::MultipartFile, std::string>> files) {
  http::MultipartWriter writer("XX");
  std::string body;
  for (const auto& [file, bytes] : files) body += writer.part_begin(file) + bytes;
  return body + writer.end();
}

}  // namespace masu::core::rpc::test
