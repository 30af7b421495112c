// Texts of strangers as a terminal may show them, in the form Go gives them (strconv.Quote). Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace masu::core::cli {

// In double quotes; what cannot be printed is escaped.
std::string quoted(std::string_view text);
// As it is, or, when something in it cannot be printed, escaped without the quotes.
std::string printable(std::string_view text);

}  // namespace masu::core::cli
