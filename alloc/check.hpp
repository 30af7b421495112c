// MASU_CHECK: what only a bug of ours can break. It stays on in release builds and ends the process
// with the place and the text. What a peer, a disk or a user can cause never reaches one: that is a value.
#pragma once

namespace masu {
[[noreturn]] void check_failed(const char* file, int line, const char* what) noexcept;
}

#define MASU_CHECK(condition, what)                                   \
  do {                                                                \
    if (!(condition)) ::masu::check_failed(__FILE__, __LINE__, what); \
  } while (false)
