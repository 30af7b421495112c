// The resolver of a node: NameResolver over c-ares. Made by core; must go before the context, clock and
// timers.
#pragma once

#include "net/clock.hpp"
#include "net/dns/resolver.hpp"
#include "net/timers.hpp"

#include <memory>

namespace boost::asio {
class io_context;
}

namespace masu::net {

std::unique_ptr<AddressResolver> make_cares_resolver(boost::asio::io_context& context, const Clock& clock,
                                                     TimerQueue& timers);

}  // namespace masu::net
