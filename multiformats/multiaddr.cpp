#include "multiformats/multiaddr.hpp"

#include "alloc/check.hpp"
#include "multiformats/varint.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace masu {
namespace {

MultiaddrError from_varint(VarintError error) {
  return error == VarintError::need_more ? MultiaddrError::too_short : MultiaddrError::bad_varint;
}

struct Component {
  const AddressProtocolInfo* protocol;
  Bytes value;
};

// Takes one from the front of `in`; the value is not looked at.
std::expected<Component, MultiaddrError> take_component(Bytes& in) {
  const auto code = take_varint(in);
  if (!code) return std::unexpected(from_varint(code.error()));
  const AddressProtocolInfo* protocol = find_protocol(*code);
  if (protocol == nullptr) return std::unexpected(MultiaddrError::unknown_protocol);
  std::uint64_t size = 0;
  if (protocol->value_bytes == AddressProtocolInfo::length_prefixed) {
    const auto length = take_varint(in);
    if (!length) return std::unexpected(from_varint(length.error()));
    size = *length;
  } else {
    size = static_cast<std::uint64_t>(protocol->value_bytes);
  }
  if (size > in.size()) return std::unexpected(MultiaddrError::too_short);
  const Bytes value = in.first(size);
  in = in.subspan(size);
  return Component{protocol, value};
}

bool ends_with_path(const MultiaddrView& address) { return address.has(AddressProtocol::unix_path); }

// False: no room.
[[nodiscard]] bool append_component(AddressBytes& out, const AddressProtocolInfo& protocol, Bytes value) {
  const bool prefixed = protocol.value_bytes == AddressProtocolInfo::length_prefixed;
  const auto code = static_cast<std::uint64_t>(protocol.code);
  const std::size_t header = varint_size(code) + (prefixed ? varint_size(value.size()) : 0);
  if (header + value.size() > out.bytes_max - out.size()) return false;
  const auto put = [&out](std::uint64_t number) {
    out.resize(out.size() + put_varint(number, out.room().subspan(out.size())));
  };
  put(code);
  if (prefixed) put(value.size());
  out.append(value);
  return true;
}

// Takes up to the next '/' and that.
std::string_view take_segment(std::string_view& text) {
  const std::size_t slash = text.find('/');
  const std::string_view segment = text.substr(0, slash);
  text = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
  return segment;
}

bool is_under(std::string_view name, std::string_view domain) {
  return name == domain || (name.size() > domain.size() && name.ends_with(domain) &&
                            name[name.size() - domain.size() - 1] == '.');
}

constexpr std::string_view localhost_domain = "localhost";
// Names that never lead to a public host (RFC 6761, RFC 8375, mDNS, reverse look-ups).
constexpr std::array<std::string_view, 7> special_domains{
    "in-addr.arpa", "ip6.arpa", "invalid", "home.arpa", "local", "test", localhost_domain};

}  // namespace

std::string_view name_of(MultiaddrError error) {
  switch (error) {
    case MultiaddrError::empty: return "empty multiaddr";
    case MultiaddrError::no_slash: return "must begin with /";
    case MultiaddrError::unknown_protocol: return "unknown protocol";
    case MultiaddrError::missing_value: return "unexpected end of multiaddr";
    case MultiaddrError::bad_value: return "invalid value for its protocol";
    case MultiaddrError::too_short: return "multiaddr is cut off";
    case MultiaddrError::bad_varint: return "multiaddr has a malformed varint";
    case MultiaddrError::after_path: return "unexpected component after path component";
    case MultiaddrError::too_long: return "multiaddr is longer than 512 bytes";
  }
  return "";
}

AddressComponent MultiaddrView::Iterator::operator*() const {
  Bytes rest = rest_;
  const auto component = take_component(rest);
  MASU_CHECK(component.has_value(), "a multiaddr that was not validated");
  return {component->protocol->code, component->value, rest_.first(rest_.size() - rest.size())};
}

MultiaddrView::Iterator& MultiaddrView::Iterator::operator++() {
  MASU_CHECK(take_component(rest_).has_value(), "a multiaddr that was not validated");
  return *this;
}

std::expected<MultiaddrView, MultiaddrError> MultiaddrView::decode(Bytes in) {
  if (in.empty()) return std::unexpected(MultiaddrError::empty);
  if (in.size() > multiaddr_bytes_max) return std::unexpected(MultiaddrError::too_long);
  bool path = false;
  for (Bytes rest = in; !rest.empty();) {
    const auto component = take_component(rest);
    if (!component) return std::unexpected(component.error());
    if (path) return std::unexpected(MultiaddrError::after_path);
    if (!value_valid(*component->protocol, component->value))
      return std::unexpected(MultiaddrError::bad_value);
    path = component->protocol->value == AddressValue::path;
  }
  return MultiaddrView(in);
}

std::string MultiaddrView::to_string() const {
  std::string text;
  for (const AddressComponent component : *this) {
    text += '/';
    text += find_protocol(static_cast<std::uint64_t>(component.protocol))->name;
    if (component.value.empty()) continue;
    const std::string value = component.value_text();
    // A path brings its slash.
    if (component.protocol != AddressProtocol::unix_path) text += '/';
    text += value;
  }
  return text;
}

std::optional<AddressComponent> MultiaddrView::find(AddressProtocol protocol) const {
  for (const AddressComponent component : *this) {
    if (component.protocol == protocol) return component;
  }
  return std::nullopt;
}

std::optional<PeerId> MultiaddrView::peer_id() const {
  const MultiaddrView before = without_p2p();
  if (before.bytes_.size() == bytes_.size()) return std::nullopt;
  const AddressComponent last = *Iterator(bytes_.subspan(before.bytes_.size()));
  return *PeerId::decode(last.value);
}

MultiaddrView MultiaddrView::without_p2p() const {
  std::size_t last_bytes = 0;
  for (const AddressComponent component : *this) {
    last_bytes = component.protocol == AddressProtocol::p2p ? component.bytes.size() : 0;
  }
  return MultiaddrView(bytes_.first(bytes_.size() - last_bytes));
}

std::optional<IpAddress> MultiaddrView::ip() const {
  for (const AddressComponent component : *this) {
    if (component.protocol == AddressProtocol::ip6zone) continue;
    if (component.protocol != AddressProtocol::ip4 && component.protocol != AddressProtocol::ip6) break;
    return IpAddress::from_bytes(component.value);
  }
  return std::nullopt;
}

std::optional<std::uint16_t> MultiaddrView::port(AddressProtocol protocol) const {
  const auto component = find(protocol);
  if (!component) return std::nullopt;
  return static_cast<std::uint16_t>(component->value[0] << 8 | component->value[1]);
}

bool MultiaddrView::is_dns() const {
  if (empty()) return false;
  switch ((*begin()).protocol) {
    case AddressProtocol::dns:
    case AddressProtocol::dns4:
    case AddressProtocol::dns6:
    case AddressProtocol::dnsaddr: return true;
    default: return false;
  }
}

bool MultiaddrView::is_loopback() const {
  const auto address = ip();
  return address && address->is_loopback();
}

bool MultiaddrView::is_private() const {
  if (is_dns()) return is_under(as_text((*begin()).value), localhost_domain);
  const auto address = ip();
  return address && address->is_private();
}

bool MultiaddrView::is_public() const {
  if (is_dns()) {
    const std::string_view name = as_text((*begin()).value);
    return std::none_of(special_domains.begin(), special_domains.end(),
                        [name](std::string_view domain) { return is_under(name, domain); });
  }
  const auto address = ip();
  return address && address->is_public();
}

Multiaddr& Multiaddr::operator=(const Multiaddr& other) {
  if (this != &other) assign(other.bytes());
  return *this;
}

Multiaddr::Multiaddr(Multiaddr&& other) noexcept : heap_(std::move(other.heap_)), size_(other.size_) {
  if (!heap_ && size_ > 0) std::memcpy(inline_.data(), other.inline_.data(), size_);
  other.size_ = 0;
}

Multiaddr& Multiaddr::operator=(Multiaddr&& other) noexcept {
  if (this == &other) return *this;
  heap_ = std::move(other.heap_);
  size_ = std::exchange(other.size_, std::uint16_t{0});
  if (!heap_ && size_ > 0) std::memcpy(inline_.data(), other.inline_.data(), size_);
  return *this;
}

void Multiaddr::assign(Bytes bytes) {
  // `bytes` may be a part of this.
  std::unique_ptr<std::uint8_t[]> heap;
  if (bytes.size() > inline_bytes) heap = std::make_unique_for_overwrite<std::uint8_t[]>(bytes.size());
  if (!bytes.empty()) std::memmove(heap ? heap.get() : inline_.data(), bytes.data(), bytes.size());
  heap_ = std::move(heap);
  size_ = static_cast<std::uint16_t>(bytes.size());
}

std::expected<Multiaddr, MultiaddrError> Multiaddr::parse(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  if (text.empty()) return std::unexpected(MultiaddrError::empty);
  if (!text.starts_with('/')) return std::unexpected(MultiaddrError::no_slash);
  text.remove_prefix(1);
  AddressBytes out;
  while (!text.empty()) {
    const AddressProtocolInfo* protocol = find_protocol(take_segment(text));
    if (protocol == nullptr) return std::unexpected(MultiaddrError::unknown_protocol);
    AddressBytes value;
    if (protocol->value != AddressValue::none) {
      if (text.empty()) return std::unexpected(MultiaddrError::missing_value);
      std::optional<AddressBytes> parsed;
      if (protocol->value == AddressValue::path) {
        // With the slash in front, which has been taken.
        parsed = parse_value(*protocol, std::string_view(text.data() - 1, text.size() + 1));
        text = {};
      } else {
        parsed = parse_value(*protocol, take_segment(text));
      }
      if (!parsed) return std::unexpected(MultiaddrError::bad_value);
      value = *parsed;
    }
    if (!append_component(out, *protocol, value)) return std::unexpected(MultiaddrError::too_long);
  }
  return Multiaddr(MultiaddrView(out));
}

std::expected<Multiaddr, MultiaddrError> Multiaddr::decode(Bytes in) {
  const auto view = MultiaddrView::decode(in);
  if (!view) return std::unexpected(view.error());
  return Multiaddr(*view);
}

Multiaddr Multiaddr::tcp(const IpAddress& ip, std::uint16_t port) {
  AddressBytes out;
  const auto family = ip.is_v4() ? AddressProtocol::ip4 : AddressProtocol::ip6;
  const std::array<std::uint8_t, 2> port_bytes{static_cast<std::uint8_t>(port >> 8),
                                               static_cast<std::uint8_t>(port)};
  const bool fits =
      append_component(out, *find_protocol(static_cast<std::uint64_t>(family)), ip.bytes()) &&
      append_component(out, *find_protocol(static_cast<std::uint64_t>(AddressProtocol::tcp)), port_bytes);
  MASU_CHECK(fits, "an address of an IP and a port does not fit");
  return Multiaddr(MultiaddrView(out));
}

std::expected<Multiaddr, MultiaddrError> Multiaddr::encapsulate(const MultiaddrView& inner) const {
  if (inner.empty()) return *this;
  if (ends_with_path(view())) return std::unexpected(MultiaddrError::after_path);
  if (size_ + inner.bytes().size() > multiaddr_bytes_max) return std::unexpected(MultiaddrError::too_long);
  AddressBytes out(bytes());
  out.append(inner.bytes());
  return Multiaddr(MultiaddrView(out));
}

std::expected<Multiaddr, MultiaddrError> Multiaddr::with_p2p(const PeerId& peer) const {
  if (peer.empty()) return std::unexpected(MultiaddrError::bad_value);
  const MultiaddrView before = view().without_p2p();
  if (ends_with_path(before)) return std::unexpected(MultiaddrError::after_path);
  AddressBytes out(before.bytes());
  const AddressProtocolInfo& protocol = *find_protocol(static_cast<std::uint64_t>(AddressProtocol::p2p));
  if (!append_component(out, protocol, peer.bytes())) return std::unexpected(MultiaddrError::too_long);
  return Multiaddr(MultiaddrView(out));
}

}  // namespace masu
