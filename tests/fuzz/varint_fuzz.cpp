// Varints: the reader of bytes and the reader of spans agree, and what they take is written the same again.
#include "multiformats/varint.hpp"

#include <array>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace masu;
  const Bytes all(data, size);
  Bytes rest = all;
  const auto value = take_varint(rest);
  VarintReader reader;
  std::expected<std::uint64_t, VarintError> fed = std::unexpected(VarintError::need_more);
  for (std::size_t i = 0; i < size && !fed && fed.error() == VarintError::need_more; ++i)
    fed = reader.feed(data[i]);
  if (fed != value) std::abort();
  if (!value) return rest.size() == size ? 0 : (std::abort(), 0);
  std::array<std::uint8_t, varint_bytes_max> out;
  const std::size_t written = put_varint(*value, out);
  if (!equal(Bytes(out).first(written), all.first(size - rest.size()))) std::abort();
  if (written != varint_size(*value)) std::abort();
  return 0;
}
