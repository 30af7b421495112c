#include "store/pin_set.hpp"

#include "multiformats/fixed_bytes.hpp"

#include <array>

namespace masu::store {
namespace {

constexpr std::uint8_t format = 0;
constexpr std::size_t prefix_bytes = 2;
using Key = FixedBytes<prefix_bytes + Cid::bytes_max>;
static_assert(Key::bytes_max <= record_key_bytes_max);

Key key_of(PinMode mode, Bytes cid) {
  Key key;
  key.push_back(record_table::pin);
  key.push_back(static_cast<std::uint8_t>(mode));
  key.append(cid);
  return key;
}

StoreResult<std::string> name_in(Bytes value) {
  if (value.empty() || value[0] != format || value.size() > 1 + pin_name_bytes_max) {
    return fail(StoreErrorCode::corrupt, "a pin's record is not what this version writes");
  }
  return std::string(as_text(value.subspan(1)));
}

}  // namespace

std::string_view name_of(PinMode mode) { return mode == PinMode::recursive ? "recursive" : "direct"; }

StoreResult<void> PinSet::check_name(std::string_view name) {
  if (name.size() <= pin_name_bytes_max) return {};
  return fail(StoreErrorCode::refused, "pin name is " + std::to_string(name.size()) + " bytes (max " +
                                           std::to_string(pin_name_bytes_max) + " bytes)");
}

StoreResult<std::optional<Pin>> PinSet::find(const Cid& cid, PinMode mode) {
  auto value = records_.get(key_of(mode, cid.bytes()));
  if (!value) return std::unexpected(std::move(value.error()));
  if (!*value) return std::nullopt;
  auto name = name_in(as_bytes(**value));
  if (!name) return std::unexpected(std::move(name.error()));
  return Pin{cid, mode, std::move(*name)};
}

StoreResult<std::optional<Pin>> PinSet::find(const Cid& cid) {
  auto recursive = find(cid, PinMode::recursive);
  if (!recursive || *recursive) return recursive;
  return find(cid, PinMode::direct);
}

StoreResult<void> PinSet::pin(const Cid& cid, PinMode mode, std::string_view name) {
  if (auto checked = check_name(name); !checked) return checked;
  const std::lock_guard guard(changing_);
  auto there = find(cid);
  if (!there) return std::unexpected(std::move(there.error()));
  if (*there && (*there)->mode == PinMode::recursive && mode == PinMode::direct) {
    return fail(StoreErrorCode::refused, cid.to_string() + " already pinned recursively");
  }
  FixedBytes<1 + pin_name_bytes_max> value;
  value.push_back(format);
  value.append(as_bytes(name));
  const Key key = key_of(mode, cid.bytes()), other = key_of(PinMode::direct, cid.bytes());
  const std::array<RecordChange, 2> changes = {{{key, Bytes(value)}, {other, std::nullopt}}};
  const bool replaces = *there && (*there)->mode != mode;
  return records_.write(std::span(changes).first(replaces ? 2 : 1));
}

StoreResult<void> PinSet::unpin(const Cid& cid, bool recursive) {
  const std::lock_guard guard(changing_);
  const auto there = find(cid);
  if (!there) return std::unexpected(there.error());
  if (!*there) return fail(StoreErrorCode::refused, "not pinned or pinned indirectly");
  if ((*there)->mode == PinMode::recursive && !recursive) {
    return fail(StoreErrorCode::refused, cid.to_string() + " is pinned recursively");
  }
  return records_.remove(key_of((*there)->mode, cid.bytes()));
}

StoreResult<void> PinSet::list(PinMode mode, const Cid* after, Page& page) {
  page.clear();
  const Key prefix = key_of(mode, {});
  const Key last = after != nullptr ? key_of(mode, after->bytes()) : Key();
  auto cursor = records_.open_cursor(prefix, last);
  if (!cursor) return std::unexpected(std::move(cursor.error()));
  page.reserve(page_pins);
  while (page.size() < page_pins) {
    const auto more = (*cursor)->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const auto cid = Cid::decode((*cursor)->key().subspan(prefix_bytes));
    if (!cid) return fail(StoreErrorCode::corrupt, "a pin's key is no CID");
    auto name = name_in((*cursor)->value());
    if (!name) return std::unexpected(std::move(name.error()));
    page.push_back({*cid, mode, std::move(*name)});
  }
  return {};
}

}  // namespace masu::store
