#include "core/rpc/commands/ls_entry.hpp"

#include "core/rpc/json_text.hpp"
#include "unixfs/read/quote.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace masu::core::rpc::commands {
namespace {

// Bits of Go's os.FileMode.
constexpr std::uint32_t mode_directory = 1u << 31, mode_symlink = 1u << 27, mode_setuid = 1u << 23,
                        mode_setgid = 1u << 22, mode_sticky = 1u << 20;

std::uint32_t file_mode(const LsEntry& entry) {
  const std::uint32_t unix_mode = entry.metadata.mode;
  if (unix_mode == 0) return 0;
  std::uint32_t mode = unix_mode & 0777;
  if ((unix_mode & 04000) != 0) mode |= mode_setuid;
  if ((unix_mode & 02000) != 0) mode |= mode_setgid;
  if ((unix_mode & 01000) != 0) mode |= mode_sticky;
  if (entry.type == 1) mode |= mode_directory;
  if (entry.type == 4) mode |= mode_symlink;
  return mode;
}

std::string mode_text(const LsEntry& entry) {
  const std::uint32_t mode = entry.metadata.mode;
  if (mode == 0) return "-";
  std::string text(10, '-');
  text[0] = entry.type == 1 ? 'd' : entry.type == 4 ? 'l' : '-';
  for (unsigned i = 0; i < 9; ++i) {
    if ((mode >> (8 - i) & 1) != 0) text[i + 1] = "rwxrwxrwx"[i];
  }
  // The special bits stand where execution does: small when that is allowed too.
  for (unsigned i = 0; i < 3; ++i) {
    if ((mode >> (11 - i) & 1) == 0) continue;
    char& place = text[3 + 3 * i];
    place = place == 'x' ? "sst"[i] : "SST"[i];
  }
  return text;
}

struct Date {
  std::int64_t year;
  unsigned month, day, hour, minute, second;
};

Date date_of(std::int64_t seconds) {
  using namespace std::chrono;
  // What a calendar of int years can hold.
  constexpr std::int64_t limit = 60'000'000'000;
  const sys_seconds time{std::chrono::seconds(std::clamp(seconds, -limit, limit))};
  const sys_days days = floor<std::chrono::days>(time);
  const year_month_day date(days);
  const hh_mm_ss clock(time - days);
  return {int{date.year()},
          unsigned{date.month()},
          unsigned{date.day()},
          static_cast<unsigned>(clock.hours().count()),
          static_cast<unsigned>(clock.minutes().count()),
          static_cast<unsigned>(clock.seconds().count())};
}

template <class... Values>
std::string format(const char* form, Values... values) {
  std::array<char, 64> text;
  const int length = std::snprintf(text.data(), text.size(), form, values...);
  return std::string(text.data(), static_cast<std::size_t>(std::max(length, 0)));
}

// RFC 3339 with as many digits as are needed.
std::string json_time(const unixfs::Metadata& metadata) {
  if (!metadata.mtime) return "0001-01-01T00:00:00Z";
  const Date date = date_of(metadata.mtime->seconds);
  std::string text = format("%04lld-%02u-%02uT%02u:%02u:%02u", static_cast<long long>(date.year), date.month,
                            date.day, date.hour, date.minute, date.second);
  if (metadata.mtime->nanos != 0) {
    text += format(".%09u", metadata.mtime->nanos);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

// As `ls -l`: the time of day of what is recent, the year of what is not.
std::string time_text(const unixfs::Metadata& metadata, std::int64_t now_seconds) {
  if (!metadata.mtime) return "-";
  static constexpr const char* month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  using namespace std::chrono;
  const sys_seconds now{seconds(now_seconds)};
  const sys_days today = floor<days>(now);
  const year_month_day before = year_month_day(today) - std::chrono::months(6);
  const std::int64_t time = metadata.mtime->seconds;
  const Date date = date_of(time);
  // A day that a month does not have runs over into the next one.
  const sys_days half_a_year_ago =
      sys_days(before.year() / before.month() / 1) + days(unsigned{before.day()} - 1);
  const bool recent =
      sys_seconds(seconds(time)) > half_a_year_ago + (now - today) && time < now_seconds + 86400;
  if (recent)
    return format("%s %02u %02u:%02u", month_names[date.month - 1], date.day, date.hour, date.minute);
  return format("%s %02u  %lld", month_names[date.month - 1], date.day, static_cast<long long>(date.year));
}

template <class Value>
void put(std::string& out, const Value& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
template <class Value>
Value take(std::string_view& in) {
  Value value;
  std::memcpy(&value, in.data(), sizeof(value));
  in.remove_prefix(sizeof(value));
  return value;
}

}  // namespace

void append_ls_json(std::string& out, const LsEntry& entry, std::string_view hash) {
  out += "{\"Name\":";
  append_json_text(out, entry.name);
  out += ",\"Hash\":";
  append_json_text(out, hash);
  out +=
      ",\"Size\":" + std::to_string(entry.size) + ",\"Type\":" + std::to_string(entry.type) + ",\"Target\":";
  append_json_text(out, entry.target);
  out +=
      ",\"Mode\":" + std::to_string(file_mode(entry)) + ",\"ModTime\":\"" + json_time(entry.metadata) + "\"}";
}

std::size_t LsColumns::cells(std::array<std::string, columns_max>& out, const LsEntry& entry,
                             std::string_view hash, std::int64_t now_seconds) const {
  std::size_t count = 0;
  if (long_format) out[count++] = mode_text(entry);
  out[count++] = hash;
  if (size) out[count++] = entry.is_directory() ? "-" : std::to_string(entry.size);
  if (long_format) out[count++] = time_text(entry.metadata, now_seconds);
  return count;
}

std::size_t LsColumns::header_cells(std::array<std::string, columns_max>& out) const {
  std::size_t count = 0;
  if (long_format) out[count++] = "Mode";
  out[count++] = "Hash";
  if (size) out[count++] = "Size";
  if (long_format) out[count++] = "ModTime";
  return count;
}

void LsColumns::fit(const LsEntry& entry, std::string_view hash, std::int64_t now_seconds) {
  std::array<std::string, columns_max> row;
  const std::size_t count = cells(row, entry, hash, now_seconds);
  for (std::size_t i = 0; i < count; ++i) widths[i] = std::max(widths[i], row[i].size());
}

void LsColumns::fit_header() {
  std::array<std::string, columns_max> row;
  const std::size_t count = header_cells(row);
  for (std::size_t i = 0; i < count; ++i) widths[i] = std::max(widths[i], row[i].size());
}

void LsColumns::append_cells(std::string& out, const std::array<std::string, columns_max>& row,
                             std::size_t count) const {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t width = std::max(width_min, std::max(widths[i], row[i].size()) + 1);
    out += row[i];
    out.append(width - row[i].size(), ' ');
  }
}

void LsColumns::append_line(std::string& out, const LsEntry& entry, std::string_view hash,
                            std::int64_t now_seconds) const {
  std::array<std::string, columns_max> row;
  append_cells(out, row, cells(row, entry, hash, now_seconds));
  out += unixfs::escape_unprintable(entry.name);
  if (entry.is_directory()) out += '/';
  out += '\n';
}

void LsColumns::append_header(std::string& out) const {
  std::array<std::string, columns_max> row;
  append_cells(out, row, header_cells(row));
  out += "Name\n";
}

std::string pack_ls_entry(const LsEntry& entry) {
  std::string out;
  const auto cid = as_text(entry.cid.bytes());
  out += static_cast<char>(cid.size());
  out += cid;
  put(out, entry.size);
  put(out, entry.type);
  put(out, entry.metadata.mode);
  put(out, static_cast<std::uint8_t>(entry.metadata.mtime.has_value()));
  const unixfs::Timestamp time = entry.metadata.mtime.value_or(unixfs::Timestamp());
  put(out, time.seconds);
  put(out, time.nanos);
  return out + entry.target;
}

LsEntry unpack_ls_entry(std::string_view name, std::string_view in) {
  LsEntry entry;
  entry.name = name;
  const std::size_t cid_bytes = static_cast<unsigned char>(in[0]);
  entry.cid = *Cid::decode(as_bytes(in.substr(1, cid_bytes)));
  in.remove_prefix(1 + cid_bytes);
  entry.size = take<std::uint64_t>(in);
  entry.type = take<std::uint8_t>(in);
  entry.metadata.mode = take<std::uint32_t>(in);
  const bool has_time = take<std::uint8_t>(in) != 0;
  const auto seconds = take<std::int64_t>(in);
  const auto nanos = take<std::uint32_t>(in);
  if (has_time) entry.metadata.mtime = unixfs::Timestamp{seconds, nanos};
  entry.target = in;
  return entry;
}

}  // namespace masu::core::rpc::commands
