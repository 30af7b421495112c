// A CAR in pieces: what comes out is the same whatever the pieces, and memory follows the bytes, never the
// lengths. Digests would stop a fuzzer at each block, so blocks have identity CIDs where the input says so.
#include "store/car/car_reader.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <cstdlib>
#include <string>

namespace {

using namespace masu;

std::string read(Bytes car, std::size_t piece, ChunkPool& chunks, Account& holder) {
  std::string all;
  store::car::CarReader reader(chunks, holder, *std::pmr::get_default_resource());
  while (!car.empty()) {
    Bytes now = car.first(std::min(piece, car.size()));
    car = car.subspan(now.size());
    while (true) {
      const auto event = reader.read(now);
      if (!event) return all + event.error().detail;
      if (*event == store::car::CarReader::Event::need_more) break;
      if (*event == store::car::CarReader::Event::root) {
        all.append(as_text(reader.root().bytes()));
      } else {
        const ChunkChain block = reader.take_block();
        all.append(as_text(reader.cid().bytes())).append(std::to_string(block.size()));
      }
    }
    if (!now.empty()) std::abort();
    if (holder.live_bytes() > 3 * chunk_bytes + 2 * (car.size() + piece) + (std::size_t{4} << 20))
      std::abort();
  }
  const auto finished = reader.finish();
  return finished ? all : all + finished.error().detail;
}

// With memory of its own, which is all given back.
std::string read(Bytes car, std::size_t piece) {
  Budget budget{"fuzz", 64 << 20};
  Account pages{budget, "fuzz.pages", Lifetime::block, 64 << 20};
  Account holder{budget, "fuzz.holder", Lifetime::block, 64 << 20};
  ChunkPool chunks{pages, 512};
  std::string all = read(car, piece, chunks, holder);
  if (holder.live_bytes() != 0 || chunks.stats().used != 0) std::abort();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  FuzzInput in(data, size);
  const std::size_t piece = 1 + in.byte();
  const Bytes car = in.rest();
  if (read(car, piece) != read(car, car.size() + 1)) std::abort();
  return 0;
}
