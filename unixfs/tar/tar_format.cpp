#include "unixfs/tar/tar_format.hpp"

namespace masu::unixfs::tar {

std::uint32_t checksum(const Block& header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool own = i >= field_checksum.offset && i < field_checksum.offset + field_checksum.bytes;
    sum += own ? ' ' : header[i];
  }
  return sum;
}

Result<> check_path(std::string_view path) {
  const auto refuse = [path](const std::string& why) {
    return fail(ErrorCode::hostile, "tar: \"" + std::string(path.substr(0, 256)) + "\" : path " + why);
  };
  if (path.empty()) return fail(ErrorCode::hostile, "tar: path is empty");
  if (path.front() == '/') return refuse("starts with '/'");
  if (path.find('\0') != std::string_view::npos) return refuse("contains a null byte");
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    if (component.empty() || component == "." || component == "..") {
      return refuse("contains \"" + std::string(component) + "\"");
    }
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
}

}  // namespace masu::unixfs::tar
