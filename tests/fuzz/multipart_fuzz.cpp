// A multipart body in pieces: the same bytes in one piece must give the same parts.
#include "http/multipart_reader.hpp"
#include "tests/fuzz/fuzz_input.hpp"

#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace masu;

std::string read(std::string_view boundary, Bytes body, std::size_t step) {
  http::MultipartReader reader(boundary);
  std::string told;
  bool in_part = false;
  while (!body.empty()) {
    const std::vector<std::uint8_t> piece(
        body.begin(), body.begin() + static_cast<std::ptrdiff_t>(std::min(step, body.size())));
    body = body.subspan(piece.size());
    for (Bytes in = piece;;) {
      const auto event = reader.next(in);
      if (event == http::MultipartEvent::more) {
        if (!in.empty()) std::abort();
        break;
      }
      if (event == http::MultipartEvent::part) {
        if (in_part) std::abort();
        in_part = true;
        told += "<";
        http::HeaderLines lines = reader.headers();
        while (const auto line = lines.next()) told.append(line->name).append(":").append(line->value);
        told += ">";
      } else if (event == http::MultipartEvent::data) {
        if (!in_part || reader.data().empty()) std::abort();
        told.append(as_text(reader.data()));
      } else if (event == http::MultipartEvent::part_end) {
        if (!in_part) std::abort();
        in_part = false;
        told += "|";
      } else {
        // Data in front of a failure was told in both.
        return told + (event == http::MultipartEvent::end ? "." : "!");
      }
    }
  }
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0];
  const std::string_view boundary = data[1] % 2 == 0 ? "b" : "b-b";
  const Bytes body(data + 2, size - 2);
  if (read(boundary, body, step) != read(boundary, body, size)) std::abort();
  return 0;
}
