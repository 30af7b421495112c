// JSON text as Go's encoder writes it, for answers that are written piece by piece.
#pragma once

#include <string>
#include <string_view>

namespace masu::core::rpc {

// Appends `text` in quotes: '<', '>', '&' and the line separators U+2028 and U+2029 escaped, bytes that are
// no UTF-8 replaced by U+FFFD.
void append_json_text(std::string& out, std::string_view text);

}  // namespace masu::core::rpc
