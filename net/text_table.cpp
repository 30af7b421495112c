#include "net/text_table.hpp"

#include "alloc/check.hpp"

namespace masu::net {

void TextRef::reset() {
  if (entry_ == nullptr) return;
  Entry* entry = std::exchange(entry_, nullptr);
  if (--entry->refs > 0) return;
  TextTable& table = entry->table;
  table.index_.remove(*entry);
  table.entries_.destroy(entry);
}

TextTable::TextTable(Account& account, AccountResource& memory, const HashSecret& secret,
                     std::size_t texts_max)
    : index_(memory, secret, texts_max), entries_(account, texts_max) {
  static_assert(sizeof(TextRef::Entry) <= text_entry_bytes);
}

TextTable::~TextTable() { MASU_CHECK(entries_.used() == 0, "texts are let go before their table"); }

TextRef TextTable::find(std::string_view text) {
  TextRef::Entry* entry = index_.find(as_bytes(text));
  if (entry != nullptr) ++entry->refs;
  return TextRef(entry);
}

TextRef TextTable::intern(std::string_view text) {
  if (text.empty() || text.size() > text_bytes_max) return TextRef();
  if (TextRef known = find(text)) return known;
  TextRef::Entry* entry = entries_.create(*this, text);
  if (entry == nullptr) return TextRef();
  entry->refs = 1;
  index_.insert(*entry);
  return TextRef(entry);
}

}  // namespace masu::net
