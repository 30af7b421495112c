#include "core/cli/client.hpp"

#include "http/url_encoding.hpp"

#include <algorithm>
#include <array>

namespace masu::core::cli {
namespace {

// Servers limit the length of a target; what does not fit goes in the body.
constexpr std::size_t target_bytes_max = 8 * 1024;

// These steer the command line alone.
constexpr auto own_options =
    std::to_array<std::string_view>({"api", "api-auth", "config", "config-file", "debug", "encoding", "h",
                                     "help", "local", "repo-dir", "watch"});

std::string_view long_name(const rpc::OptionSpec& option) {
  return option.name.empty() ? option.short_name : option.name;
}

// Kubo's forms of a secret: "bearer:T", "basic:u:p", or the header as it is.
std::string authorization(std::string_view secret) {
  constexpr std::string_view bearer = "bearer:", basic = "basic:";
  if (secret.starts_with(bearer)) return "Bearer " + std::string(secret.substr(bearer.size()));
  if (!secret.starts_with(basic)) return std::string(secret);
  secret.remove_prefix(basic.size());
  if (!secret.contains(':')) return "Basic " + std::string(secret);
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result = "Basic ";
  for (std::size_t at = 0; at < secret.size(); at += 3) {
    std::string_view piece = secret.substr(at, 3);
    unsigned bits = 0;
    for (std::size_t byte = 0; byte < 3; ++byte)
      bits = bits << 8 | (byte < piece.size() ? static_cast<unsigned char>(piece[byte]) : 0U);
    for (std::size_t digit = 0; digit < 4; ++digit)
      result += digit <= piece.size() ? letters[bits >> (18 - 6 * digit) & 63] : '=';
  }
  return result;
}

std::expected<std::unique_ptr<Upload>, std::string> open_upload(const Invocation& invocation,
                                                                std::vector<Upload::Root> roots) {
  Upload::Options options{.ignore = IgnoreRules(invocation.flag("hidden")),
                          .follow_symlinks = invocation.flag("dereference-symlinks"),
                          .metadata = invocation.flag("preserve-mode") || invocation.flag("preserve-mtime")};
  if (std::string_view file = invocation.text("ignore-rules-path"); !file.empty()) {
    auto added = options.ignore.add_file(std::string(file));
    if (!added) return std::unexpected(std::move(added.error()));
  }
  for (const std::string& rule : invocation.texts("ignore")) options.ignore.add(rule);
  return std::make_unique<Upload>(std::move(roots), std::move(options));
}

// Somebody at a terminal is told that it is their turn.
void announce_reading(const Arguments& arguments, const Streams& streams) {
  bool reads =
      arguments.texts_from_stdin ||
      std::ranges::any_of(arguments.roots, [](const Upload::Root& root) { return root.path.empty(); });
  if (reads && is_terminal(streams.in))
    write_all(streams.err, "masu: Reading from /dev/stdin; send Ctrl-d to stop.\n");
}

}  // namespace

std::string call_target(const Invocation& invocation, const std::vector<std::string>& texts,
                        const Presentation& presentation, std::size_t& sent) {
  std::string target = "/api/v0/" + std::string(invocation.command->path);
  std::ranges::replace(target, ' ', '/');
  char separator = '?';
  auto add = [&](std::string_view key, std::string_view value) {
    target += std::exchange(separator, '&');
    target.append(http::escape_query(key)).append("=").append(http::escape_query(value));
  };
  for (const GivenOption& given : invocation.options) {
    std::string_view name = long_name(*given.spec);
    if (std::ranges::find(own_options, name) == own_options.end()) add(name, given.value);
  }
  if (invocation.flag("local") && !invocation.given("offline")) add("offline", "true");
  if (presentation.progress) add("progress", *presentation.progress ? "true" : "false");
  if (!presentation.encoding.empty()) add("encoding", presentation.encoding);
  add("stream-channels", "true");
  for (sent = 0; sent < texts.size(); ++sent) {
    if (sent > 0 && target.size() + 3 * texts[sent].size() > target_bytes_max) break;
    add("arg", texts[sent]);
  }
  return target;
}

std::expected<RpcCall, std::string> RpcCall::make(const Invocation& invocation, Arguments arguments,
                                                  const Streams& streams, std::unique_ptr<Output> output) {
  announce_reading(arguments, streams);
  if (arguments.texts_from_stdin) {
    auto read = read_stdin_texts(*invocation.command, streams.in, arguments);
    if (!read) return std::unexpected(std::move(read.error()));
  }
  const std::vector<std::string>& texts = arguments.texts;
  std::unique_ptr<Upload> upload;
  if (!arguments.roots.empty()) {
    auto opened = open_upload(invocation, std::move(arguments.roots));
    if (!opened) return std::unexpected(std::move(opened.error()));
    upload = std::move(*opened);
  }
  auto presentation = present(invocation, texts.empty() ? "" : texts.front(), streams,
                              [&] { return upload ? upload->total_bytes() : 0; });
  if (!presentation) return std::unexpected(std::move(presentation.error()));
  RpcCall call;
  std::size_t sent = 0;
  call.target_ = call_target(invocation, texts, *presentation, sent);
  call.output_ = output ? std::move(output) : std::move(presentation->output);
  if (upload) {
    call.headers_.push_back({"Content-Type", upload->content_type()});
    call.upload_ = std::move(upload);
  } else if (sent < texts.size()) {
    call.lines_ = std::make_unique<LinesBody>(std::span(texts).subspan(sent));
    call.headers_.push_back({"Content-Type", call.lines_->content_type()});
  }
  if (auto secret = invocation.given("api-auth"))
    call.headers_.push_back({"Authorization", authorization(*secret)});
  return call;
}

std::optional<std::string> RpcCall::exchange(http::Client client) {
  http::ClientRequest request;
  request.target = target_;
  request.headers = headers_;
  request.headers.push_back({"Connection", "close"});
  request.headers.push_back({"User-Agent", "masu"});
  if (upload_)
    request.body = upload_.get();
  else
    request.body = lines_.get();
  AnswerSink sink(*output_);
  auto done = client.exchange(request, sink);
  if (!done && done.error().code != http::ClientErrorCode::sink) return done.error().detail;
  return sink.finish();
}

}  // namespace masu::core::cli
