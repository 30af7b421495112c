// Answers of the RPC on their way to the user: what the body of a good one becomes (Output), and the sink
// that tells good ones from errors, which come as a status with a JSON body, or as a trailer behind a good
// start.
//
// One call each; one thread.
#pragma once

#include "http/client.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace masu::core::cli {

// Where a command reads and writes.
struct Streams {
  int in = 0;
  int out = 1;
  int err = 2;
};

class Output {
 public:
  virtual ~Output() = default;
  // The answer is good and begins. `length`: of X-Content-Length, 0 when there is none. False: give up.
  virtual bool begin(std::uint64_t length) = 0;
  virtual bool take(Bytes bytes) = 0;
  // The answer has ended well. False: it was not whole, or could not be stored.
  virtual bool end() = 0;
  // Why something gave up.
  const std::string& error() const { return error_; }

 protected:
  bool give_up(std::string error) {
    error_ = std::move(error);
    return false;
  }

 private:
  std::string error_;
};

// The body as it is, on standard output.
class PlainOutput : public Output {
 public:
  explicit PlainOutput(int fd) : fd_(fd) {}
  bool begin(std::uint64_t) override { return true; }
  bool take(Bytes bytes) override;
  bool end() override { return true; }

 private:
  const int fd_;
};

class AnswerSink final : public http::ResponseSink {
 public:
  explicit AnswerSink(Output& output) : output_(output) {}

  bool on_head(const http::ResponseHead& head) override;
  bool on_body(Bytes bytes) override;
  bool on_trailer(std::string_view name, std::string_view value) override;
  // After the exchange: the error of the command, if there was one.
  std::optional<std::string> finish();

 private:
  static constexpr std::size_t error_bytes_max = 64 * 1024;

  Output& output_;
  unsigned status_ = 0;
  std::string error_body_;
  std::optional<std::string> trailer_error_;
  bool gave_up_ = false;
};

}  // namespace masu::core::cli
