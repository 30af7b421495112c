#include "http/head.hpp"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

namespace masu::http {
namespace {

namespace beast = boost::beast;

template <bool is_request>
class Parser final : public beast::http::basic_parser<is_request> {
 public:
  Parser(std::string_view text, const HeadLimits& limits) : text_(text), limits_(limits) {
    this->header_limit(static_cast<std::uint32_t>(text.size() + 1));
    this->body_limit(boost::none);
  }

  std::expected<void, HeadError> parse() {
    beast::error_code error;
    const std::size_t used = this->put(boost::asio::buffer(text_.data(), text_.size()), error);
    if (refusal_) return std::unexpected(*refusal_);
    if (error || !this->is_header_done() || used != text_.size()) {
      return std::unexpected(HeadError::malformed);
    }
    if (has_encoding_ && !this->chunked()) return std::unexpected(HeadError::bad_encoding);
    return {};
  }

  std::string_view method, target;
  int version = 0;
  unsigned status = 0;
  bool expects_continue = false;

  HeaderLines headers() const { return HeaderLines(text_.substr(text_.find("\r\n") + 2)); }

 private:
  void on_request_impl(beast::http::verb, beast::string_view its_method, beast::string_view its_target,
                       int its_version, beast::error_code& error) override {
    method = {its_method.data(), its_method.size()};
    target = {its_target.data(), its_target.size()};
    version = its_version;
    if (target.size() > limits_.target_bytes_max) refuse(HeadError::target_too_long, error);
  }
  void on_response_impl(int code, beast::string_view, int its_version, beast::error_code&) override {
    status = static_cast<unsigned>(code);
    version = its_version;
  }
  void on_field_impl(beast::http::field name, beast::string_view, beast::string_view value,
                     beast::error_code& error) override {
    if (++count_ > limits_.headers_max) return refuse(HeadError::headers_too_long, error);
    // A folded value was put together elsewhere.
    const std::string_view view(value.data(), value.size());
    const bool in_text = view.empty() || (view.data() >= text_.data() &&
                                          view.data() + view.size() <= text_.data() + text_.size());
    if (!in_text) return refuse(HeadError::malformed, error);
    if (name == beast::http::field::transfer_encoding) {
      has_encoding_ = true;
      if (!equal_ignoring_case(view, "chunked")) refuse(HeadError::bad_encoding, error);
    } else if (name == beast::http::field::expect) {
      expects_continue = equal_ignoring_case(view, "100-continue");
    }
  }
  void on_header_impl(beast::error_code&) override {}
  // The rest is about bodies, which are not given to it.
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, beast::error_code&) override { return 0; }
  void on_finish_impl(beast::error_code&) override {}

  void refuse(HeadError why, beast::error_code& error) {
    refusal_ = why;
    error = beast::http::error::bad_field;
  }

  const std::string_view text_;
  const HeadLimits& limits_;
  std::size_t count_ = 0;
  bool has_encoding_ = false;
  std::optional<HeadError> refusal_;
};

// Beast trims what is around a value; folded ones are joined elsewhere. A line that begins with a blank is
// one.
bool has_folded_line(std::string_view text) {
  for (std::size_t at = text.find("\r\n"); at != std::string_view::npos && at + 2 < text.size();
       at = text.find("\r\n", at + 2)) {
    if (text[at + 2] == ' ' || text[at + 2] == '\t') return true;
  }
  return false;
}

std::optional<HeadError> check_sizes(std::string_view text, const HeadLimits& limits) {
  const std::size_t line_end = text.find("\r\n");
  if (line_end == std::string_view::npos) {
    return text.size() > limits.target_bytes_max + 64 ? std::optional(HeadError::target_too_long)
                                                      : std::nullopt;
  }
  if (line_end > limits.target_bytes_max + 64) return HeadError::target_too_long;
  if (text.size() - line_end > limits.headers_bytes_max) return HeadError::headers_too_long;
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view name_of(HeadError error) {
  switch (error) {
    case HeadError::malformed: return "malformed request";
    case HeadError::target_too_long: return "request target too long";
    case HeadError::headers_too_long: return "request headers too long";
    case HeadError::bad_encoding: return "unsupported transfer encoding";
  }
  return "";
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_header_name(std::string_view name) {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           marks.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view value) {
  return std::ranges::all_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

std::optional<HeaderLines::Line> HeaderLines::next() {
  const std::size_t end = lines_.find("\r\n");
  if (end == 0 || end == std::string_view::npos) return std::nullopt;
  const std::string_view line = lines_.substr(0, end);
  lines_.remove_prefix(end + 2);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return Line{line.substr(0, colon), trimmed(line.substr(colon + 1))};
}

std::optional<std::string_view> HeaderLines::find(std::string_view name) const {
  HeaderLines rest = *this;
  while (const std::optional<Line> line = rest.next()) {
    if (equal_ignoring_case(line->name, name)) return line->value;
  }
  return std::nullopt;
}

std::size_t find_head_end(std::string_view text, std::size_t searched) {
  const std::size_t from = searched > 3 ? searched - 3 : 0;
  const std::size_t at = text.find("\r\n\r\n", from);
  return at == std::string_view::npos ? 0 : at + 4;
}

std::optional<HeadError> check_unfinished_head(std::string_view text, const HeadLimits& limits) {
  return check_sizes(text, limits);
}

std::expected<RequestHead, HeadError> parse_request_head(std::string_view text, const HeadLimits& limits) {
  if (const auto wrong = check_sizes(text, limits)) return std::unexpected(*wrong);
  if (has_folded_line(text)) return std::unexpected(HeadError::malformed);
  Parser<true> parser(text, limits);
  if (const auto parsed = parser.parse(); !parsed) return std::unexpected(parsed.error());
  RequestHead head;
  head.method = parser.method;
  head.target = parser.target;
  head.is_http_1_0 = parser.version == 10;
  head.keep_alive = parser.keep_alive();
  head.chunked = parser.chunked();
  head.expects_continue = parser.expects_continue && !head.is_http_1_0;
  head.content_length = head.chunked ? 0 : parser.content_length().value_or(0);
  head.headers = parser.headers();
  return head;
}

std::expected<ResponseHeadView, HeadError> parse_response_head(std::string_view text,
                                                               const HeadLimits& limits) {
  if (const auto wrong = check_sizes(text, limits)) return std::unexpected(*wrong);
  if (has_folded_line(text)) return std::unexpected(HeadError::malformed);
  Parser<false> parser(text, limits);
  if (const auto parsed = parser.parse(); !parsed) return std::unexpected(parsed.error());
  ResponseHeadView head;
  head.status = parser.status;
  head.chunked = parser.chunked();
  if (!head.chunked) {
    if (const auto length = parser.content_length()) head.content_length = *length;
  }
  head.keep_alive = parser.keep_alive() && (head.chunked || head.content_length);
  head.headers = parser.headers();
  return head;
}

}  // namespace masu::http
