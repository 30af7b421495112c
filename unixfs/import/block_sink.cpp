#include "unixfs/import/block_sink.hpp"

namespace masu::unixfs {
namespace {

Result<> check_stop(const std::atomic<bool>& stop) {
  if (stop.load(std::memory_order_relaxed)) return fail(ErrorCode::stopped, "stopped");
  return {};
}

}  // namespace

Result<> StoreSink::put(const Multihash& hash, std::span<const Bytes> pieces) {
  if (auto going = check_stop(stop_); !going) return going;
  if (auto put = blocks_.put(hash, pieces); !put) return std::unexpected(from_store(put.error()));
  return {};
}

Result<> HashOnlySink::put(const Multihash&, std::span<const Bytes> pieces) {
  if (auto going = check_stop(stop_); !going) return going;
  ++blocks_;
  for (const Bytes piece : pieces) bytes_ += piece.size();
  return {};
}

}  // namespace masu::unixfs
