#include "core/cli/progress_bar.hpp"

#include "core/cli/files.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace masu::core::cli {
namespace {

constexpr std::chrono::milliseconds interval{200};
constexpr std::string_view clear_line = "\x1b[2K\r";

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 6> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.2f %s", bytes, units[unit]);
  return text.data();
}

std::string seconds_text(double seconds) {
  auto whole = static_cast<unsigned long long>(seconds + 0.5);
  std::array<char, 48> text;
  if (whole >= 3600)
    std::snprintf(text.data(), text.size(), "%lluh%02llum", whole / 3600, whole / 60 % 60);
  else if (whole >= 60)
    std::snprintf(text.data(), text.size(), "%llum%02llus", whole / 60, whole % 60);
  else
    std::snprintf(text.data(), text.size(), "%llus", whole);
  return text.data();
}

}  // namespace

ProgressBar::ProgressBar(int fd, std::uint64_t total_bytes, Clock::time_point now)
    : fd_(fd), total_bytes_(total_bytes), start_(now), drawn_(now - interval) {}

void ProgressBar::set(std::uint64_t bytes, Clock::time_point now) {
  bytes_ = bytes;
  if (now - drawn_ >= interval) draw(now, false);
}

void ProgressBar::clear() {
  if (!std::exchange(visible_, false)) return;
  write_all(fd_, clear_line);
  drawn_ = Clock::time_point();
}

void ProgressBar::finish(Clock::time_point now) { draw(now, true); }

void ProgressBar::draw(Clock::time_point now, bool last) {
  write_all(fd_, std::string(clear_line) + line(now) + (last ? "\n" : ""));
  visible_ = !last;
  drawn_ = now;
}

std::string ProgressBar::line(Clock::time_point now) const {
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = seconds > 0.05 ? static_cast<double>(bytes_) / seconds : 0;
  const std::string speed = rate > 0 ? bytes_text(rate) + "/s" : "?/s";
  if (total_bytes_ == 0) return bytes_text(static_cast<double>(bytes_)) + " " + speed;
  constexpr std::size_t bar_columns = 24;
  const double part = std::min(1.0, static_cast<double>(bytes_) / static_cast<double>(total_bytes_));
  auto filled = static_cast<std::size_t>(part * bar_columns);
  std::string bar(filled, '=');
  if (filled < bar_columns) bar.append(">").append(bar_columns - filled - 1, '-');
  std::array<char, 16> percent;
  std::snprintf(percent.data(), percent.size(), "%.2f%%", part * 100);
  const double left = static_cast<double>(total_bytes_) * (1 - part);
  const std::string rest =
      part >= 1 ? seconds_text(seconds) : "ETA " + (rate > 0 ? seconds_text(left / rate) : "?");
  return bytes_text(static_cast<double>(bytes_)) + " / " + bytes_text(static_cast<double>(total_bytes_)) +
         " [" + bar + "] " + speed + " " + percent.data() + " " + rest;
}

}  // namespace masu::core::cli
