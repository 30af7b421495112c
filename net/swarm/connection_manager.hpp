// ConnectionManager: which connections are worth keeping.
//
// A machine without IO, owned by the swarm; loop thread only. Protocols tag peers with values and protect
// them; when more connections are open than the high mark, those of unprotected peers that are past their
// grace period are closed, the lowest value first, down to the low mark. The hard caps are the swarm's, which
// asks here whom to give up for a newcomer.
//
// Bounds: peers with tags (peers_max; at the cap the one that is longest not connected and not protected
// goes), eight tags and four protections a peer. Texts of tags outlive the manager.
#pragma once

#include "alloc/budget.hpp"
#include "alloc/clock.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/resource.hpp"
#include "alloc/slab_pool.hpp"
#include "multiformats/peer_id.hpp"
#include "net/hash_index.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace masu::net {

struct ConnectionMarks {
  std::size_t low = 32;
  std::size_t high = 96;
  Duration grace = 20s;    // for a new connection to show its worth
  Duration silence = 10s;  // between two trims
  // When all places are taken: before one that is worth nothing goes; the same when there is no such one; and
  // before one goes that is worth something.
  Duration grace_when_full = 5s;
  Duration grace_of_newcomers = 1s;
  Duration grace_of_valued = 60s;
};

// A connection as the manager sees it.
class ManagedConnection : public IntrusiveListNode<ManagedConnection> {
 public:
  virtual const PeerId& managed_peer() const = 0;
  virtual std::size_t open_streams() const = 0;
  // The peer has been of use, or is protected.
  virtual bool is_peer_of_use() const = 0;

 protected:
  virtual ~ManagedConnection() = default;

 private:
  friend class ConnectionManager;
  TimePoint opened_at_{};
  // While a trim chooses.
  int value_ = 0;
  bool candidate_ = false;
};

class ConnectionManager {
 public:
  ConnectionManager(Account& account, AccountResource& memory, const HashSecret& secret,
                    const ConnectionMarks& marks, std::size_t peers_max);
  ~ConnectionManager();
  ConnectionManager(const ConnectionManager&) = delete;
  ConnectionManager& operator=(const ConnectionManager&) = delete;

  // --- What protocols say. ---

  // 0 removes the tag.
  void tag(const PeerId& peer, std::string_view tag, int value);
  void protect(const PeerId& peer, std::string_view tag);
  void unprotect(const PeerId& peer, std::string_view tag);
  bool is_protected(const PeerId& peer) const;
  bool has_tag(const PeerId& peer, std::string_view tag) const;  // as a value or as a protection
  int value(const PeerId& peer) const;                           // the sum of its tags

  // --- Connections. ---

  void add(ManagedConnection& connection, TimePoint now);
  void remove(ManagedConnection& connection) { connection.unlink(); }
  std::size_t connections() const { return connections_.size(); }
  const ConnectionMarks& marks() const { return marks_; }
  void set_marks(const ConnectionMarks& marks) { marks_ = marks; }

  // Above the high mark, and not within the silence after the last time: calls `close(ManagedConnection&)`
  // for those to give up, which may remove them at once.
  template <class Close>
  void trim(TimePoint now, Close&& close);
  // The same without regard to marks and silence: gives up to `count` of those that are there for `grace`.
  template <class Close>
  void trim(TimePoint now, std::size_t count, Duration grace, Close&& close);
  // The same for those whose peers are of no use, however new they are.
  template <class Close>
  void trim_strangers(std::size_t count, Close&& close);
  // All places are taken: gives up one for a newcomer, who is worth nothing yet. One that nobody values and
  // that has had its time; else, when only newcomers are worth as little, the first of them; those that
  // somebody values only after a long time, so that a crowd of strangers does not displace them.
  template <class Close>
  void make_room(TimePoint now, Close&& close);
  // When trim() has to be called, if it does not happen before.
  std::optional<TimePoint> next_deadline() const;

 private:
  static constexpr std::size_t tags_max = 8;
  static constexpr std::size_t protections_max = 4;
  struct Tag {
    std::string_view name;
    int value = 0;
  };
  struct Peer : HashIndexNode<Peer>, IntrusiveListNode<Peer> {
    explicit Peer(const PeerId& peer) : id(peer) {}
    Bytes hash_key() const { return id.bytes(); }
    bool is_protected() const { return !protections[0].empty(); }

    PeerId id;
    std::array<Tag, tags_max> tags;
    std::array<std::string_view, protections_max> protections;  // in front, without gaps
  };

  Peer* find_or_make(const PeerId& id);
  void drop_if_empty(Peer& peer);
  bool evict();
  void choose(TimePoint now, Duration grace);
  void choose_strangers();
  template <class Close>
  void close_least(std::size_t count, Close&& close);
  std::size_t candidates() const;
  ManagedConnection* least_of_candidates();

  ConnectionMarks marks_;
  SlabPool<Peer> peers_;
  HashIndex<Peer> index_;
  IntrusiveList<Peer> by_age_;  // the longest untouched first
  IntrusiveList<ManagedConnection> connections_;
  TimePoint silent_until_{};
};

template <class Close>
void ConnectionManager::trim(TimePoint now, Close&& close) {
  if (now < silent_until_ || connections_.size() <= marks_.high) return;
  silent_until_ = now + marks_.silence;
  choose(now, marks_.grace);
  const std::size_t count = candidates();
  for (std::size_t left = count; left > marks_.low; --left) close(*least_of_candidates());
}

template <class Close>
void ConnectionManager::trim(TimePoint now, std::size_t count, Duration grace, Close&& close) {
  choose(now, grace);
  close_least(count, close);
}

template <class Close>
void ConnectionManager::trim_strangers(std::size_t count, Close&& close) {
  choose_strangers();
  close_least(count, close);
}

template <class Close>
void ConnectionManager::close_least(std::size_t count, Close&& close) {
  for (; count > 0; --count) {
    ManagedConnection* least = least_of_candidates();
    if (least == nullptr) return;
    close(*least);
  }
}

template <class Close>
void ConnectionManager::make_room(TimePoint now, Close&& close) {
  for (const Duration grace : {marks_.grace_when_full, marks_.grace_of_newcomers, marks_.grace_of_valued}) {
    choose(now, grace);
    ManagedConnection* least = least_of_candidates();
    if (least == nullptr || (least->value_ > 0 && grace != marks_.grace_of_valued)) continue;
    return close(*least);
  }
}

}  // namespace masu::net
