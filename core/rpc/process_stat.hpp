// ProcessStat: what the kernel counts for this process, as Prometheus' clients report it. Reads /proc; any
// thread.
#pragma once

#include <cstdint>

namespace masu::core::rpc {

// What cannot be read is 0.
struct ProcessStat {
  double cpu_seconds = 0;    // user and system
  double start_seconds = 0;  // since the unix epoch
  std::uint64_t files = 0;
  std::uint64_t files_max = 0;
  std::uint64_t virtual_bytes = 0;
  double virtual_bytes_max = 0;  // 2^64 without a limit
};

ProcessStat read_process_stat();

}  // namespace masu::core::rpc
