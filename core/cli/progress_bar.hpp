// ProgressBar: one line on a terminal that says how far a transfer is.
//
// Drawn at most five times a second. Without a total it counts only. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace masu::core::cli {

class ProgressBar {
 public:
  using Clock = std::chrono::steady_clock;

  // `total_bytes`: 0 is not known.
  ProgressBar(int fd, std::uint64_t total_bytes, Clock::time_point now = Clock::now());

  void set(std::uint64_t bytes, Clock::time_point now = Clock::now());
  void add(std::uint64_t bytes) { set(bytes_ + bytes); }
  std::uint64_t bytes() const { return bytes_; }
  // Takes the line away, for other output; it comes back with the next set().
  void clear();
  // The last state, and a new line.
  void finish(Clock::time_point now = Clock::now());

  // The line without its control characters.
  std::string line(Clock::time_point now) const;

 private:
  void draw(Clock::time_point now, bool last);

  const int fd_;
  const std::uint64_t total_bytes_;
  const Clock::time_point start_;
  Clock::time_point drawn_;
  bool visible_ = false;
  std::uint64_t bytes_ = 0;
};

}  // namespace masu::core::cli
