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

Error from_store(const store::StoreError& error) {
  using store::StoreErrorCode;
  switch (error.code) {
    case StoreErrorCode::not_found: return {ErrorCode::block_missing, error.detail};
    case StoreErrorCode::too_large: return {ErrorCode::limit, error.detail};
    case StoreErrorCode::out_of_memory: return {ErrorCode::out_of_memory, error.detail};
    case StoreErrorCode::stopped: return {ErrorCode::stopped, error.detail};
    default: return {ErrorCode::storage, error.detail};
  }
}

}  // namespace masu::unixfs
