// A tar stream in pieces: the reader's states, records and paths.
#include "unixfs/tar/tar_reader.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace {

class Checker final : public masu::unixfs::tar::Visitor {
 public:
  masu::unixfs::Result<> on_entry(const masu::unixfs::tar::Entry& entry) override {
    if (!masu::unixfs::tar::check_path(entry.path)) std::abort();
    left_ = entry.bytes;
    return {};
  }
  masu::unixfs::Result<> on_data(masu::Bytes bytes) override {
    if (bytes.size() > left_) std::abort();
    left_ -= bytes.size();
    return {};
  }
  masu::unixfs::Result<> on_entry_end() override {
    if (left_ != 0) std::abort();
    return {};
  }

 private:
  std::uint64_t left_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  namespace tar = masu::unixfs::tar;
  const std::size_t step = 1 + std::size_t{data[0]} * 3;
  std::vector<std::uint8_t> bytes(data + 1, data + size);
  // Checksums would stop a fuzzer at each header, so they are made good.
  for (std::size_t at = 0; at + tar::block_bytes <= bytes.size(); at += tar::block_bytes) {
    tar::Block block;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), block.size(), block.begin());
    std::uint32_t sum = tar::checksum(block);
    for (std::size_t i = 8; i-- > 0; sum >>= 3) {
      bytes[at + tar::field_checksum.offset + i] = static_cast<std::uint8_t>('0' + (sum & 7));
    }
  }
  Checker checker;
  tar::TarReader reader(checker, *std::pmr::get_default_resource());
  for (masu::Bytes rest = bytes; !rest.empty();) {
    const masu::Bytes now = rest.first(std::min(step, rest.size()));
    rest = rest.subspan(now.size());
    if (!reader.feed(now)) return 0;
  }
  static_cast<void>(reader.finish());
  return 0;
}
