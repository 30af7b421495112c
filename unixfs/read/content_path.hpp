// ContentPath: what a user names content by: "/ipfs/CID/a/b", "/ipld/CID", "/ipns/NAME/a", a bare CID with or
// without a path, and the URIs "ipfs://CID/a", "ipfs:CID", "ipns://NAME" (any case of the scheme).
//
// parse() cleans it as Kubo does: "." and empty components go, ".." takes the one before with it; a slash at
// the end is remembered. Nothing is percent-decoded: a '%' is part of a name. The root of an immutable path
// is a CID. A value; its size is that of the text it was made from.
#pragma once

#include "multiformats/cid.hpp"
#include "unixfs/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace masu::unixfs {

enum class PathNamespace : std::uint8_t { ipfs, ipld, ipns };
std::string_view name_of(PathNamespace space);

class ContentPath {
 public:
  // The error reads as Kubo's: `invalid path "x": path does not have enough components`.
  static Result<ContentPath> parse(std::string_view text);

  PathNamespace space() const { return space_; }
  bool is_mutable() const { return space_ == PathNamespace::ipns; }
  const Cid& cid() const { return *cid_; }  // Requires: !is_mutable()
  std::string_view root() const { return std::string_view(text_).substr(root_at_, root_bytes_); }
  // What follows the root, cleaned, without slashes around it: "a/b", or empty.
  std::string_view rest() const;
  // "/ipfs/CID/a/b/", with the slash that was at the end.
  const std::string& text() const { return text_; }
  // The last component: the name of a file that is saved.
  std::string_view last() const;

 private:
  static Result<ContentPath> parse_absolute(std::string_view text);

  PathNamespace space_ = PathNamespace::ipfs;
  std::optional<Cid> cid_;
  std::string text_;
  std::size_t root_at_ = 0, root_bytes_ = 0;
};

// Takes the first component off a path that was cleaned ("a/b": "a", and "b" is left).
std::string_view take_component(std::string_view& path);

}  // namespace masu::unixfs
