// What this program calls itself.
#pragma once

#include <string_view>

namespace masu::core {

inline constexpr std::string_view version_number = "0.1.0";  // as in meson.build
// The version of the repo's layout that programs around Kubo expect to read.
inline constexpr std::string_view repo_version = "18";

}  // namespace masu::core
