#include "unixfs/error.hpp"

namespace masu::unixfs {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::malformed: return "malformed";
    case ErrorCode::hostile: return "hostile";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::invalid: return "invalid";
    case ErrorCode::no_link: return "no link";
    case ErrorCode::not_directory: return "not a directory";
    case ErrorCode::is_directory: return "is a directory";
    case ErrorCode::not_file: return "not a file";
    case ErrorCode::limit: return "limit";
    case ErrorCode::block_missing: return "block missing";
    case ErrorCode::block_failed: return "block failed";
    case ErrorCode::storage: return "storage";
    case ErrorCode::out_of_memory: return "out of memory";
    case ErrorCode::stopped: return "stopped";
  }
  return "unknown";
}

}  // namespace masu::unixfs
