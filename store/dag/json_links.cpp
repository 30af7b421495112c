#include "store/dag/json_links.hpp"

#include <array>
#include <optional>

namespace masu::store {
namespace {

auto malformed(const char* what) { return fail(StoreErrorCode::corrupt, std::string("json: ") + what); }

// The first characters of a string; what is longer than any CID's text is counted and not kept.
class ShortText {
 public:
  void clear() { size_ = 0; }
  void push_back(std::uint32_t point) {
    if (size_ < text_.size()) text_[size_] = point < 0x80 ? static_cast<char>(point) : '\0';
    ++size_;
  }
  // Empty when it was too long or not ASCII.
  std::string_view text() const {
    const std::string_view all(text_.data(), size_ <= text_.size() ? size_ : 0);
    return all.find('\0') == std::string_view::npos ? all : std::string_view();
  }

 private:
  std::array<char, 1 + 8 * Cid::bytes_max> text_;  // in base2
  std::size_t size_ = 0;
};

class JsonScanner {
 public:
  JsonScanner(Rope in, LinkVisitor& visitor) : in_(in), visitor_(visitor) {}

  StoreResult<void> run() {
    State state = State::value;
    while (true) {
      StoreResult<State> next = State::done;
      switch (state) {
        case State::value: next = take_value(); break;
        case State::first_value: next = peek() == ']' ? close(']') : take_value(); break;
        case State::first_key: next = peek() == '}' ? close('}') : take_key(); break;
        case State::key: next = take_key(); break;
        case State::after_value: next = take_separator(); break;
        case State::done:
          if (!stopped_ && peek() != end) return malformed("unexpected content after end of json object");
          return {};
      }
      if (!next) return std::unexpected(std::move(next.error()));
      state = stopped_ ? State::done : *next;
    }
  }

 private:
  enum class State : std::uint8_t { value, first_value, first_key, key, after_value, done };
  static constexpr int end = -1;

  // What an open object has shown so far of being a link.
  enum class Shape : std::uint8_t { array, fresh, slash_key, link, ordinary };

  // The next character that is no white space, which stays where it is.
  int peek() {
    while (!in_.empty()) {
      const std::uint8_t byte = in_.front().front();
      if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n') return byte;
      in_.skip(1);
    }
    return end;
  }

  StoreResult<State> take_value() {
    switch (const int first = peek()) {
      case end: return malformed("unexpected EOF");
      case '{': return open(Shape::fresh, State::first_key);
      case '[': return open(Shape::array, State::first_value);
      case '"': return take_text_value();
      case 't': return take_word("true");
      case 'f': return take_word("false");
      case 'n': return take_word("null");
      default:
        if (first != '-' && (first < '0' || first > '9')) return malformed("an unexpected character");
        return take_number();
    }
  }

  StoreResult<State> open(Shape shape, State then) {
    if (depth_ == shapes_.size()) return malformed("message structure exceeded maximum nesting depth");
    not_a_link();
    in_.skip(1);
    shapes_[depth_++] = shape;
    return then;
  }

  StoreResult<State> close(char bracket) {
    in_.skip(1);
    const Shape shape = shapes_[--depth_];
    if ((shape == Shape::array) != (bracket == ']')) return malformed("a bracket that closes another one");
    if (shape == Shape::link) {
      const auto cid = Cid::parse(link_.text());
      if (!cid) return malformed("a link that is no CID");
      stopped_ = !visitor_.on_link(*cid);
    }
    return after();
  }

  State after() const { return depth_ == 0 ? State::done : State::after_value; }

  StoreResult<State> take_key() {
    if (peek() != '"') return malformed("a key that is no string");
    ShortText key;
    Shape& shape = shapes_[depth_ - 1];
    if (auto text = take_text(key); !text) return std::unexpected(std::move(text.error()));
    shape = shape == Shape::fresh && key.text() == "/" ? Shape::slash_key : Shape::ordinary;
    if (peek() != ':') return malformed("a key without a value");
    in_.skip(1);
    return State::value;
  }

  StoreResult<State> take_separator() {
    switch (peek()) {
      case ',':
        in_.skip(1);
        if (shapes_[depth_ - 1] == Shape::array) return State::value;
        shapes_[depth_ - 1] = Shape::ordinary;
        return State::key;
      case ']': return close(']');
      case '}': return close('}');
      default: return malformed("a value without a comma behind it");
    }
  }

  StoreResult<State> take_text_value() {
    const bool link = depth_ > 0 && shapes_[depth_ - 1] == Shape::slash_key;
    ShortText ignored;
    if (auto text = take_text(link ? link_ : ignored); !text) return std::unexpected(std::move(text.error()));
    if (link) shapes_[depth_ - 1] = Shape::link;
    return after();
  }

  StoreResult<void> take_text(ShortText& out) {
    out.clear();
    in_.skip(1);
    while (!in_.empty()) {
      const std::uint8_t byte = in_.take_byte();
      if (byte == '"') return {};
      if (byte < 0x20) return malformed("a control character in a string");
      if (byte != '\\') {
        out.push_back(byte);
        continue;
      }
      const auto point = take_escape();
      if (!point) return malformed("a bad escape in a string");
      out.push_back(*point);
    }
    return malformed("unexpected EOF");
  }

  std::optional<std::uint32_t> take_escape() {
    if (in_.empty()) return std::nullopt;
    switch (const std::uint8_t byte = in_.take_byte()) {
      case '"':
      case '\\':
      case '/': return byte;
      case 'b': return '\b';
      case 'f': return '\f';
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case 'u': break;
      default: return std::nullopt;
    }
    std::uint32_t point = 0;
    for (int i = 0; i < 4; ++i) {
      if (in_.empty()) return std::nullopt;
      const std::uint8_t digit = in_.take_byte();
      if (digit >= '0' && digit <= '9') {
        point = point << 4 | static_cast<std::uint32_t>(digit - '0');
      } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
        point = point << 4 | static_cast<std::uint32_t>((digit | 0x20) - 'a' + 10);
      } else {
        return std::nullopt;
      }
    }
    return point;
  }

  StoreResult<State> take_word(std::string_view word) {
    not_a_link();
    for (const char letter : word) {
      if (in_.empty() || in_.take_byte() != static_cast<std::uint8_t>(letter))
        return malformed("an unknown word");
    }
    return after();
  }

  // The shape of a number is not looked at: it holds no link.
  StoreResult<State> take_number() {
    not_a_link();
    const auto in_number = [](std::uint8_t byte) {
      return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' ||
             (byte | 0x20) == 'e';
    };
    while (!in_.empty() && in_number(in_.front().front())) in_.skip(1);
    return after();
  }

  void not_a_link() {
    if (depth_ > 0 && shapes_[depth_ - 1] == Shape::slash_key) shapes_[depth_ - 1] = Shape::ordinary;
  }

  Rope in_;
  LinkVisitor& visitor_;
  bool stopped_ = false;
  std::size_t depth_ = 0;
  std::array<Shape, link_depth_max> shapes_;
  ShortText link_;
};

}  // namespace

StoreResult<void> visit_json_links(Rope block, LinkVisitor& visitor) {
  return JsonScanner(block, visitor).run();
}

}  // namespace masu::store
