// Plan: what a play of peers is to be: who comes when, and what there is to ask. Read from a text that
// bench/evening.py makes from a seed; one line each, fields by spaces:
//
//   seed N                  of everything that is drawn while it is played
//   files COUNT BYTES       what the peers hold between them
//   ask MILLISECONDS        between two questions of one peer, in the mean
//   limit MILLISECONDS      in which a question must be answered
//   held CID                a raw block the node has
//   visit PEER JOINS LEAVES FILE WANTS ADDRESSES
//
// A visit: peer number PEER (its key and address), from and to in milliseconds from the start; the file that
// it holds (-1: none); how many blocks it wants that nobody has; how many addresses it announces.
#pragma once

#include "alloc/clock.hpp"
#include "multiformats/cid.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace masu::peers {

struct Visit {
  std::uint32_t peer = 0;
  Duration joins{}, leaves{};
  int file = -1;
  std::size_t wants = 0, addresses = 0;
};

struct Plan {
  std::uint64_t seed = 1;
  std::size_t files = 0, file_bytes = 0;
  Duration ask = 2s, limit = 10s;
  std::vector<std::string> held;  // CIDs as bytes
  std::vector<Visit> visits;      // in the order of joining
};

// The error names the line.
std::expected<Plan, std::string> read_plan(std::string_view text);

}  // namespace masu::peers
