#include "unixfs/import/chunker.hpp"

#include <charconv>

namespace masu::unixfs {

Result<std::size_t> parse_chunker(std::string_view text) {
  if (text.empty() || text == "default") return leaf_bytes_default;
  const std::string_view name = text.substr(0, text.find('-'));
  if (name == "rabin" || name == "buzhash") {
    return fail(ErrorCode::unsupported,
                "chunker " + std::string(name) +
                    " is not supported by this build: use size-N (for example size-262144)");
  }
  if (name != "size") return fail(ErrorCode::invalid, "unrecognized chunker option: " + std::string(text));

  const std::string_view digits = text.size() > 5 ? text.substr(5) : std::string_view();
  if (text.size() < 5 || digits.find('-') != std::string_view::npos) {
    return fail(ErrorCode::invalid, "incorrect chunker string format (expected size-{size})");
  }
  const auto quoted = "strconv.Atoi: parsing \"" + std::string(digits) + "\": ";
  std::uint64_t size = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (code == std::errc::invalid_argument || end != digits.data() + digits.size()) {
    return fail(ErrorCode::invalid, quoted + "invalid syntax");
  }
  if (code == std::errc::result_out_of_range || size >> 63 != 0) {
    return fail(ErrorCode::invalid, quoted + "value out of range");
  }
  if (size == 0) return fail(ErrorCode::invalid, "chunker size must be greater than 0");
  if (size > leaf_bytes_max) {
    return fail(ErrorCode::invalid, "chunker parameters may not exceed the maximum chunk size of " +
                                        std::to_string(leaf_bytes_max));
  }
  return static_cast<std::size_t>(size);
}

}  // namespace masu::unixfs
