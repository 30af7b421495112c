#include "store/dag/cbor_links.hpp"

#include <algorithm>
#include <array>

namespace masu::store {
namespace {

enum Major : std::uint8_t { unsigned_int, negative_int, byte_text, text, array, map, tag, simple };

constexpr std::uint64_t link_tag = 42;
constexpr std::uint8_t indefinite = 31;
constexpr std::uint8_t break_code = 0xff;

auto malformed(const char* what) { return fail(StoreErrorCode::corrupt, std::string("cbor: ") + what); }

struct Head {
  Major major;
  std::uint8_t info;  // 31: of indefinite length, or a break
  std::uint64_t value;
};

class CborScanner {
 public:
  CborScanner(Rope in, LinkVisitor& visitor) : in_(in), visitor_(visitor) {}

  StoreResult<void> run() {
    left_[0] = 1;
    while (true) {
      while (left_[depth_] == 0) {
        if (depth_ == 0) {
          if (!in_.empty()) return malformed("bytes behind the value");
          return {};
        }
        --depth_;
      }
      if (left_[depth_] != endless) --left_[depth_];
      if (auto item = take_item(); !item) return std::unexpected(std::move(item.error()));
      if (stopped_) return {};
    }
  }

 private:
  static constexpr std::uint64_t endless = ~std::uint64_t{0};

  StoreResult<Head> take_head() {
    if (in_.empty()) return malformed("unexpected EOF");
    const std::uint8_t first = in_.take_byte();
    Head head{static_cast<Major>(first >> 5), static_cast<std::uint8_t>(first & 31), 0};
    if (head.info < 24) {
      head.value = head.info;
      return head;
    }
    if (head.info == indefinite) return head;
    if (head.info > 27) return malformed("a reserved length");
    const std::size_t bytes = std::size_t{1} << (head.info - 24);
    if (in_.size() < bytes) return malformed("unexpected EOF");
    for (std::size_t i = 0; i < bytes; ++i) head.value = head.value << 8 | in_.take_byte();
    return head;
  }

  StoreResult<void> take_item() {
    const auto head = take_head();
    if (!head) return std::unexpected(head.error());
    const bool open = head->info == indefinite;
    switch (head->major) {
      case unsigned_int:
      case negative_int:
        if (open) return malformed("an integer without a value");
        return {};
      case byte_text:
      case text: return open ? skip_pieces(head->major) : skip(head->value);
      case array:
      case map: return enter(*head);
      case tag:
        if (open || head->value != link_tag)
          return malformed(open ? "a tag without a value" : "unhandled cbor tag");
        return take_link();
      case simple: return take_simple(*head);
    }
    return malformed("an unknown type");
  }

  StoreResult<void> skip(std::uint64_t bytes) {
    if (bytes > in_.size()) return malformed("unexpected EOF");
    in_.skip(static_cast<std::size_t>(bytes));
    return {};
  }

  // Pieces of a string of indefinite length, up to the break.
  StoreResult<void> skip_pieces(Major major) {
    while (true) {
      const auto piece = take_head();
      if (!piece) return std::unexpected(piece.error());
      if (piece->major == simple && piece->info == indefinite) return {};
      if (piece->major != major || piece->info == indefinite) return malformed("a string of other pieces");
      if (auto skipped = skip(piece->value); !skipped) return skipped;
    }
  }

  // Each entry takes at least one byte, so that a length that says more is found out here.
  StoreResult<void> enter(const Head& head) {
    if (depth_ + 1 == left_.size()) return malformed("message structure exceeded maximum nesting depth");
    const std::uint64_t per_entry = head.major == map ? 2 : 1;
    if (head.info != indefinite && head.value > in_.size() / per_entry) return malformed("unexpected EOF");
    left_[++depth_] = head.info == indefinite ? endless : head.value * per_entry;
    return {};
  }

  StoreResult<void> take_simple(const Head& head) {
    if (head.info == indefinite) {
      if (left_[depth_] != endless) return malformed("a break outside of a collection");
      left_[depth_] = 0;
      return {};
    }
    // false, true, null, undefined, and floats of two, four and eight bytes.
    if ((head.info >= 20 && head.info <= 23) || (head.info >= 25 && head.info <= 27)) return {};
    return malformed("an unknown simple value");
  }

  StoreResult<void> take_link() {
    const auto head = take_head();
    if (!head) return std::unexpected(head.error());
    if (head->major != byte_text || head->info == indefinite)
      return malformed("a link that is no byte string");
    if (head->value > in_.size()) return malformed("unexpected EOF");
    std::array<std::uint8_t, 1 + Cid::bytes_max> bytes;
    if (head->value == 0 || head->value > bytes.size()) return malformed("a link that is no CID");
    const MutableBytes whole = MutableBytes(bytes).first(static_cast<std::size_t>(head->value));
    in_.take(whole.size()).copy_to(whole);
    if (whole[0] != 0) return malformed("a link without its multibase prefix");
    const auto cid = Cid::decode(whole.subspan(1));
    if (!cid) return malformed("a link that is no CID");
    stopped_ = !visitor_.on_link(*cid);
    return {};
  }

  Rope in_;
  LinkVisitor& visitor_;
  bool stopped_ = false;
  std::size_t depth_ = 0;
  std::array<std::uint64_t, link_depth_max + 1> left_;  // values that are still to come, by depth
};

static_assert(break_code == (simple << 5 | indefinite));

}  // namespace

StoreResult<void> visit_cbor_links(Rope block, LinkVisitor& visitor) {
  return CborScanner(block, visitor).run();
}

}  // namespace masu::store
