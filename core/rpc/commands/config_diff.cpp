#include "core/rpc/commands/config_diff.hpp"

#include <algorithm>
#include <vector>

#include <boost/json/serialize.hpp>

namespace masu::core::rpc::commands {
namespace {

using boost::json::value;

constexpr std::string_view yellow = "\x1b[33m", red = "\x1b[31m", green = "\x1b[32m", plain = "\x1b[0m";

// One key, or one place in a list (its key is empty). Null: not there.
struct Item {
  std::string_view key;
  const value* before;
  const value* after;
};

std::vector<Item> items_of_objects(const boost::json::object& before, const boost::json::object& after) {
  std::vector<Item> items;
  for (const auto& [key, item] : before) items.push_back({key, &item, after.if_contains(key)});
  for (const auto& [key, item] : after)
    if (!before.contains(key)) items.push_back({key, nullptr, &item});
  std::ranges::sort(items, {}, &Item::key);
  return items;
}

std::vector<Item> items_of_lists(const boost::json::array& before, const boost::json::array& after) {
  std::vector<Item> items;
  for (std::size_t at = 0; at < std::max(before.size(), after.size()); ++at)
    items.push_back({"", before.if_contains(at), after.if_contains(at)});
  return items;
}

void append_item(std::string& out, std::string_view prefix, std::string_view key, const value& item,
                 bool more) {
  out.append(prefix).append("\"").append(key).append("\": ").append(boost::json::serialize(sorted(item)));
  if (more) out += ',';
}

void append_items(std::string& out, const std::string& prefix, const std::vector<Item>& items);

void append_change(std::string& out, const std::string& prefix, const Item& item, bool more) {
  if (item.before == nullptr) {
    out += green;
    append_item(out, prefix + "<< ", item.key, *item.after, more);
    out += plain;
  } else if (item.after == nullptr) {
    out += red;
    append_item(out, prefix + ">> ", item.key, *item.before, more);
    out += plain;
  } else if (*item.before == *item.after) {
    append_item(out, prefix, item.key, *item.before, more);
  } else if (item.before->kind() == item.after->kind() &&
             (item.before->is_object() || item.before->is_array())) {
    out.append(prefix).append("\"").append(item.key).append("\": ");
    append_items(out, prefix + "    ",
                 item.before->is_object()
                     ? items_of_objects(item.before->get_object(), item.after->get_object())
                     : items_of_lists(item.before->get_array(), item.after->get_array()));
    if (more) out += ',';
  } else {
    out += yellow;
    append_item(out, prefix + "<> ", item.key, *item.before, more);
    out += '\n';
    append_item(out, prefix + "** ", item.key, *item.after, more);
    out += plain;
  }
}

void append_items(std::string& out, const std::string& prefix, const std::vector<Item>& items) {
  out += '{';
  for (std::size_t at = 0; at < items.size(); ++at) {
    out += '\n';
    append_change(out, prefix, items[at], at + 1 < items.size());
  }
  out.append("\n").append(prefix).append("}");
}

}  // namespace

value sorted(const value& document) {
  if (const auto* list = document.if_array()) {
    boost::json::array result;
    for (const value& item : *list) result.push_back(sorted(item));
    return result;
  }
  const auto* object = document.if_object();
  if (object == nullptr) return document;
  std::vector<const boost::json::key_value_pair*> pairs;
  for (const auto& pair : *object) pairs.push_back(&pair);
  std::ranges::sort(pairs, {}, [](const auto* pair) { return std::string_view(pair->key()); });
  boost::json::object result;
  for (const auto* pair : pairs) result[pair->key()] = sorted(pair->value());
  return result;
}

std::string config_diff(const value& before, const value& after) {
  static const boost::json::object none;
  std::string out;
  const auto* from = before.if_object();
  const auto* to = after.if_object();
  append_items(out, "", items_of_objects(from ? *from : none, to ? *to : none));
  return out;
}

}  // namespace masu::core::rpc::commands
