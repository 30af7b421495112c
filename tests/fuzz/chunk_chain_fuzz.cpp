// Sequences of operations on a chain, held against a plain string.
#include "alloc/check.hpp"
#include "alloc/chunk_pool.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace {

using namespace masu;

class Driver {
 public:
  Driver(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

  void run() {
    while (left_ >= 3) {
      const unsigned operation = next() % 6;
      const std::size_t count = (std::size_t{next()} << 8 | next()) * 3;
      step(operation, count);
      MASU_CHECK(chain_.size() == model_.size(), "the chain has the size of the model");
      MASU_CHECK(holder_.live_bytes() == chain_.chunks() * chunk_bytes, "each chunk is charged");
    }
    std::string text(chain_.size(), '\0');
    chain_.copy_to(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    MASU_CHECK(text == model_, "the chain has the bytes of the model");
  }

 private:
  std::uint8_t next() {
    --left_;
    return *data_++;
  }

  void step(unsigned operation, std::size_t count) {
    switch (operation) {
      case 0: {
        const std::string text(count, static_cast<char>('a' + count % 26));
        const std::size_t before = chain_.size();
        if (!chain_.append_copy(pool_, holder_, as_bytes(text))) {
          const ChunkPoolStats stats = pool_.stats();
          MASU_CHECK(stats.used == stats.capacity - stats.capacity / ChunkPool::closing_part,
                     "only a full pool refuses");
        }
        model_ += text.substr(0, chain_.size() - before);
        break;
      }
      case 1: {
        const std::size_t part = std::min(count, chain_.size());
        chain_.consume(part);
        model_.erase(0, part);
        break;
      }
      case 2: {
        Chunk chunk = chain_.pop_front();
        MASU_CHECK(as_text(chunk.data()) == model_.substr(0, chunk.data().size()), "chunks leave in order");
        model_.erase(0, chunk.data().size());
        break;
      }
      case 3: {
        Chunk chunk = chain_.pop_front();
        const std::size_t size = chunk.data().size();
        const std::size_t kept = std::min(count, size);
        chunk.truncate(kept);
        model_.erase(0, size);
        model_ += as_text(chunk.data());
        chain_.append(std::move(chunk));
        break;
      }
      case 4: {
        ChunkChain rest = std::move(chain_);
        chain_.append(rest.pop_front());
        chain_.append(std::move(rest));
        break;
      }
      default: pool_.trim(count % 8);
    }
  }

  const std::uint8_t* data_;
  std::size_t left_;
  std::string model_;
  Budget budget_{"root", 8u << 20};
  Account row_{budget_, "chunks", Lifetime::block, 0};
  Account holder_{budget_, "holder", Lifetime::block, 8u << 20};
  ChunkPool pool_{row_, 32};
  ChunkChain chain_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Driver(data, size).run();
  return 0;
}
