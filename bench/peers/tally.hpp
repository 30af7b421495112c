// Tally: what honest peers asked of the node under test, and how it was answered.
//
// A request is asked once, however often its connection is lost before the answer comes, and its time counts
// from then. It is answered when the right answer came within the limit; late or never is not answered. Who
// leaves with a question open takes it back.
#pragma once

#include "alloc/clock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace masu::peers {

enum class Kind : std::uint8_t {
  connect,  // a dial, Noise, yamux, and the answer of identify
  ping,
  have,    // want-have of a block the node has: HAVE
  block,   // want-block of such a block: its bytes, hashed
  absent,  // a want of what the node has not: DONT_HAVE
};
inline constexpr std::size_t kind_count = 5;
std::string_view name_of(Kind);

class Tally {
 public:
  explicit Tally(Duration limit) : limit_(limit) {}

  Duration limit() const { return limit_; }
  void ask(Kind kind) { ++of(kind).asked; }
  void answer(Kind kind, Duration took);
  void take_back(Kind kind) { --of(kind).asked; }
  // All figures as an object.
  std::string json() const;

  // What is no request.
  std::uint64_t connected = 0, refused = 0, cut_off = 0;  // connections; cut off: by the node
  std::uint64_t wrong = 0;                                // answers that say what is not so
  std::uint64_t pushes = 0, addresses = 0;                // told by identify and its pushes
  std::uint64_t wants_told = 0, cancels = 0;
  std::uint64_t blocks_given = 0, bytes_given = 0, bytes_got = 0;  // to and from the node

 private:
  struct Figures {
    std::uint64_t asked = 0, answered = 0, late = 0;
    std::vector<float> milliseconds;
  };
  Figures& of(Kind kind) { return kinds_[static_cast<std::size_t>(kind)]; }

  const Duration limit_;
  std::array<Figures, kind_count> kinds_;
};

}  // namespace masu::peers
