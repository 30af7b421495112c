#include "core/cli/answer.hpp"

#include "core/cli/files.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json/parse.hpp>

namespace masu::core::cli {
namespace {

bool equal_names(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// {"Message": "…", "Code": 0, "Type": "error"}, or a plain text.
std::string error_message(unsigned status, std::string_view body) {
  if (status == 404) return "Command not found.";
  boost::system::error_code error;
  auto value = boost::json::parse(body, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* message = object == nullptr ? nullptr : object->if_contains("Message");
  if (message != nullptr && message->is_string()) return std::string(message->get_string());
  while (body.ends_with('\n')) body.remove_suffix(1);
  return body.empty() ? "the node answered with status " + std::to_string(status) : std::string(body);
}

}  // namespace

bool PlainOutput::take(Bytes bytes) {
  return write_all(fd_, bytes) || give_up(system_error("write", "/dev/stdout"));
}

bool AnswerSink::on_head(const http::ResponseHead& head) {
  status_ = head.status;
  if (status_ >= 400) return true;
  std::string_view text = head.header("X-Content-Length");
  std::uint64_t length = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), length);
  gave_up_ = !output_.begin(length);
  return !gave_up_;
}

bool AnswerSink::on_body(Bytes bytes) {
  if (status_ >= 400) {
    std::string_view text = as_text(bytes);
    error_body_ += text.substr(0, error_bytes_max - std::min(error_body_.size(), error_bytes_max));
    return true;
  }
  gave_up_ = !output_.take(bytes);
  return !gave_up_;
}

bool AnswerSink::on_trailer(std::string_view name, std::string_view value) {
  if (equal_names(name, "X-Stream-Error")) trailer_error_ = value;
  return true;
}

std::optional<std::string> AnswerSink::finish() {
  if (gave_up_) return output_.error();
  if (status_ >= 400) return error_message(status_, error_body_);
  if (trailer_error_) return trailer_error_;
  if (!output_.end()) return output_.error();
  return std::nullopt;
}

}  // namespace masu::core::cli
