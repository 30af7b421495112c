#include "unixfs/read/cbor_path.hpp"

#include "unixfs/read/content_path.hpp"
#include "unixfs/read/quote.hpp"

#include <array>
#include <charconv>

namespace masu::unixfs {
namespace {

enum Major : std::uint8_t {
  major_unsigned = 0,
  major_negative = 1,
  major_bytes = 2,
  major_text = 3,
  major_list = 4,
  major_map = 5,
  major_tag = 6,
  major_other = 7,
};
constexpr std::uint64_t link_tag = 42;

struct Head {
  std::uint8_t major = 0;
  std::uint8_t info = 0;
  std::uint64_t argument = 0;
};

std::optional<Head> take_head(Rope& in) {
  if (in.empty()) return std::nullopt;
  const std::uint8_t first = in.take_byte();
  Head head{.major = static_cast<std::uint8_t>(first >> 5), .info = static_cast<std::uint8_t>(first & 31)};
  if (head.info < 24) {
    head.argument = head.info;
    return head;
  }
  if (head.info > 27) return std::nullopt;
  for (unsigned bytes = 1u << (head.info - 24); bytes > 0; --bytes) {
    if (in.empty()) return std::nullopt;
    head.argument = head.argument << 8 | in.take_byte();
  }
  return head;
}

// Passes over one item with all that is in it.
bool skip_item(Rope& in) {
  for (std::uint64_t left = 1; left > 0; --left) {
    const auto head = take_head(in);
    if (!head) return false;
    if (head->major == major_bytes || head->major == major_text) {
      if (head->argument > in.size()) return false;
      in.skip(static_cast<std::size_t>(head->argument));
      continue;
    }
    const bool list = head->major == major_list, map = head->major == major_map;
    // Each item takes a byte at least, so that a larger count is a lie.
    if ((list || map) && head->argument > in.size()) return false;
    left += list ? head->argument : map ? 2 * head->argument : head->major == major_tag ? 1 : 0;
  }
  return true;
}

std::string_view kind_of(const Head& head) {
  switch (head.major) {
    case major_unsigned:
    case major_negative: return "int";
    case major_bytes: return "bytes";
    case major_text: return "string";
    default: break;
  }
  return head.info == 20 || head.info == 21 ? "bool" : head.info == 22 ? "null" : "float";
}

auto broken() { return fail(ErrorCode::malformed, "unexpected EOF"); }

// The CID behind tag 42: a byte string that begins with a zero.
std::optional<Cid> take_link(Rope& in) {
  const auto head = take_head(in);
  if (!head || head->major != major_bytes || head->argument > in.size()) return std::nullopt;
  std::array<std::uint8_t, Cid::bytes_max + 1> bytes;
  if (head->argument < 2 || head->argument > bytes.size()) return std::nullopt;
  const MutableBytes link = MutableBytes(bytes).first(static_cast<std::size_t>(head->argument));
  in.copy_to(link);
  if (link[0] != 0) return std::nullopt;
  const auto cid = Cid::decode(link.subspan(1));
  if (!cid) return std::nullopt;
  return *cid;
}

class Walker {
 public:
  Walker(Rope block, const Cid& cid, std::string_view& path) : in_(block), cid_(cid), path_(path) {}

  Result<std::optional<Cid>> run() {
    while (true) {
      const auto head = take_head(in_);
      if (!head) return broken();
      if (head->major == major_tag && head->argument == link_tag) {
        const auto link = take_link(in_);
        if (!link) return fail(ErrorCode::malformed, "invalid multibase on IPLD link");
        return link;
      }
      if (path_.empty()) return std::nullopt;
      const std::string_view name = take_component(path_);
      const Result<bool> found = head->major == major_map    ? enter_map(head->argument, name)
                                 : head->major == major_list ? enter_list(head->argument, name)
                                                             : no_container(*head, name);
      if (!found) return std::unexpected(found.error());
      if (!*found) return missing(name);
    }
  }

 private:
  // Each goes to the value that `name` means; false: there is none.
  Result<bool> enter_map(std::uint64_t count, std::string_view name) {
    for (; count > 0; --count) {
      const auto key = take_head(in_);
      if (!key || key->major != major_text || key->argument > in_.size()) return broken();
      if (in_.take(static_cast<std::size_t>(key->argument)) == name) return true;
      if (!skip_item(in_)) return broken();
    }
    return false;
  }
  Result<bool> enter_list(std::uint64_t count, std::string_view name) {
    std::uint64_t index = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) {
      if (!path_.empty()) return false;
      return fail(ErrorCode::no_link, "invalid segment for lookup on a list: " + quote(name) +
                                          ": strconv.ParseInt: parsing " + quote(name) + ": invalid syntax");
    }
    if (index >= count) return false;
    for (; index > 0; --index) {
      if (!skip_item(in_)) return broken();
    }
    return true;
  }
  Result<bool> no_container(const Head& head, std::string_view) const {
    if (!path_.empty()) return false;
    const std::string kind(kind_of(head));
    return fail(ErrorCode::not_directory, "func called on wrong kind: \"LookupBySegment\" called on a " +
                                              kind + " node (kind: " + kind +
                                              "), but only makes sense on map or list");
  }
  std::unexpected<Error> missing(std::string_view name) const {
    if (path_.empty()) return fail(ErrorCode::no_link, "key not found: " + quote(name));
    return fail(ErrorCode::no_link, "no link named " + quote(name) + " under " + cid_.to_string());
  }

  Rope in_;
  const Cid& cid_;
  std::string_view& path_;
};

}  // namespace

Result<std::optional<Cid>> follow_cbor(Rope block, const Cid& block_cid, std::string_view& path) {
  return Walker(block, block_cid, path).run();
}

}  // namespace masu::unixfs
