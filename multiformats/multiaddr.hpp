// Multiaddr: a network address as a path of protocols, e.g. /ip4/1.2.3.4/tcp/4001/p2p/12D3Koo….
//
// MultiaddrView reads validated bytes that lie elsewhere (a peerstore packs many); Multiaddr owns its bytes,
// 62 of them in place (IP, port and peer id fit), more on the heap. Both are always valid as a whole, or
// empty. Limit: 512 bytes; a longer one is refused where it is read. Values, never shared; any thread. Spec:
// github.com/multiformats/multiaddr; protocols: multiformats/multiaddr_protocol.hpp.
#pragma once

#include "alloc/bytes.hpp"
#include "multiformats/ip_address.hpp"
#include "multiformats/multiaddr_protocol.hpp"
#include "multiformats/peer_id.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace masu {

enum class MultiaddrError : std::uint8_t {
  empty,             // nothing in it
  no_slash,          // text that does not begin with '/'
  unknown_protocol,  // a name or number that is not in the table
  missing_value,     // the text ends where a value must be
  bad_value,         // a value that its protocol does not allow
  too_short,         // the bytes end inside of it
  bad_varint,        // a number that is too long or not minimal
  after_path,        // a component after a path, which runs to the end
  too_long,          // more than multiaddr_bytes_max
};
std::string_view name_of(MultiaddrError);

// One protocol with its value; what it points to belongs to the address it came from.
struct AddressComponent {
  AddressProtocol protocol;
  Bytes value;  // without its length
  Bytes bytes;  // all of it

  std::string value_text() const { return masu::value_text(protocol, value); }
};

class MultiaddrView {
 public:
  class Iterator {
   public:
    using value_type = AddressComponent;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    Iterator() = default;
    explicit Iterator(Bytes rest) : rest_(rest) {}
    AddressComponent operator*() const;
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator old = *this;
      ++*this;
      return old;
    }
    // Of iterators over the same address.
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.rest_.size() == b.rest_.size(); }

   private:
    Bytes rest_;
  };

  // Empty.
  MultiaddrView() = default;
  static std::expected<MultiaddrView, MultiaddrError> decode(Bytes in);
  // Of bytes that decode() has accepted before, as a packed store keeps them; not looked at again.
  static MultiaddrView of_valid(Bytes bytes) { return MultiaddrView(bytes); }

  Bytes bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  Iterator begin() const { return Iterator(bytes_); }
  Iterator end() const { return Iterator(bytes_.last(0)); }
  std::string to_string() const;

  // The first component of that protocol.
  std::optional<AddressComponent> find(AddressProtocol protocol) const;
  bool has(AddressProtocol protocol) const { return find(protocol).has_value(); }
  // Whom it leads to: the last component, if that is a peer. (The relay of ".../p2p/R/p2p-circuit" is not.)
  std::optional<PeerId> peer_id() const;
  // All but that.
  MultiaddrView without_p2p() const;
  // Of the first component, an IPv6 zone set aside.
  std::optional<IpAddress> ip() const;
  std::optional<std::uint16_t> tcp_port() const { return port(AddressProtocol::tcp); }
  std::optional<std::uint16_t> udp_port() const { return port(AddressProtocol::udp); }
  // Begins with a name that must be looked up first.
  bool is_dns() const;
  bool is_relayed() const { return has(AddressProtocol::p2p_circuit); }
  // As IpAddress has them, of ip(). A name is private if it is under "localhost", and public unless it is
  // under a domain for special use ("local", "test", "home.arpa", …).
  bool is_loopback() const;
  bool is_private() const;
  bool is_public() const;

  friend bool operator==(const MultiaddrView& a, const MultiaddrView& b) { return equal(a.bytes_, b.bytes_); }
  friend std::strong_ordering operator<=>(const MultiaddrView& a, const MultiaddrView& b) {
    return as_text(a.bytes_) <=> as_text(b.bytes_);
  }

 private:
  friend class Multiaddr;
  explicit MultiaddrView(Bytes valid) : bytes_(valid) {}
  std::optional<std::uint16_t> port(AddressProtocol protocol) const;

  Bytes bytes_;
};

class Multiaddr {
 public:
  static constexpr std::size_t inline_bytes = 62;

  // Empty.
  Multiaddr() = default;
  explicit Multiaddr(const MultiaddrView& view) { assign(view.bytes()); }
  Multiaddr(const Multiaddr& other) { assign(other.bytes()); }
  Multiaddr& operator=(const Multiaddr& other);
  Multiaddr(Multiaddr&& other) noexcept;
  Multiaddr& operator=(Multiaddr&& other) noexcept;
  ~Multiaddr() = default;

  static std::expected<Multiaddr, MultiaddrError> parse(std::string_view text);
  static std::expected<Multiaddr, MultiaddrError> decode(Bytes in);
  // /ip4/…/tcp/… or /ip6/…/tcp/…
  static Multiaddr tcp(const IpAddress& ip, std::uint16_t port);

  // Valid until this is changed or gone.
  MultiaddrView view() const { return MultiaddrView(bytes()); }
  operator MultiaddrView() const { return view(); }
  Bytes bytes() const { return {heap_ ? heap_.get() : inline_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  MultiaddrView::Iterator begin() const { return view().begin(); }
  MultiaddrView::Iterator end() const { return view().end(); }

  // This address, then `inner`. The errors: too_long, after_path.
  std::expected<Multiaddr, MultiaddrError> encapsulate(const MultiaddrView& inner) const;
  // With /p2p/`peer` at the end, in place of a peer that is there.
  std::expected<Multiaddr, MultiaddrError> with_p2p(const PeerId& peer) const;
  Multiaddr without_p2p() const { return Multiaddr(view().without_p2p()); }

  // As MultiaddrView has them.
  std::string to_string() const { return view().to_string(); }
  std::optional<AddressComponent> find(AddressProtocol protocol) const { return view().find(protocol); }
  bool has(AddressProtocol protocol) const { return view().has(protocol); }
  std::optional<PeerId> peer_id() const { return view().peer_id(); }
  std::optional<IpAddress> ip() const { return view().ip(); }
  std::optional<std::uint16_t> tcp_port() const { return view().tcp_port(); }
  std::optional<std::uint16_t> udp_port() const { return view().udp_port(); }
  bool is_dns() const { return view().is_dns(); }
  bool is_relayed() const { return view().is_relayed(); }
  bool is_loopback() const { return view().is_loopback(); }
  bool is_private() const { return view().is_private(); }
  bool is_public() const { return view().is_public(); }

  friend bool operator==(const Multiaddr& a, const Multiaddr& b) { return equal(a.bytes(), b.bytes()); }
  friend std::strong_ordering operator<=>(const Multiaddr& a, const Multiaddr& b) {
    return as_text(a.bytes()) <=> as_text(b.bytes());
  }

 private:
  void assign(Bytes bytes);

  std::unique_ptr<std::uint8_t[]> heap_;  // when size_ > inline_bytes
  std::uint16_t size_ = 0;
  std::array<std::uint8_t, inline_bytes> inline_;  // only the first size_ bytes are initialised
};
static_assert(sizeof(void*) != 8 || sizeof(Multiaddr) == 72);

}  // namespace masu

template <>
struct std::hash<masu::Multiaddr> {
  std::size_t operator()(const masu::Multiaddr& address) const noexcept {
    return std::hash<std::string_view>()(masu::as_text(address.bytes()));
  }
};
