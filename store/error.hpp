// What can go wrong in store/ because of a disk, a user or a budget: a value, with a text for people. What
// only our own bug can cause is a MASU_CHECK.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace masu::store {

enum class StoreErrorCode : std::uint8_t {
  not_found,      // the block is not here
  too_large,      // above block_bytes_max
  disk_full,      // ENOSPC, EDQUOT, or the disk quota
  io,             // the disk said no
  corrupt,        // bytes are not what they should be (header, length, checksum, hash, codec)
  refused,        // a hash function off the list, a codec without known links, what a rule forbids
  out_of_memory,  // a budget of ours refused it
  stopped,        // the stop flag was set
};

struct StoreError {
  StoreErrorCode code;
  std::string detail;  // for people: what was asked, which file, errno's text
};
std::string_view name_of(StoreErrorCode);

template <class T>
using StoreResult = std::expected<T, StoreError>;

inline std::unexpected<StoreError> fail(StoreErrorCode code, std::string detail) {
  return std::unexpected(StoreError{code, std::move(detail)});
}

}  // namespace masu::store
