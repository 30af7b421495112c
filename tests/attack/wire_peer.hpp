// WirePeer: one connection of an attacker over loopback TCP. It connects from an address of its choice,
// shakes hands properly (or with the identity it is given), and then sends whatever its attack wants: sealed
// frames, unsealed bytes, or nothing. It keeps none of the rules that masu's own Connection keeps, and has no
// limits but one: what it has received and not looked at.
//
// Owned by the program's loop (hostile.cpp), which polls its socket; one thread.
#pragma once

#include "multiformats/key.hpp"
#include "net/muxer/yamux_frame.hpp"
#include "net/security/aead.hpp"
#include "net/security/noise_handshake.hpp"
#include "tests/seeded_random.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace masu::attack {

// Who an attacker says that it is.
struct Identity {
  explicit Identity(SeededRandom& random);
  PrivateKey key;
  net::NoiseIdentity noise;
};

struct Totals {
  std::uint64_t dialled = 0, connected = 0, secured = 0, closed_by_victim = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0, frames_sent = 0;
  std::uint64_t streams_reset = 0;
  std::map<std::string, std::uint64_t> counted;  // what an attack counts itself
};

class WirePeer {
 public:
  // What an attack is told of its connections.
  class Listener {
   public:
    virtual void on_connected(WirePeer&) {}
    virtual void on_secured(WirePeer&) {}
    virtual void on_frame(WirePeer&, const net::YamuxHeader&, std::string_view body) = 0;
    virtual void on_raw(WirePeer&, std::string_view) {}

   protected:
    ~Listener() = default;
  };

  enum class Speaks : std::uint8_t {
    nothing,  // bytes as they are: on_raw() and send_raw()
    noise,    // a handshake as soon as it is connected, then frames
  };

  WirePeer(std::uint16_t port, std::uint32_t source, Speaks speaks, std::shared_ptr<Identity> identity,
           SeededRandom& random, Totals& totals);
  ~WirePeer();
  WirePeer(const WirePeer&) = delete;
  WirePeer& operator=(const WirePeer&) = delete;

  int socket() const { return socket_; }
  short poll_events() const;
  void on_poll(short events, Listener& listener);

  bool connected() const { return connected_; }
  bool secured() const { return secured_; }
  bool closed() const { return closed_; }
  // There is nothing left to wait for before it does what it is here for.
  bool ready() const { return secured_ || (connected_ && (speaks_ == Speaks::nothing || !shakes)); }
  std::size_t unsent() const { return out_.size() - sent_; }
  void close() { closed_ = true; }

  void send_raw(std::string_view bytes);
  // Sealed: one Noise frame for each 60,000 bytes.
  void send(std::string_view plaintext);
  void send_frame(net::YamuxType type, std::uint16_t flags, std::uint32_t stream, std::uint32_t length,
                  std::string_view body = {});
  void send_data(std::uint32_t stream, std::string_view body, std::uint16_t flags = 0);
  // A new stream: header, proposal and payload at once. Returns its id.
  std::uint32_t open(std::string_view protocol, std::string_view payload = {});
  std::uint32_t next_stream() { return std::exchange(next_stream_, next_stream_ + 2); }

  Identity& identity() { return *identity_; }
  SeededRandom& random() { return random_; }
  Totals& totals() { return totals_; }

  bool reads = true;                             // takes what the victim sends
  bool shakes = true;                            // begins the handshake when it is connected
  std::uint64_t steps = 0;                       // the attack's own
  std::map<std::uint32_t, std::string> inbound;  // of streams the victim opened: what came, until it is used
  std::map<std::uint32_t, std::uint32_t> owed_window;

 private:
  void begin_dial(std::uint16_t port, std::uint32_t source);
  void write_some();
  void read_some();
  void shake();
  void open_frames();
  void give_frames(Listener& listener);

  const Speaks speaks_;
  std::shared_ptr<Identity> identity_;
  SeededRandom& random_;
  Totals& totals_;
  int socket_ = -1;
  bool connected_ = false;
  bool secured_ = false;
  bool told_secured_ = false;
  bool closed_ = false;
  bool lines_done_ = false;
  std::uint32_t next_stream_ = 1;
  net::AeadContext aead_;
  std::optional<net::NoiseHandshake> noise_;
  net::CipherState seal_key_, open_key_;
  std::string out_, in_, plain_;
  std::size_t sent_ = 0;
};

// A multistream line with its length.
std::string line(std::string_view text);
std::string lines_for(std::string_view protocol);

}  // namespace masu::attack
