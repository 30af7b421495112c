#include "net/stream.hpp"

namespace masu::net {

std::string_view name_of(StreamEnd end) {
  switch (end) {
    case StreamEnd::finished: return "finished";
    case StreamEnd::reset_by_peer: return "reset by the peer";
    case StreamEnd::refused: return "refused";
    case StreamEnd::timed_out: return "timed out";
    case StreamEnd::connection_lost: return "connection lost";
    case StreamEnd::no_connection: return "no connection";
    case StreamEnd::out_of_memory: return "out of memory";
  }
  return "ended";
}

}  // namespace masu::net
