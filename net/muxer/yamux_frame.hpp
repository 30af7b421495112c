// The wire format of yamux, version 0: a header of 12 bytes in network order, for data followed by `length`
// bytes.
//
//   version 8 | type 8 | flags 16 | stream id 32 | length 32
//
// `length`: data: bytes that follow; window update: bytes added to the sender's window; ping: a value to
// echo; go away: why. Spec: libp2p/specs yamux/README.md. Read by muxer/yamux.cpp, written by
// muxer/yamux_output.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace masu::net {

inline constexpr std::size_t yamux_header_bytes = 12;
inline constexpr std::uint32_t yamux_initial_window_bytes = 256 * 1024;

enum class YamuxType : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };

inline constexpr std::uint16_t yamux_syn = 1;
inline constexpr std::uint16_t yamux_ack = 2;
inline constexpr std::uint16_t yamux_fin = 4;
inline constexpr std::uint16_t yamux_rst = 8;

enum class YamuxGoAway : std::uint32_t { normal = 0, protocol_error = 1, internal_error = 2 };

struct YamuxHeader {
  std::uint8_t version = 0;
  YamuxType type = YamuxType::data;
  std::uint16_t flags = 0;
  std::uint32_t stream = 0;
  std::uint32_t length = 0;
};

inline YamuxHeader decode_yamux_header(std::span<const std::uint8_t, yamux_header_bytes> in) {
  const auto word = [&](std::size_t at) {
    return std::uint32_t{in[at]} << 24 | std::uint32_t{in[at + 1]} << 16 | std::uint32_t{in[at + 2]} << 8 |
           in[at + 3];
  };
  return {in[0], static_cast<YamuxType>(in[1]), static_cast<std::uint16_t>(in[2] << 8 | in[3]), word(4),
          word(8)};
}

inline std::array<std::uint8_t, yamux_header_bytes> encode_yamux_header(const YamuxHeader& header) {
  const auto byte = [](std::uint32_t value, int shift) { return static_cast<std::uint8_t>(value >> shift); };
  return {header.version,          static_cast<std::uint8_t>(header.type),
          byte(header.flags, 8),   byte(header.flags, 0),
          byte(header.stream, 24), byte(header.stream, 16),
          byte(header.stream, 8),  byte(header.stream, 0),
          byte(header.length, 24), byte(header.length, 16),
          byte(header.length, 8),  byte(header.length, 0)};
}

}  // namespace masu::net
