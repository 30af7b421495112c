// MultipartWriter: the lines between the files of an upload, as Kubo's command line sends them.
//
// Makes text only; whoever sends puts the file's bytes behind part_begin(). A value; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace masu::http {

struct MultipartFile {
  enum class Kind : std::uint8_t { file, directory, symlink };
  Kind kind = Kind::file;
  std::string path;  // not escaped, components with '/'; empty for standard input
  std::optional<std::uint32_t> mode;
  std::optional<std::int64_t> mtime_seconds;
  std::uint32_t mtime_nanos = 0;
};

class MultipartWriter {
 public:
  MultipartWriter();  // with a random boundary
  explicit MultipartWriter(std::string boundary) : boundary_(std::move(boundary)) {}

  std::string content_type() const { return "multipart/form-data; boundary=" + boundary_; }
  // What stands in front of the bytes of a file, or of a symlink's target; it ends the part before.
  std::string part_begin(const MultipartFile& file);
  std::string end() const { return "\r\n--" + boundary_ + "--\r\n"; }

 private:
  std::string boundary_;
  bool any_ = false;
};

}  // namespace masu::http
