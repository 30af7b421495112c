// Link, Transport: where raw bytes and the network meet. One implementation is TCP over Asio, one is the
// simulator's lossy links; everything above them (Connection, Swarm) is the same in both.
//
// A Link is owned by who dialled or accepted it (the swarm) and belongs to the loop thread. Reading is
// pulled by memory: the link waits until bytes are there, then asks its user for chunks to read into; no
// chunk, no read, and the peer is slowed by TCP itself. Writing: the link asks for bytes when the
// socket can take them, so that an idle connection holds no buffer either way.
//
// Upcalls come from the loop, never from inside of a call on the link or the transport. In an upcall anything
// may be done, also destroying the link.
#pragma once

#include "alloc/chunk_pool.hpp"
#include "alloc/clock.hpp"
#include "multiformats/multiaddr.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace masu::net {

// What uses a link: the driver side of a Connection.
class LinkUser {
 public:
  // Bytes wait in the kernel: a chunk with space() to read into, or an empty one: then the link stops
  // reading until resume_reading().
  virtual Chunk chunk_for_reading() = 0;
  // Further ones, for what fills the first: puts them into `chunks` from the front, and says how many.
  virtual std::size_t chunks_behind(std::span<Chunk> chunks) = 0;
  // Each chunk comes back, in order, also when nothing was read into it.
  virtual void on_bytes(Chunk chunk) = 0;
  // The socket can take bytes: the next ones to send in order, empty when there are none (then the link
  // waits for want_write()). They stay valid until on_sent().
  virtual Bytes bytes_to_send() = 0;
  // What follows them and is ready too: fills `pieces` from the front, and says how many it used.
  virtual std::size_t bytes_behind(std::span<Bytes> pieces) const = 0;
  virtual void on_sent(std::size_t bytes) = 0;
  // The link is gone (closed by the peer, error); the last call. `why` is for people, valid inside the call.
  virtual void on_link_closed(std::string_view why) = 0;

 protected:
  ~LinkUser() = default;
};

class Link {
 public:
  // Closes at once, without an upcall. The transport keeps the memory until the kernel's last answer is back.
  virtual void destroy() noexcept = 0;
  // Begins reading. Called once.
  virtual void start(LinkUser& user) = 0;
  // bytes_to_send() will be called soon.
  virtual void want_write() = 0;
  virtual void resume_reading() = 0;
  virtual const Multiaddr& remote_address() const = 0;
  virtual const Multiaddr& local_address() const = 0;
  // A busy link may have larger buffers in the kernel; the transport has them for a few links. False: not for
  // this one now.
  virtual bool set_busy(bool busy) = 0;
  // Much is about to come: busy before it does, and with the largest buffer if it is free, as what a small
  // one has no room for is lost and sent again after a timeout. But half of the places stay for links that
  // move bytes.
  virtual bool expect_bytes() = 0;
  // What waits outside of this process: received and not read, sent and not taken, with what the kernel adds.
  // Asks the kernel each time.
  virtual std::size_t parked_bytes() = 0;

 protected:
  ~Link() = default;
};

// A dial under way; destroying it gives the dial up without an upcall.
class LinkDial {
 public:
  virtual void destroy() noexcept = 0;

 protected:
  ~LinkDial() = default;
};

struct DestroyLink {
  template <class T>
  void operator()(T* object) const noexcept {
    object->destroy();
  }
};
using LinkHandle = std::unique_ptr<Link, DestroyLink>;
using LinkDialHandle = std::unique_ptr<LinkDial, DestroyLink>;

// The outcome of a dial: a link, or what failed. Then the LinkDial is of no more use.
class LinkDialHandler {
 public:
  virtual void on_link(LinkHandle link) = 0;
  virtual void on_link_failed(std::string_view why) = 0;

 protected:
  ~LinkDialHandler() = default;
};

class LinkAcceptor {
 public:
  virtual void on_accepted(LinkHandle link) = 0;

 protected:
  ~LinkAcceptor() = default;
};

class Transport {
 public:
  virtual ~Transport() = default;  // Requires: closed().

  // `address` is without /p2p, as everywhere here.
  virtual bool can_dial(const MultiaddrView& address) const = 0;
  // Null: too many links and dials are there. Requires: can_dial().
  virtual LinkDialHandle dial(const MultiaddrView& address, Duration timeout, LinkDialHandler& handler) = 0;
  virtual bool can_listen(const MultiaddrView& address) const = 0;
  // Returns the address really bound (port 0 resolved) or an error text.
  virtual std::expected<Multiaddr, std::string> listen(const MultiaddrView& address,
                                                       LinkAcceptor& acceptor) = 0;
  // Where others may reach what listens at `bound`: itself, or for an unspecified IP one address for each of
  // this machine's.
  virtual std::vector<Multiaddr> reachable_at(const Multiaddr& bound) const = 0;
  // Stops accepting for now (refused by a cap) and goes on.
  virtual void pause_accepting(bool paused) = 0;
  // Ends listening. What was handed out is destroyed by its owners; closed() when all of its memory is back.
  virtual void close() = 0;
  virtual bool closed() const = 0;
};

}  // namespace masu::net
