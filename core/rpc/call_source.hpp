// CallSource: a block source whose requests end when the call does.
//
// Between a walk and the node's source. What waits when the call is stopped (its client is gone, `timeout` is
// over, the node stops) is answered with `stopped`; what is asked for later too. One small entry of the
// call's memory a request under way. Loop thread.
#pragma once

#include "alloc/intrusive_list.hpp"
#include "core/rpc/command.hpp"
#include "net/timers.hpp"
#include "store/block_source.hpp"

#include <memory>

namespace masu::core::rpc {

class CallSource final : public store::BlockSource, private StopListener, private net::Timer {
 public:
  CallSource(Call& call, std::unique_ptr<store::BlockSource> inner);
  ~CallSource() override;

  void get(const Cid& cid, Account& holder, store::BlockRequest& request) override;
  void forget(store::BlockRequest& request) noexcept override;
  void prefetch(std::span<const Cid> cids) override;

 private:
  struct WaitingTag;
  class Waiting;

  void on_stop() override;
  void on_timer(TimePoint now) override;
  void destroy(Waiting& waiting) noexcept;

  Call& call_;
  const std::unique_ptr<store::BlockSource> inner_;
  IntrusiveList<Waiting, WaitingTag> waiting_;
};

}  // namespace masu::core::rpc
