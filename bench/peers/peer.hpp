// Peer: one honest peer for one visit: it dials the node under test, says who it is and where, asks, answers
// and serves, and leaves.
//
// The connection is masu's own Connection (Noise, yamux, negotiation, with all their rules), driven here over
// a socket of an address of its own. If the node closes it (a trim, a full table), the peer dials again after
// a pause, as peers do, and asks what is not answered yet once more. One thread; owned by the program's loop.
#pragma once

#include "bench/peers/content.hpp"
#include "bench/peers/flow.hpp"
#include "bench/peers/plan.hpp"
#include "bench/peers/talk.hpp"
#include "bench/peers/tally.hpp"
#include "multiformats/multiaddr.hpp"
#include "net/connection.hpp"

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace masu::peers {

// What all peers share.
struct World {
  const Plan& plan;
  const Content& content;
  Tally& tally;
  Budget& budget;
  ChunkPool& chunks;
  std::uint16_t port = 0;  // of the node under test, on 127.0.0.1
  int epoll = -1;
  bool asks = true;  // else peers are connected, and nothing more
  TimePoint now;
};

class Peer final : private net::ConnectionOwner, private FlowOwner, private TalkListener {
 public:
  // `visit` from now on; it is over at `leaves`.
  Peer(World& world, const Visit& visit, TimePoint leaves);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void on_socket(std::uint32_t events);
  // Does what is due.
  void step();
  TimePoint next_due() const;
  bool identified() const { return identified_; }
  bool gone() const { return gone_; }
  void leave();
  void ping();
  bool pinging() const { return ping_asked_.has_value(); }  // one is not answered yet

 private:
  struct Question {
    Kind kind;
    TimePoint asked;
  };

  // ConnectionOwner.
  bool on_established(const PeerId&, const PublicKey&) override { return true; }
  std::string_view find_protocol(std::string_view protocol) override;
  net::StreamHandler* on_inbound_stream(std::string_view protocol) override;
  void on_stream_gone(std::string_view, bool) override {}
  void on_stream_bytes(std::string_view, std::size_t, std::size_t) override {}
  void on_connection_ended(net::ConnectionEnd, std::string_view) override {}
  void on_turn_wanted() override { turn_wanted_ = true; }
  // FlowOwner and TalkListener.
  void on_flow_ended(Flow& flow) override;
  void on_message(const Message& message) override;
  void on_talk_sent() override { give_blocks(); }
  void on_talk_gone(net::StreamEnd end) override;
  void on_malformed() override { ++world_.tally.wrong; }

  void dial();
  void dial_later();
  void on_dialled();
  void read();
  void write();
  void drain();
  void lost();
  void watch();

  template <class Kind_, class... Arguments>
  Kind_& add(Arguments&&... arguments);
  void open(std::span<const std::string_view> protocols, Flow& flow);
  void ask_who();
  void on_who(bool answered);
  void push();
  void try_ping();
  void on_pong(bool answered);
  std::string who_i_am();
  void change_addresses(std::size_t kept);

  void say(const std::string& message);
  void tell_all_wants();
  void ask();
  void ask_held(bool whole);
  void ask_absent(bool whole);
  void change_wants();
  void forget_late();
  void answered(const std::string& cid, bool has, bool bytes);
  void answer_wants(const std::vector<Want>& wants);
  void give_blocks();
  Duration about(Duration mean);

  World& world_;
  const Visit visit_;
  const TimePoint leaves_;
  SeededRandom random_;
  const PrivateKey key_;
  net::ConnectionResources resources_;
  std::optional<net::Connection> connection_;
  std::list<std::unique_ptr<Flow>> flows_;
  TalkFlow* talk_ = nullptr;
  int socket_ = -1;
  std::uint32_t watched_ = 0;
  bool dialling_ = false, identified_ = false, asked_who_ = false;
  bool leaving_ = false, gone_ = false;
  bool turn_wanted_ = false;
  bool full_ = false;  // the socket takes nothing now

  std::optional<TimePoint> connect_asked_, ping_asked_;
  std::unordered_map<std::string, Question> questions_;  // by CID
  std::deque<std::string> standing_;                     // wants of what nobody has
  std::deque<std::string> owed_;                         // blocks the node wants
  std::vector<Multiaddr> addresses_;
  std::uint64_t record_ = 1;
  TimePoint dial_at_, ask_at_, push_at_, ping_at_, tell_at_, late_at_;
};

template <class Kind_, class... Arguments>
Kind_& Peer::add(Arguments&&... arguments) {
  auto flow = std::make_unique<Kind_>(static_cast<FlowOwner&>(*this), std::forward<Arguments>(arguments)...);
  Kind_& made = *flow;
  flows_.push_back(std::move(flow));
  return made;
}

}  // namespace masu::peers
