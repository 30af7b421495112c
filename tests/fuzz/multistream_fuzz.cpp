// Lines from any bytes, and both machines fed with them: what is owed stays bounded, and lines survive a
// round.
#include "net/multistream.hpp"

#include <array>
#include <cstdlib>
#include <variant>

using namespace masu;
using namespace masu::net;

namespace {

constexpr std::array<std::string_view, 3> protocols = {"/a", "/b", "/c"};

void require(bool condition) {
  if (!condition) std::abort();
}

template <class Side>
void drain(Side& side) {
  for (int lines = 0; !side.next_owed().empty(); ++lines) {
    require(lines < multistream_proposals_max + 2);
    side.owed_written();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes rest(data, size);
  MultistreamDialer dialer(protocols);
  MultistreamListener listener;
  bool dialer_done = false, listener_done = false;
  while (true) {
    const auto line = next_multistream_line(rest);
    if (!line || !*line) break;
    require((*line)->used <= multistream_message_max_bytes && (*line)->used <= rest.size());
    std::array<std::uint8_t, multistream_message_max_bytes> again;
    require(write_multistream_line((*line)->text, again) == (*line)->used);
    require(equal(Bytes(again).first((*line)->used), rest.first((*line)->used)));
    if (!dialer_done) {
      const auto chosen = dialer.on_line((*line)->text);
      dialer_done = !chosen || chosen->has_value();
      if (dialer_done || size % 2 == 0) drain(dialer);
    }
    if (!listener_done) {
      const auto chosen = listener.on_line((*line)->text, [](std::string_view asked) {
        return asked == "/c" ? std::string_view("/c") : std::string_view();
      });
      listener_done = !chosen || chosen->has_value();
      if (listener_done || size % 2 == 0) drain(listener);
    }
    rest = rest.subspan((*line)->used);
  }
  return 0;
}
