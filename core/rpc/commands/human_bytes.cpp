#include "core/rpc/commands/human_bytes.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace masu::core::rpc::commands {

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 7> units = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 10) return std::to_string(bytes) + " B";
  std::size_t unit = 0;
  double scale = 1;
  for (std::uint64_t rest = bytes; rest >= 1000; rest /= 1000) {
    ++unit;
    scale *= 1000;
  }
  const double value = std::floor(static_cast<double>(bytes) / scale * 10 + 0.5) / 10;
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text.data();
}

}  // namespace masu::core::rpc::commands
