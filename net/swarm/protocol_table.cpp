#include "net/swarm/protocol_table.hpp"

#include "alloc/check.hpp"

namespace masu::net {

void ProtocolTable::serve(std::string_view name, ProtocolHandler& handler, const ProtocolLimits& limits) {
  const auto index = find(name);
  Entry* entry = index ? &entries_[*index] : add(name);
  MASU_CHECK(entry != nullptr && entry->handler == nullptr, "a node serves few protocols, and each once");
  entry->handler = &handler;
  entry->limits = limits;
}

void ProtocolTable::speak(std::string_view name) {
  if (!find(name)) add(name);
}

std::optional<std::size_t> ProtocolTable::find(std::string_view name) const {
  for (std::size_t at = 0; at < count_; ++at) {
    const std::string_view known = entries_[at].name;
    if (known.size() == name.size() && (known.data() == name.data() || known == name)) return at;
  }
  return std::nullopt;
}

ProtocolTable::Entry* ProtocolTable::add(std::string_view name) {
  if (count_ == entries_max) return nullptr;
  Entry& entry = entries_[count_++];
  entry.name = name;
  return &entry;
}

}  // namespace masu::net
