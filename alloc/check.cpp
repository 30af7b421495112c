#include "alloc/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace masu {

void check_failed(const char* file, int line, const char* what) noexcept {
  std::fprintf(stderr, "masu: internal error at %s:%d: %s\n", file, line, what);
  std::abort();
}

}  // namespace masu
