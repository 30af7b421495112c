// Texts as Kubo's Go libraries write them, where scripts read them: durations, sizes, JSON strings. Plain
// functions.
#pragma once

#include "alloc/clock.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace masu::core::rpc::commands {

// "1.234567ms", "421.5µs", "1m2s", "0s".
std::string go_duration(Duration duration);
// In units of 1000: "812 B", "5.0 MB", "12 MB".
std::string humanize_bytes(std::uint64_t bytes);
// As a JSON string with its quotes, escaped as encoding/json does (also <, > and &).
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);
// A value as encoding/json writes it, in one line without an end.
void append_json(std::string& out, const boost::json::value& value);
// What a peer said, fit to be shown: control and format characters are replaced, the ends trimmed, 128
// characters at most.
std::string clean_text(std::string_view text);

}  // namespace masu::core::rpc::commands
