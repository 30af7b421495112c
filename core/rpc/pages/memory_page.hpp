// The page /memory (memory.html beside this file), made part of the binary by embed.py.
#pragma once

#include <string_view>

namespace masu::core::rpc::pages {

extern const std::string_view memory_page;
extern const std::string_view memory_page_policy;  // Content-Security-Policy

}  // namespace masu::core::rpc::pages
