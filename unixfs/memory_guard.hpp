// The border where a refused allocation becomes a value. Inside, containers throw std::bad_alloc; a machine
// that met one half-way is destroyed by its owner, never fed again.
#pragma once

#include "alloc/budget.hpp"
#include "unixfs/error.hpp"

#include <new>

namespace masu::unixfs {

inline Error out_of_memory(const Account& account) {
  return {ErrorCode::out_of_memory, refusal_text(account)};
}

// Calls `work`, which gives a Result, and turns std::bad_alloc into an error that names `account`.
template <class Work>
auto guard_memory(const Account& account, Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return std::unexpected(out_of_memory(account));
  }
}

}  // namespace masu::unixfs
