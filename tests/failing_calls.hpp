// A failing disk without a seam: work is done in a child process in which chosen system calls that change the
// disk (opening to create or a directory, writing, syncing, renaming, making a directory) fail or are the
// last of it. The kernel (seccomp) hands each to a signal handler, which counts them and does what is not
// chosen. No privilege is needed, and the parent is not touched. Linux on x86-64 and aarch64.
//
// Requires: nobody has threads in the parent that the work needs (a database that was open there).
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

namespace masu::test {

struct CallFaults {
  std::vector<std::uint64_t> numbers;  // which calls, from 0
  int error = 0;                       // 0: the process ends in front of the first of them
};

struct CallOutcome {
  std::string call;  // the first that failed or was the last: "rename"; empty: there was none
  std::string said;  // what the work returned; nothing when the process ended
  bool ran = false;  // the child did what it was made for
};

namespace failing_calls {

struct Call {
  long number;
  const char* name;
};
inline constexpr Call calls[] = {
    {SYS_openat, "open"},     {SYS_write, "write"},      {SYS_pwrite64, "write"}, {SYS_writev, "write"},
    {SYS_pwritev, "write"},   {SYS_fsync, "sync"},       {SYS_fdatasync, "sync"}, {SYS_mkdirat, "mkdir"},
    {SYS_renameat, "rename"}, {SYS_renameat2, "rename"},
#ifdef SYS_open
    {SYS_open, "open"},       {SYS_mkdir, "mkdir"},      {SYS_rename, "rename"},
#endif
};

// In the sixth argument, which none of them has: the handler's own calls.
inline constexpr std::uint32_t own_mark = 0x6d617375;

// Of the child; a signal handler has no other way to know.
inline const CallFaults* faults = nullptr;
inline std::atomic<std::uint64_t> counted{0};
inline std::atomic<const char*> met{nullptr};
inline int report = -1;

#if defined(__x86_64__)
inline constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
inline std::array<long, 5> arguments_of(const ucontext_t& context) {
  const auto& registers = context.uc_mcontext.gregs;
  return {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10], registers[REG_R8]};
}
inline void set_result(ucontext_t& context, long result) { context.uc_mcontext.gregs[REG_RAX] = result; }
#elif defined(__aarch64__)
inline constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
inline std::array<long, 5> arguments_of(const ucontext_t& context) {
  std::array<long, 5> arguments;
  for (std::size_t at = 0; at < arguments.size(); ++at)
    arguments[at] = static_cast<long>(context.uc_mcontext.regs[at]);
  return arguments;
}
inline void set_result(ucontext_t& context, long result) {
  context.uc_mcontext.regs[0] = static_cast<unsigned long long>(result);
}
#endif

inline bool counts(const Call& call, const std::array<long, 5>& arguments) {
  const std::string_view name(call.name);
  // Sanitizers write to pipes to see whether memory can be read.
  struct stat file{};
  if (name == "write") return ::fstat(static_cast<int>(arguments[0]), &file) == 0 && S_ISREG(file.st_mode);
  if (name != "open") return true;
#ifdef SYS_open
  const long flags = arguments[call.number == SYS_open ? 1 : 2];
#else
  const long flags = arguments[2];
#endif
  return (flags & (O_CREAT | O_DIRECTORY)) != 0;
}

inline long pass_on(long number, const std::array<long, 5>& arguments) {
  const long result = ::syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                                static_cast<long>(own_mark));
  return result < 0 ? -errno : result;
}

inline void say(std::string_view text) {
  ::syscall(SYS_write, report, text.data(), text.size(), 0L, 0L, static_cast<long>(own_mark));
}

inline void on_call(int, siginfo_t* info, void* untyped) {
  const int errno_before = errno;
  auto& context = *static_cast<ucontext_t*>(untyped);
  const auto arguments = arguments_of(context);
  long result = 0;
  bool fails = false;
  for (const Call& call : calls) {
    if (call.number != info->si_syscall || !counts(call, arguments)) continue;
    const std::uint64_t number = counted++;
    for (const std::uint64_t chosen : faults->numbers) fails = fails || chosen == number;
    if (!fails) break;
    const char* none = nullptr;
    met.compare_exchange_strong(none, call.name);
    if (faults->error == 0) {
      say(call.name);
      ::_exit(0);
    }
    result = -faults->error;
    break;
  }
  set_result(context, fails ? result : pass_on(info->si_syscall, arguments));
  errno = errno_before;
}

inline bool install() {
  struct sigaction action{};
  action.sa_sigaction = on_call;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (::sigaction(SIGSYS, &action, nullptr) != 0) return false;
  std::vector<sock_filter> filter;
  const auto load = [&](std::size_t offset) {
    filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  };
  load(offsetof(seccomp_data, arch));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  load(offsetof(seccomp_data, args) + 5 * sizeof(std::uint64_t));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own_mark, 0, 1));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  load(offsetof(seccomp_data, nr));
  for (const Call& call : calls) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call.number), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace failing_calls

// `work()` returns what is to be known of it, as a string.
template <class Work>
CallOutcome run_in_child(const CallFaults& faults, Work&& work) {
  namespace in_child = failing_calls;
  std::array<int, 2> ends;
  if (::pipe(ends.data()) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    in_child::faults = &faults;
    in_child::report = ends[1];
    if (!faults.numbers.empty() && !in_child::install()) ::_exit(1);
    const std::string said = work();
    const char* met = in_child::met;
    in_child::say(std::string(met != nullptr ? met : "") + "\n" + said);
    ::_exit(0);  // nothing of the parent's is tidied up, nor looked at for leaks
  }
  ::close(ends[1]);
  std::string all(64 * 1024, '\0');
  std::size_t size = 0;
  for (ssize_t got = 1; got > 0; size += got > 0 ? static_cast<std::size_t>(got) : 0)
    got = ::read(ends[0], all.data() + size, all.size() - size);
  ::close(ends[0]);
  all.resize(size);
  int status = 0;
  ::waitpid(child, &status, 0);
  CallOutcome outcome;
  outcome.call = all.substr(0, all.find('\n'));
  if (const auto line = all.find('\n'); line != std::string::npos) outcome.said = all.substr(line + 1);
  outcome.ran = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !all.empty();
  return outcome;
}

}  // namespace masu::test
