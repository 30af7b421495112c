// Multibase: each text that is read is the one text of its bytes, but for upper and lower case; bytes survive
// each base.
#include "multiformats/multibase.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

namespace {

bool equal_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace masu;
  std::array<std::uint8_t, 256> out;
  const std::string_view text = as_text(Bytes(data, size));
  if (const auto decoded = decode_multibase(text, out)) {
    const std::string again = encode_multibase(decoded->base, Bytes(out).first(decoded->size));
    if (!equal_but_for_case(again, text)) std::abort();
  }
  const Bytes bytes = Bytes(data, std::min(size, out.size()));
  for (const Multibase base : all_multibases()) {
    const auto decoded = decode_multibase(encode_multibase(base, bytes), out);
    if (!decoded || decoded->base != base || !equal(Bytes(out).first(decoded->size), bytes)) std::abort();
  }
  return 0;
}
