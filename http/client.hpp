// Client: one HTTP request over a plain socket, for the command line. Blocking, without a thread.
//
// The answer is read while the body is sent, so progress shows during an upload and an early refusal ends it.
// Both directions have one buffer of fixed size; what is received goes to a sink at once. Not for untrusted
// servers at scale, but safe against them: heads, framing and trailers have limits.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/multiaddr.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace masu::http {

enum class ClientErrorCode : std::uint8_t {
  refused,      // nobody listens there
  unreachable,  // any other failure to connect; an address that is none of ours
  broken,       // the connection ended inside of the answer
  malformed,    // not HTTP
  body,         // the source of the body failed
  sink,         // the sink said stop
};

struct ClientError {
  ClientErrorCode code;
  std::string detail;  // for people
};

struct Header {
  std::string name;
  std::string value;
};

// What is sent next: first `bytes`, then `file_bytes` bytes of `file` from where it stands, by sendfile.
struct BodyPiece {
  Bytes bytes;
  int file = -1;
  std::uint64_t file_bytes = 0;

  bool empty() const { return bytes.empty() && file_bytes == 0; }
};

class BodySource {
 public:
  // The next piece, an empty one at the end. Its bytes stay valid until the next call. The error ends the
  // request and is ClientError::detail.
  virtual std::expected<BodyPiece, std::string> next() = 0;
  // A descriptor to wait for before next() is called, so that the answer is read meanwhile; -1: it does not
  // block for long.
  virtual int wait_for() const { return -1; }

 protected:
  ~BodySource() = default;
};

struct ResponseHead {
  unsigned status = 0;
  std::vector<Header> headers;

  // The first of that name, in any case; empty when there is none.
  std::string_view header(std::string_view name) const;
};

class ResponseSink {
 public:
  // False ends the request (ClientErrorCode::sink).
  virtual bool on_head(const ResponseHead& head) = 0;
  virtual bool on_body(Bytes bytes) = 0;
  virtual bool on_trailer(std::string_view name, std::string_view value) = 0;

 protected:
  ~ResponseSink() = default;
};

struct ClientRequest {
  std::string method = "POST";
  std::string target;  // "/api/v0/cat?arg=…"
  std::vector<Header> headers;
  BodySource* body = nullptr;  // sent in chunks; null: none
};

class Client {
 public:
  // To /ip4|ip6/…/tcp/…, /unix/…, or dns names of this machine (/dns/localhost/tcp/…). Names are not looked
  // up.
  static std::expected<Client, ClientError> connect(const MultiaddrView& address);
  // Over a connected socket (one end of a socketpair), which it owns.
  explicit Client(int fd) : fd_(fd) {}
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), host_(std::move(other.host_)), open_(other.open_) {}
  Client& operator=(Client&& other) noexcept;
  ~Client();

  // Sends the request and gives the answer to the sink, until its end. With an answer that ended before all
  // of the body was sent, the rest is not sent. May be called again while reusable().
  std::expected<void, ClientError> exchange(const ClientRequest& request, ResponseSink& sink);
  // The connection can take one request more.
  bool reusable() const { return open_; }
  int fd() const { return fd_; }

 private:
  class Exchange;
  int fd_ = -1;
  std::string host_ = "localhost";
  bool open_ = true;
};

}  // namespace masu::http
