#include "core/rpc/process_stat.hpp"

#include "alloc/smaps.hpp"

#include <charconv>
#include <cstdint>
#include <ctime>
#include <string_view>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

namespace masu::core::rpc {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::uint64_t count_files() {
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  std::uint64_t count = 0;
  while (const dirent* const entry = ::readdir(directory)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(directory);
  // The directory itself was open.
  return count - (count > 0 ? 1 : 0);
}

// Field 22 of /proc/self/stat, in ticks since the machine's start. See proc(5): the name, in parentheses, may
// hold anything.
double start_of_process() {
  LineReader reader("/proc/self/stat");
  std::string_view line;
  if (!reader.opened() || !reader.next(line)) return 0;
  std::size_t at = line.rfind(')');
  for (int field = 2; field < 22 && at != std::string_view::npos; ++field) at = line.find(' ', at + 1);
  std::uint64_t ticks = 0;
  if (at == std::string_view::npos) return 0;
  std::from_chars(line.data() + at + 1, line.data() + line.size(), ticks);
  timespec now{}, since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto of = [](const timespec& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double start =
      of(now) - of(since_boot) + static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  // A hundredth is as exact as it is.
  return static_cast<double>(static_cast<std::int64_t>(start * 100 + 0.5)) / 100;
}

}  // namespace

ProcessStat read_process_stat() {
  ProcessStat stat;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    stat.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  }
  // Once: clocks are set, and a start that moves looks like another process.
  static const double start = start_of_process();
  stat.start_seconds = start;
  stat.files = count_files();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stat.files_max = limit.rlim_cur;
  if (::getrlimit(RLIMIT_AS, &limit) == 0) {
    stat.virtual_bytes_max = static_cast<double>(limit.rlim_cur);
  }
  LineReader status("/proc/self/status");
  for (std::string_view line; status.opened() && status.next(line);) {
    std::size_t bytes = 0;
    if (!parse_kib_field(line, "VmSize", bytes)) continue;
    stat.virtual_bytes = bytes;
    break;
  }
  return stat;
}

}  // namespace masu::core::rpc
