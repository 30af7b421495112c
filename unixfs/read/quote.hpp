// Text of strangers inside of messages and listings, as Go's strconv writes it: what is printable stays, all
// else is escaped ("\n", "\x00", "\u200b").
#pragma once

#include <string>
#include <string_view>

namespace masu::unixfs {

// In double quotes, as Go's %q.
std::string quote(std::string_view text);
// For listings, as Kubo's: as it is when every character is printable and none is a backslash; else escaped,
// but for double quotes.
std::string escape_unprintable(std::string_view text);

}  // namespace masu::unixfs
