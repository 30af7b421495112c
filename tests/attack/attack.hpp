// Attack: what the connections of one attack do. The base is a well-behaved peer: it answers yamux pings,
// gives back window, says who it is and that it speaks Bitswap, so that the victim takes it for one of many.
// Each attack departs from that in one way. The table of all attacks is at attacks() (attack.cpp).
#pragma once

#include "tests/attack/wire_peer.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace masu::attack {

struct Options {
  std::uint16_t port = 0;      // the victim's swarm
  std::uint16_t api_port = 0;  // its RPC
  double seconds = 8;
  std::size_t connections = 0;  // 0: as the attack has it
  std::uint64_t seed = 1;
  std::vector<std::string> held;       // CIDs of blocks the victim has, as bytes
  std::vector<std::string> held_text;  // the same as text
};

class Attack : public WirePeer::Listener {
 public:
  virtual ~Attack() = default;
  void begin(const Options& options) { options_ = &options; }

  virtual std::size_t dials_per_round() const { return 20; }  // a round is about 5 ms
  virtual bool on_api() const { return false; }
  virtual bool reconnects() const { return true; }
  // Each connection is somebody else, unless an attack says otherwise.
  virtual std::shared_ptr<Identity> identity(SeededRandom& random) {
    return std::make_shared<Identity>(random);
  }
  virtual void prepare(WirePeer&) {}
  // Again and again, when its handshake is over (if it makes one), while the connection has little left to
  // send.
  virtual void act(WirePeer&) {}

  void on_frame(WirePeer& peer, const net::YamuxHeader& header, std::string_view body) final;

 protected:
  virtual std::string identify_answer(WirePeer& peer);
  virtual bool answers_identify() const { return true; }
  // On a stream of ours.
  virtual void on_answer(WirePeer&, const net::YamuxHeader&, std::string_view) {}
  // Bytes on a stream that the victim opened.
  virtual void on_victim_bytes(WirePeer&, std::string_view) {}
  // The victim names these CIDs in its wantlist.
  virtual void on_wants(WirePeer&, const std::vector<std::string>&) {}

  const Options& options() const { return *options_; }

 private:
  void on_victim_stream(WirePeer& peer, std::uint32_t stream);
  const Options* options_ = nullptr;
};

struct AttackEntry {
  std::string_view name;
  std::size_t connections;  // at once, unless the options say otherwise
  std::unique_ptr<Attack> (*make)();
};
template <class Kind, auto... arguments>
std::unique_ptr<Attack> make_attack() {
  return std::make_unique<Kind>(arguments...);
}
std::span<const AttackEntry> connection_attacks();
std::span<const AttackEntry> protocol_attacks();
std::span<const AttackEntry> rpc_attacks();

// A CID of raw bytes that nobody has.
std::string absent_cid(SeededRandom& random);

}  // namespace masu::attack
