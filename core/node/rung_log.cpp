#include "core/node/rung_log.hpp"

#include <utility>

namespace masu::core {

std::string RungLog::line(Rung rung, bool begins, std::size_t resident_bytes, std::size_t budget_bytes,
                          TimePoint now) {
  const auto put = [&](std::string_view what) {
    return "memory: " + std::string(name_of(rung)) + std::string(what) + " at " +
           format_bytes(resident_bytes) + " of " + format_bytes(budget_bytes);
  };
  if (!is_frequent(rung)) return put(begins ? " begins" : " ends");
  if (!begins) return {};
  Frequent& frequent = frequent_[static_cast<std::size_t>(rung)];
  if (now < frequent.next) {
    ++frequent.unsaid;
    return {};
  }
  frequent.next = now + frequent_interval;
  const std::uint64_t unsaid = std::exchange(frequent.unsaid, 0);
  return put(" begins") +
         (unsaid > 0 ? " (and " + std::to_string(unsaid) + " more since the last such line)" : "");
}

}  // namespace masu::core
