// What a dial was told: how often, and the last error ("" when it worked).
#pragma once

#include "net/swarm/swarm.hpp"

#include <string>
#include <string_view>

namespace masu::sim {

struct Dialled final : net::DialHandler {
  void on_dialled(const PeerId&, std::string_view why) override {
    ++answers;
    error = why;
  }
  int answers = 0;
  std::string error;
};

}  // namespace masu::sim
