// Link, Transport: where raw bytes and the network meet. One implementation is TCP over Asio, one is the
// simulator's lossy links; everything above them (Connection, Swarm) is the same in both.
//
// A Link is owned by who dialled or accepted it (the swarm) and belongs to the loop thread. Reading is
// pulled by memory: the link waits until bytes are there, then asks its user for chunks to read into; no
// chunk, no read, and the peer is slowed by TCP itself. Writing: the link asks for bytes when the
// socket can take them, so that an idle connection holds no buffer either way.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "alloc/clock.hpp"
#include "multiformats/multiaddr.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace masu::net {

// What uses a link: the driver side of a Connection.
class LinkUser {
 public:
  // Bytes wait in the kernel: a chunk with space() to read into, or an empty one: then the link stops
  // reading until resume_reading().
  virtual Chunk chunk_for_reading() = 0;
  virtual void on_bytes(Chunk chunk) = 0;
  // The socket can take bytes: the next ones to send in order, empty when there are none (then the link
  // waits for want_write()). They stay valid until on_sent().
  virtual Bytes bytes_to_send() = 0;
  virtual void on_sent(std::size_t bytes) = 0;
  // The link is gone (closed by the peer, error); the last call. `why` is for people.
  virtual void on_link_closed(std::string_view why) = 0;

 protected:
  ~LinkUser() = default;
};

class Link {
 public:
  virtual ~Link() = default;  // Closes at once, without an upcall.
  virtual void start(LinkUser& user) = 0;
  virtual void want_write() = 0;
  virtual void resume_reading() = 0;
  virtual const Multiaddr& remote_address() const = 0;
  virtual const Multiaddr& local_address() const = 0;
};

// The outcome of a dial: a link, or what failed.
class LinkDialHandler {
 public:
  virtual void on_link(std::unique_ptr<Link> link) = 0;
  virtual void on_link_failed(std::string_view why) = 0;

 protected:
  ~LinkDialHandler() = default;
};

class LinkAcceptor {
 public:
  virtual void on_accepted(std::unique_ptr<Link> link) = 0;

 protected:
  ~LinkAcceptor() = default;
};

// A dial under way; destroying it gives the dial up without an upcall.
class LinkDial {
 public:
  virtual ~LinkDial() = default;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual bool can_dial(const Multiaddr& address) const = 0;
  virtual std::unique_ptr<LinkDial> dial(const Multiaddr& address, Duration timeout,
                                         LinkDialHandler& handler) = 0;
  // Returns the address really bound (port 0 resolved) or an error text.
  virtual std::expected<Multiaddr, std::string> listen(const Multiaddr& address, LinkAcceptor& acceptor) = 0;
  // Stops accepting for now (refused by a cap) and goes on.
  virtual void pause_accepting(bool paused) = 0;
};

}  // namespace masu::net
