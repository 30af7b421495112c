// Lines of /proc/self/smaps, as another kernel might write them.
#include "alloc/smaps.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  masu::Mapping mapping;
  std::size_t bytes = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    masu::parse_mapping(line, mapping);
    masu::parse_kib_field(line, "Rss", bytes);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return 0;
}
