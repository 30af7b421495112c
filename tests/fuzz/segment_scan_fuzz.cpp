// A segment of any bytes: the scan ends, records do not overlap, and every byte is in a record or counted as
// damaged. The first byte chooses where whole records are put between the noise, which must be found unless a
// false header in front swallows them.
#include "store/disk/segment_file.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

namespace {

using namespace masu;
using namespace masu::store;

class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::string content) : content_(std::move(content)) {}
  StoreResult<std::uint64_t> size() override { return content_.size(); }
  StoreResult<std::size_t> read(std::uint64_t offset, std::span<const MutableBytes> pieces) override {
    std::size_t done = 0;
    for (const MutableBytes piece : pieces) {
      if (offset >= content_.size()) break;
      const std::size_t part = std::min<std::size_t>(piece.size(), content_.size() - offset);
      std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), part, piece.begin());
      offset += part;
      done += part;
    }
    return done;
  }
  StoreResult<void> write(std::uint64_t, std::span<const Bytes>) override { std::abort(); }
  StoreResult<void> truncate(std::uint64_t) override { std::abort(); }
  StoreResult<void> sync() override { std::abort(); }
  void start_writeback(std::uint64_t, std::uint64_t) noexcept override {}

 private:
  const std::string content_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, size);
  std::string content(segment_header_bytes, '\0');
  while (!input.empty()) {
    const Bytes noise = input.take(input.byte());
    if (noise.size() % 3 == 0) {
      std::array<std::uint8_t, record_header_bytes_max> buffer;
      const RecordHeader header{
          Multihash::make(HashCode::sha2_256, noise.first(std::min<std::size_t>(noise.size(), 32))),
          static_cast<std::uint32_t>(noise.size()), 0};
      content.append(as_text(encode_record_header(header, buffer)));
    }
    content.append(as_text(noise));
  }
  const std::uint64_t end =
      content.size() + (size % 5 == 4 ? 100 : 0);  // or the file is shorter than it should be
  MemoryFile file(std::move(content));
  std::array<std::uint8_t, SegmentScanner::buffer_bytes_min> buffer;
  SegmentScanner scanner(file, end, buffer);
  std::uint64_t in_records = 0;
  std::uint64_t at = segment_header_bytes;
  for (;;) {
    const auto record = scanner.next();
    if (!record) std::abort();
    if (!*record) break;
    if ((*record)->offset < at) std::abort();
    at = (*record)->offset + std::uint64_t{(*record)->header.record_bytes()};
    if (at > end) std::abort();
    in_records += (*record)->header.record_bytes();
  }
  if (segment_header_bytes + in_records + scanner.damaged_bytes() != end) std::abort();
  return 0;
}
