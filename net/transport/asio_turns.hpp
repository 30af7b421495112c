// AsioTurns: the turns of a loop that is an io_context. Owned by core; outlives those who post to it; loop
// thread only. Its one operation lies inside: posting allocates nothing.
#pragma once

#include "alloc/operation_memory.hpp"
#include "net/turns.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace masu::net {

// Requires: the context has run what was posted, or is stopped for good, when this goes.
class AsioTurns final : public TurnHook {
 public:
  explicit AsioTurns(boost::asio::io_context& context) : context_(context) {}

 private:
  void schedule() override {
    boost::asio::post(context_,
                      boost::asio::bind_allocator(OperationAllocator<void>(memory_), [this] { run(); }));
  }

  boost::asio::io_context& context_;
  OperationMemory memory_;
};

}  // namespace masu::net
