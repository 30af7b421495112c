// What can go wrong in unixfs/ because of a peer, a disk or a user: a value, with a text for people that is
// Kubo's where users see Kubo's. What only our own bug can cause is a MASU_CHECK.
#pragma once

#include "store/error.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace masu::unixfs {

enum class ErrorCode : std::uint8_t {
  malformed,      // a block is not what its codec says it is
  hostile,        // well-formed, but against a rule of the format: sizes that lie, cycles, too deep
  unsupported,    // well-formed, and not supported by this build
  invalid,        // the caller's words: a path, a chunker, an option
  no_link,        // a path names what is not there
  not_directory,  //
  is_directory,   // "this dag node is a directory"
  not_file,       // a symlink where a file was asked for
  limit,          // a limit of ours, named in the text
  block_missing,  // the block source has no such block
  block_failed,   // the block source could not say
  storage,        // the sink or the spill space said no
  out_of_memory,  // a budget of ours refused it
  stopped,        // the stop flag was set
};
std::string_view name_of(ErrorCode code);

struct Error {
  ErrorCode code;
  std::string text;
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string text) {
  return std::unexpected(Error{code, std::move(text)});
}

// What the store said, in its words.
Error from_store(const store::StoreError& error);

}  // namespace masu::unixfs
