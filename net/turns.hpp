// Turn and TurnHook: work for the next turn of the loop.
//
// What must not happen inside of a call, because its caller is in the middle of something, is done on the
// next turn. A Turn is a member of whoever has such work; it is posted without an allocation, runs once, and
// is taken back when it is destroyed. core's hook is made of asio::post (net/transport/asio_turns.hpp), the
// simulator's of its virtual clock. Loop thread only.
#pragma once

#include "alloc/intrusive_list.hpp"

#include <cstddef>

namespace masu::net {

class Turn : public IntrusiveListNode<Turn> {
 public:
  // May post itself again, for the turn after this one, or destroy itself.
  virtual void on_turn() = 0;

 protected:
  ~Turn() = default;
};

class TurnHook {
 public:
  // Nothing happens when it is posted already.
  void post(Turn& turn) {
    if (turn.linked()) return;
    const bool first = turns_.empty();
    turns_.push_back(turn);
    if (first && !running_) schedule();
  }

 protected:
  ~TurnHook() = default;
  // run() is to be called soon, from the loop.
  virtual void schedule() = 0;
  // Runs what has been posted; what is posted meanwhile waits for the next turn.
  void run() {
    running_ = true;
    for (std::size_t left = turns_.size(); left > 0 && !turns_.empty(); --left) turns_.pop_front()->on_turn();
    running_ = false;
    if (!turns_.empty()) schedule();
  }

 private:
  IntrusiveList<Turn> turns_;
  bool running_ = false;
};

}  // namespace masu::net
