// MediaType: a header value with parameters, `multipart/form-data; boundary="x"` or `form-data; name="file"`.
//
// Read as Go's mime package does: quoted values, and RFC 2231's `filename*=UTF-8''…`. A value; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace masu::http {

class MediaType {
 public:
  // Nothing: malformed.
  static std::optional<MediaType> parse(std::string_view text);

  std::string_view type() const { return type_; }  // in small letters
  // By its name in small letters; empty when there is none.
  std::string_view parameter(std::string_view name) const;

 private:
  std::string type_;
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace masu::http
