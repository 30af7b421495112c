// Session: the blocks of one walk: the BlockSource that walks a DAG see.
//
// What it wants lies in lists by state; which peers have had such blocks it remembers (peers_max), and asks
// those first. All that concerns more than one session is the Client's. One entry of bitswap.session, with
// an operator delete that knows its slab; loop thread.
#pragma once

#include "alloc/slab_pool.hpp"
#include "bitswap/client_want.hpp"
#include "store/block_source.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace masu::bitswap {

class Client;
struct InDeferred;

class Session final : public store::BlockSource,
                      public IntrusiveListNode<Session>,
                      public IntrusiveListNode<Session, InDeferred> {
 public:
  static constexpr std::size_t peers_max = 16;
  // In front of the object: the slab it came from.
  struct Header {
    alignas(std::max_align_t) SlabRuns* runs;
  };

  explicit Session(Client& client) : client_(client) {}
  ~Session() override;

  static constexpr std::size_t slab_bytes(std::size_t object_bytes) { return object_bytes + sizeof(Header); }
  static void* operator new(std::size_t bytes, SlabRuns& runs) noexcept;
  static void operator delete(void* memory, SlabRuns& runs) noexcept;
  static void operator delete(void* memory) noexcept;

  void get(const Cid& cid, Account& holder, store::BlockRequest& request) override;
  void forget(store::BlockRequest& request) noexcept override;
  void prefetch(std::span<const Cid> cids) override;

 private:
  friend class Client;

  // A peer that has had something of this session.
  struct Member {
    Asker* asker;
    std::uint32_t misses_in_a_row;
    std::uint32_t hits_in_a_row;
    bool held;  // its connection, see Asker::hold()
  };

  IntrusiveList<ClientWant>& list(ClientWantState state) { return lists_[static_cast<std::size_t>(state)]; }
  void move(ClientWant& want, ClientWantState state);
  std::span<Member> members() { return std::span(members_).first(member_count_); }
  Member* member(const Asker& asker);
  Member* add_member(Asker& asker);
  void remove_member(const Asker& asker);
  void remove_members();
  ClientWant* next_to_ask();
  // Whether the want's next look reads the block; else it is looked for, with others.
  bool reads(const ClientWant& want) const { return want.request != nullptr && (want.here || !missed_); }

  Client& client_;
  std::array<IntrusiveList<ClientWant>, client_want_lists> lists_;
  IntrusiveList<store::BlockRequest> waiting_;  // for an entry
  std::array<Member, peers_max> members_{};
  std::size_t member_count_ = 0;
  std::int32_t asked_ = 0;        // makes priorities fall
  LocalJob* checking_ = nullptr;  // looks for some of its wants
  bool missed_ = false;           // the last block that was asked for was not in the store
};

}  // namespace masu::bitswap
