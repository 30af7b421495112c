#include "unixfs/read/gzip.hpp"

#include "alloc/check.hpp"

#include <cstdint>
#include <new>

#include <zlib.h>

namespace masu::unixfs {
namespace {

// In front of each of zlib's allocations: its size.
struct alignas(16) AllocationHeader {
  std::size_t bytes;
};

voidpf allocate(voidpf memory, uInt items, uInt size) {
  const std::size_t bytes = sizeof(AllocationHeader) + std::size_t{items} * size;
  try {
    void* const place =
        static_cast<std::pmr::memory_resource*>(memory)->allocate(bytes, alignof(AllocationHeader));
    return new (place) AllocationHeader{bytes} + 1;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void release(voidpf memory, voidpf place) {
  AllocationHeader* const header = static_cast<AllocationHeader*>(place) - 1;
  static_cast<std::pmr::memory_resource*>(memory)->deallocate(header, header->bytes,
                                                              alignof(AllocationHeader));
}

}  // namespace

struct GzipWriter::State {
  z_stream stream{};
  gz_header header{};
};

GzipWriter::GzipWriter(int level, ChunkPool& chunks, Account& holder, std::pmr::memory_resource& memory)
    : chunks_(chunks), holder_(holder), memory_(memory) {
  state_ = new (memory.allocate(sizeof(State), alignof(State))) State;
  state_->stream.zalloc = allocate;
  state_->stream.zfree = release;
  state_->stream.opaque = &memory;
  constexpr int window_bits = 15, gzip_wrapper = 16, memory_level = 8;
  const int made = deflateInit2(&state_->stream, level, Z_DEFLATED, window_bits + gzip_wrapper, memory_level,
                                Z_DEFAULT_STRATEGY);
  MASU_CHECK(made == Z_OK || made == Z_MEM_ERROR, "zlib knows the level and the window");
  if (made == Z_MEM_ERROR) {
    memory_.deallocate(state_, sizeof(State), alignof(State));
    throw std::bad_alloc();
  }
  state_->header.os = 255;
  deflateSetHeader(&state_->stream, &state_->header);
}

GzipWriter::~GzipWriter() {
  deflateEnd(&state_->stream);
  memory_.deallocate(state_, sizeof(State), alignof(State));
}

Result<> GzipWriter::deflate(Bytes in, bool last, ChunkChain& out) {
  z_stream& stream = state_->stream;
  stream.next_in = const_cast<Bytef*>(in.data());  // zlib does not write there
  stream.avail_in = static_cast<uInt>(in.size());
  for (bool more = true; more;) {
    Chunk chunk = chunks_.take(holder_);
    if (!chunk) {
      return fail(ErrorCode::out_of_memory, refusal_text(holder_));
    }
    const MutableBytes space = chunk.space();
    stream.next_out = space.data();
    stream.avail_out = static_cast<uInt>(space.size());
    const int outcome = ::deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
    MASU_CHECK(outcome == Z_OK || outcome == Z_STREAM_END || outcome == Z_BUF_ERROR, "deflate goes on");
    chunk.fill(space.size() - stream.avail_out);
    more = stream.avail_out == 0;
    if (!chunk.data().empty()) out.append(std::move(chunk));
  }
  return {};
}

Result<ChunkChain> GzipWriter::write(Bytes in) {
  ChunkChain out;
  if (auto done = deflate(in, false, out); !done) return std::unexpected(std::move(done.error()));
  return out;
}

Result<ChunkChain> GzipWriter::write(ChunkChain in) {
  ChunkChain out;
  while (!in.empty()) {
    const Bytes piece = in.front();
    if (auto done = deflate(piece, false, out); !done) return std::unexpected(std::move(done.error()));
    in.consume(piece.size());
  }
  return out;
}

Result<ChunkChain> GzipWriter::finish() {
  ChunkChain out;
  if (auto done = deflate({}, true, out); !done) return std::unexpected(std::move(done.error()));
  return out;
}

}  // namespace masu::unixfs
