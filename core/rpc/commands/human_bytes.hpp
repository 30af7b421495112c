// Sizes for people as Kubo prints them ("45 kB", "1.2 MB", "5 B"): powers of 1000, two digits at most behind
// which nothing is kept.
#pragma once

#include <cstdint>
#include <string>

namespace masu::core::rpc::commands {

std::string human_bytes(std::uint64_t bytes);

}  // namespace masu::core::rpc::commands
