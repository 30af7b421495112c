// Node: the parts put together: memory, store, network, Bitswap. What commands run on.
//
// Made by whoever has a repo open (the daemon; a command that found no daemon, then without a network). All
// parts are members, made in the order of the layers and destroyed in reverse; nothing of it is global. Loop
// thread only, but for what its parts say of themselves.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/plan.hpp"
#include "alloc/report.hpp"
#include "net/clock.hpp"
#include "net/timers.hpp"
#include "store/block_source.hpp"
#include "store/jobs.hpp"

#include <memory>

namespace boost::asio {
class io_context;
}
namespace masu::net {
class Ping;
class RandomSource;
class Swarm;
}  // namespace masu::net
namespace masu::store {
class Collector;
class DiskStore;
class PinSet;
}  // namespace masu::store
namespace masu::bitswap {
class Bitswap;
}

namespace masu::core {

class Config;
class MemoryHistory;
class Repo;

// Who has sockets that the network does not know of.
class SocketHolder {
 public:
  // What the kernel holds unread and unsent for them.
  virtual std::size_t parked_bytes() const = 0;

 protected:
  ~SocketHolder() = default;
};

class Node {
 public:
  virtual const CapacityPlan& plan() const = 0;
  virtual Budget& budget() = 0;
  virtual ChunkPool& chunks() = 0;
  // Blocks that requests hold: reading, walking, exporting.
  virtual Account& block_account() = 0;
  // Bytes of uploads, until they are stored: plan().upload_bytes, so that those who upload leave room for
  // blocks that are fetched. A block takes a slot before its second chunk: many that each have a part of one
  // would wait for each other.
  virtual Account& upload_account() = 0;
  virtual SlotGroup& upload_slots() = 0;
  // General memory of imports and exports (directories, sorting): plan().import_bytes.
  virtual Account& import_account() = 0;
  virtual MemoryReport memory_report() = 0;
  // The API's sockets are counted in the report from now on; null: there are none (any more).
  virtual void set_api_sockets(const SocketHolder* sockets) = 0;
  virtual const MemoryHistory& memory_history() = 0;
  // Lives within `bytes` from now on: what is above goes as the ladder says, the node keeps working. At most
  // what it was started with. The error (too small, too large) leaves all as it was.
  virtual std::expected<void, std::string> set_budget(std::size_t bytes) = 0;
  // One look of the governor. True: what is resident is within the budget.
  virtual bool check_memory() = 0;
  // Much may be taken next (an import, a collection, an export): a look of the governor now, unless there was
  // one a moment ago. Cheap; it may close connections.
  virtual void before_large_work() = 0;

  virtual boost::asio::io_context& context() = 0;
  virtual const net::Clock& clock() const = 0;
  virtual net::TimerQueue& timers() = 0;
  virtual net::RandomSource& random() = 0;
  virtual store::Jobs& jobs() = 0;

  virtual Config& config() = 0;
  virtual Repo& repo() = 0;
  virtual store::DiskStore& blocks() = 0;
  virtual store::PinSet& pins() = 0;
  virtual store::Collector& collector() = 0;

  // Null without a network.
  virtual net::Swarm* swarm() = 0;
  virtual net::Ping* ping() = 0;
  virtual bitswap::Bitswap* bitswap() = 0;

  // Blocks for one walk: from the store, and from the network if there is one and `offline` is false.
  virtual std::unique_ptr<store::BlockSource> open_source(bool offline) = 0;

  // An orderly stop, soon.
  virtual void shut_down() = 0;
  virtual bool stopping() const = 0;

 protected:
  ~Node() = default;
};

}  // namespace masu::core
