// What changes from one configuration to another, as `config profile apply` prints it. Pure functions.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace masu::core::rpc::commands {

// Objects with their keys in order, at every depth: how Kubo prints what it read.
boost::json::value sorted(const boost::json::value& value);

// Both documents in one: what is equal as it is, what differs marked and coloured. Both are objects.
std::string config_diff(const boost::json::value& before, const boost::json::value& after);

}  // namespace masu::core::rpc::commands
