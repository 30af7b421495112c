// ProtocolTable: the protocols that this node serves or speaks, with who serves them, how many inbound
// streams there are, and how many bytes went through them.
//
// Owned by the swarm; loop thread only. Bounded by entries_max: only our own code adds to it. Texts outlive
// it.
#pragma once

#include "net/bandwidth.hpp"
#include "net/host.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace masu::net {

class ProtocolTable {
 public:
  static constexpr std::size_t entries_max = 32;

  struct Entry {
    std::string_view name;
    ProtocolHandler* handler = nullptr;  // null: only spoken
    ProtocolLimits limits;
    std::size_t inbound_streams = 0;
    BandwidthMeter bandwidth;
  };

  void serve(std::string_view name, ProtocolHandler& handler, const ProtocolLimits& limits);
  // Spoken, from now on, if there is room.
  void speak(std::string_view name);
  std::optional<std::size_t> find(std::string_view name) const;
  Entry& operator[](std::size_t index) { return entries_[index]; }
  std::span<const Entry> entries() const { return std::span(entries_).first(count_); }

 private:
  Entry* add(std::string_view name);

  std::array<Entry, entries_max> entries_;
  std::size_t count_ = 0;
};

}  // namespace masu::net
