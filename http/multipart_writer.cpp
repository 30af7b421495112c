#include "http/multipart_writer.hpp"

#include "http/url_encoding.hpp"

#include <array>
#include <cstdio>

#include <sys/random.h>

namespace masu::http {
namespace {

std::string random_boundary() {
  std::array<std::uint8_t, 24> bytes{};
  // Cannot fail for so few bytes once the kernel has started.
  static_cast<void>(::getrandom(bytes.data(), bytes.size(), 0));
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}

std::string_view content_type_of(MultipartFile::Kind kind) {
  switch (kind) {
    case MultipartFile::Kind::file: return "application/octet-stream";
    case MultipartFile::Kind::directory: return "application/x-directory";
    case MultipartFile::Kind::symlink: return "application/symlink";
  }
  return "";
}

}  // namespace

MultipartWriter::MultipartWriter() : boundary_(random_boundary()) {}

std::string MultipartWriter::part_begin(const MultipartFile& file) {
  std::string text = any_ ? "\r\n--" : "--";
  any_ = true;
  text += boundary_ + "\r\nContent-Disposition: form-data; name=\"file";
  char separator = '?';
  const auto parameter = [&text, &separator](std::string_view name, const std::string& value) {
    text += separator;
    text.append(name).append("=").append(value);
    separator = '&';
  };
  if (file.mode) {
    std::array<char, 16> octal{};
    std::snprintf(octal.data(), octal.size(), "0%o", *file.mode);
    parameter("mode", octal.data());
  }
  if (file.mtime_seconds) {
    parameter("mtime", std::to_string(*file.mtime_seconds));
    if (file.mtime_nanos > 0) parameter("mtime-nsecs", std::to_string(file.mtime_nanos));
  }
  text += "\"; filename=\"" + escape_query(file.path) + "\"\r\nContent-Type: ";
  text.append(content_type_of(file.kind)).append("\r\n\r\n");
  return text;
}

}  // namespace masu::http
