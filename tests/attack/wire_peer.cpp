#include "tests/attack/wire_peer.hpp"

#include "net/multistream.hpp"
#include "net/upgrade.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::attack {
namespace {

PrivateKey key_from(SeededRandom& random) {
  std::array<std::uint8_t, PrivateKey::seed_bytes> seed;
  random.fill(seed);
  return PrivateKey::from_seed(seed);
}

net::NoiseIdentity noise_from(const PrivateKey& key, SeededRandom& random) {
  net::NoiseKey secret;
  random.fill(secret);
  return *net::NoiseIdentity::make(key, secret, net::muxer_protocol);
}

std::size_t be16(std::string_view at) {
  return static_cast<std::size_t>(static_cast<std::uint8_t>(at[0])) << 8 | static_cast<std::uint8_t>(at[1]);
}

}  // namespace

Identity::Identity(SeededRandom& random) : key(key_from(random)), noise(noise_from(key, random)) {}

std::string line(std::string_view text) {
  std::array<std::uint8_t, net::multistream_message_max_bytes> out;
  return std::string(as_text(Bytes(out).first(net::write_multistream_line(text, out))));
}

std::string lines_for(std::string_view protocol) { return line(net::multistream_header) + line(protocol); }

WirePeer::WirePeer(std::uint16_t port, std::uint32_t source, Speaks speaks,
                   std::shared_ptr<Identity> identity, SeededRandom& random, Totals& totals)
    : speaks_(speaks), identity_(std::move(identity)), random_(random), totals_(totals) {
  begin_dial(port, source);
}

WirePeer::~WirePeer() {
  if (socket_ >= 0) ::close(socket_);
}

void WirePeer::begin_dial(std::uint16_t port, std::uint32_t source) {
  ++totals_.dialled;
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) {
    closed_ = true;
    return;
  }
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7f000000u | (source & 0xffffffu));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)) {
    closed_ = true;
  }
}

short WirePeer::poll_events() const {
  if (!connected_) return POLLOUT;
  return static_cast<short>((reads ? POLLIN : 0) | (unsent() != 0 ? POLLOUT : 0));
}

void WirePeer::on_poll(short events, Listener& listener) {
  if (!connected_ && (events & (POLLOUT | POLLERR | POLLHUP)) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      closed_ = true;
      return;
    }
    connected_ = true;
    ++totals_.connected;
    if (speaks_ == Speaks::noise && shakes) send_raw(lines_for(net::noise_protocol));
    listener.on_connected(*this);
  }
  if (!connected_) return;
  if ((events & POLLIN) != 0) read_some();
  if ((events & (POLLERR | POLLHUP)) != 0 && (events & POLLIN) == 0) closed_ = true;
  if (speaks_ == Speaks::nothing) {
    listener.on_raw(*this, in_);
    in_.clear();
  } else {
    if (shakes && !secured_) shake();
    if (secured_ && !std::exchange(told_secured_, true)) listener.on_secured(*this);
    if (secured_) give_frames(listener);
  }
  if (!closed_) write_some();
}

void WirePeer::write_some() {
  while (unsent() != 0) {
    const ssize_t taken = ::send(socket_, out_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (taken < 0) {
      if (errno != EAGAIN && errno != EINTR) closed_ = true;
      break;
    }
    sent_ += static_cast<std::size_t>(taken);
    totals_.bytes_sent += static_cast<std::uint64_t>(taken);
  }
  if (sent_ == out_.size() || sent_ > std::size_t{1} << 20) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
}

void WirePeer::read_some() {
  std::array<char, 32 * 1024> buffer;
  for (int turn = 0; turn < 4; ++turn) {
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got > 0) {
      in_.append(buffer.data(), static_cast<std::size_t>(got));
      totals_.bytes_received += static_cast<std::uint64_t>(got);
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      closed_ = true;
      ++totals_.closed_by_victim;
    }
    return;
  }
}

void WirePeer::shake() {
  if (!noise_) {
    net::NoiseKey secret;
    random_.fill(secret);
    noise_.emplace(net::NoiseSide::initiator, identity_->noise, net::NoiseKeyPair(secret), std::nullopt,
                   net::muxer_protocol);
  }
  if (!lines_done_) {
    const std::string expected = lines_for(net::noise_protocol);
    if (!in_.starts_with(expected)) return;
    in_.erase(0, expected.size());
    lines_done_ = true;
  }
  while (!noise_->complete()) {
    if (noise_->my_turn()) {
      std::vector<std::uint8_t> message(2 + noise_->message_max_bytes());
      const auto length = noise_->write_message(aead_, MutableBytes(message).subspan(2));
      if (!length) return close();
      message[0] = static_cast<std::uint8_t>(*length >> 8);
      message[1] = static_cast<std::uint8_t>(*length);
      send_raw(as_text(Bytes(message).first(2 + *length)));
    } else {
      if (in_.size() < 2 || in_.size() < 2 + be16(in_)) return;
      const std::size_t length = be16(in_);
      std::vector<std::uint8_t> message(in_.begin() + 2,
                                        in_.begin() + 2 + static_cast<std::ptrdiff_t>(length));
      in_.erase(0, 2 + length);
      if (!noise_->read_message(aead_, message)) return close();
    }
  }
  const auto keys = noise_->split();
  seal_key_ = keys.send;
  open_key_ = keys.receive;
  secured_ = true;
  ++totals_.secured;
}

void WirePeer::open_frames() {
  std::size_t at = 0;
  while (in_.size() - at >= 2) {
    const std::size_t length = be16(std::string_view(in_).substr(at));
    if (in_.size() - at < 2 + length || length < net::aead_tag_bytes) break;
    const MutableBytes frame(reinterpret_cast<std::uint8_t*>(in_.data()) + at + 2, length);
    const MutableBytes text = frame.first(length - net::aead_tag_bytes);
    if (!aead_.begin_open(open_key_) || !aead_.update(text) ||
        !aead_.finish_open(frame.last<net::aead_tag_bytes>())) {
      return close();
    }
    plain_ += as_text(text);
    at += 2 + length;
  }
  in_.erase(0, at);
}

void WirePeer::give_frames(Listener& listener) {
  open_frames();
  std::size_t at = 0;
  while (plain_.size() - at >= net::yamux_header_bytes) {
    const std::string_view rest = std::string_view(plain_).substr(at);
    const auto header = net::decode_yamux_header(as_bytes(rest).first<net::yamux_header_bytes>());
    const std::size_t body = header.type == net::YamuxType::data ? header.length : 0;
    if (rest.size() < net::yamux_header_bytes + body) break;
    at += net::yamux_header_bytes + body;
    if ((header.flags & net::yamux_rst) != 0) ++totals_.streams_reset;
    listener.on_frame(*this, header, rest.substr(net::yamux_header_bytes, body));
  }
  plain_.erase(0, at);
}

void WirePeer::send_raw(std::string_view bytes) { out_ += bytes; }

void WirePeer::send(std::string_view plaintext) {
  while (!plaintext.empty()) {
    const std::string_view part = plaintext.substr(0, 60000);
    plaintext.remove_prefix(part.size());
    std::vector<std::uint8_t> frame(2 + part.size() + net::aead_tag_bytes);
    const std::size_t length = part.size() + net::aead_tag_bytes;
    frame[0] = static_cast<std::uint8_t>(length >> 8);
    frame[1] = static_cast<std::uint8_t>(length);
    std::copy(part.begin(), part.end(), frame.begin() + 2);
    const MutableBytes all(frame);
    (void)(aead_.begin_seal(seal_key_) && aead_.update(all.subspan(2, part.size())) &&
           aead_.finish_seal(all.last<net::aead_tag_bytes>()));
    out_ += as_text(Bytes(frame));
  }
}

void WirePeer::send_frame(net::YamuxType type, std::uint16_t flags, std::uint32_t stream,
                          std::uint32_t length, std::string_view body) {
  ++totals_.frames_sent;
  const auto header = net::encode_yamux_header({0, type, flags, stream, length});
  send(std::string(as_text(Bytes(header))) + std::string(body));
}

void WirePeer::send_data(std::uint32_t stream, std::string_view body, std::uint16_t flags) {
  send_frame(net::YamuxType::data, flags, stream, static_cast<std::uint32_t>(body.size()), body);
}

std::uint32_t WirePeer::open(std::string_view protocol, std::string_view payload) {
  const std::uint32_t stream = next_stream();
  send_data(stream, lines_for(protocol) + std::string(payload), net::yamux_syn);
  return stream;
}

}  // namespace masu::attack
