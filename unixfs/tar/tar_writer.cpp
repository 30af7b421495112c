#include "unixfs/tar/tar_writer.hpp"

#include <algorithm>
#include <string>

namespace masu::unixfs::tar {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) > 0; });
}

std::string ascii_only(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return static_cast<signed char>(c) > 0; });
  return out;
}

bool fits_octal(const Field& field, std::int64_t value) {
  return value >= 0 && (value >> (3 * (field.bytes - 1))) == 0;
}

// What does not fit is cut, and not cut behind a slash: some readers would take a file for a directory then.
void set_text(Block& block, const Field& field, std::string_view text) {
  std::string_view cut = text.substr(0, field.bytes);
  if (text.size() > field.bytes && cut.back() == '/') {
    while (!cut.empty() && cut.back() == '/') cut.remove_suffix(1);
  }
  std::copy(cut.begin(), cut.end(), block.begin() + static_cast<std::ptrdiff_t>(field.offset));
}

// What does not fit is in a PAX record, and zero here.
void set_octal(Block& block, const Field& field, std::int64_t value) {
  if (!fits_octal(field, value)) value = 0;
  for (std::size_t i = field.bytes - 1; i-- > 0; value >>= 3) {
    block[field.offset + i] = static_cast<std::uint8_t>('0' + (value & 7));
  }
}

void finish_block(ByteBuffer& out, Block& block) {
  set_text(block, field_magic, "ustar");
  set_text(block, field_version, "00");
  set_octal(block, {field_checksum.offset, 7}, checksum(block));
  block[field_checksum.offset + 7] = ' ';
  out.insert(out.end(), block.begin(), block.end());
}

// Where a long path is cut between ustar's prefix and name fields; npos when it cannot be.
std::size_t ustar_split(std::string_view path) {
  if (path.size() <= field_name.bytes || !is_ascii(path)) return std::string_view::npos;
  const std::size_t slash = path.substr(0, field_prefix.bytes + 1).rfind('/');
  if (slash == std::string_view::npos || slash == 0 || path.size() - slash - 1 > field_name.bytes) {
    return std::string_view::npos;
  }
  return slash;
}

std::string pax_time(const Timestamp& time) {
  if (time.nanos == 0) return std::to_string(time.seconds);
  const bool negative = time.seconds < 0;
  const std::uint64_t seconds =
      negative ? static_cast<std::uint64_t>(-(time.seconds + 1)) : static_cast<std::uint64_t>(time.seconds);
  std::string nanos = std::to_string(negative ? 1'000'000'000 - time.nanos : time.nanos);
  nanos.insert(0, 9 - nanos.size(), '0');
  nanos.erase(nanos.find_last_not_of('0') + 1);
  return (negative ? "-" : "") + std::to_string(seconds) + "." + nanos;
}

// "LENGTH KEY=VALUE\n", where LENGTH counts itself.
void add_record(std::string& records, std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + std::to_string(rest).size();
  length = rest + std::to_string(length).size();
  records += std::to_string(length);
  records += ' ';
  records.append(key).append("=").append(value).append("\n");
}

struct Encoding {
  bool ustar = true;    // the ustar fields hold everything
  std::string records;  // sorted by key, as Go sorts them
};

Encoding choose_encoding(const Entry& entry, Format format) {
  Encoding encoding;
  const auto need = [&encoding](bool needed, std::string_view key, std::string_view value) {
    if (needed) {
      encoding.ustar = false;
      add_record(encoding.records, key, value);
    }
  };
  const bool long_path = entry.path.size() > field_name.bytes || !is_ascii(entry.path);
  const bool split = ustar_split(entry.path) != std::string_view::npos;
  const bool odd_time =
      !fits_octal(field_mtime, entry.mtime.seconds) || (format == Format::pax && entry.mtime.nanos != 0);
  need(entry.link_target.size() > field_link_name.bytes || !is_ascii(entry.link_target), "linkpath",
       entry.link_target);
  need(odd_time, "mtime", pax_time(entry.mtime));
  // A path that ustar could split is recorded when PAX is chosen for another reason.
  const bool other_reason =
      !encoding.ustar || !fits_octal(field_size, static_cast<std::int64_t>(entry.bytes));
  need(long_path && (!split || other_reason), "path", entry.path);
  need(!fits_octal(field_size, static_cast<std::int64_t>(entry.bytes)), "size", std::to_string(entry.bytes));
  return encoding;
}

void put_pax_block(ByteBuffer& out, std::string_view path, const std::string& records) {
  const std::size_t slash = path.rfind('/');
  std::string name(slash == std::string_view::npos ? "" : path.substr(0, slash + 1));
  name.append("PaxHeaders.0/").append(path.substr(slash == std::string_view::npos ? 0 : slash + 1));
  name = ascii_only(name).substr(0, field_name.bytes);
  name.erase(name.find_last_not_of('/') + 1);

  Block block{};
  block[field_type.offset] = 'x';
  set_text(block, field_name, name);
  for (const Field& field : {field_mode, field_uid, field_gid, field_mtime}) set_octal(block, field, 0);
  set_octal(block, field_size, static_cast<std::int64_t>(records.size()));
  finish_block(out, block);
  out.insert(out.end(), records.begin(), records.end());
  out.insert(out.end(), padding(records.size()), 0);
}

}  // namespace

Result<> put_header(ByteBuffer& out, const Entry& asked, Format format) {
  Entry entry = asked;
  if (entry.link_target.find('\0') != std::string_view::npos ||
      entry.path.find('\0') != std::string_view::npos) {
    return fail(ErrorCode::hostile, "tar: a name contains a null byte");
  }
  if (entry.bytes >> 63 != 0) return fail(ErrorCode::hostile, "tar: a file of more than 2^63 bytes");
  if (format == Format::any) {
    if (entry.mtime.nanos >= 500'000'000) ++entry.mtime.seconds;
    entry.mtime.nanos = 0;
  }
  const Encoding encoding = choose_encoding(entry, format);

  Block block{};
  if (encoding.ustar) {
    const std::size_t split = ustar_split(entry.path);
    if (split != std::string_view::npos) set_text(block, field_prefix, entry.path.substr(0, split));
    set_text(block, field_name, split == std::string_view::npos ? entry.path : entry.path.substr(split + 1));
    set_text(block, field_link_name, entry.link_target);
  } else {
    put_pax_block(out, entry.path, encoding.records);
    set_text(block, field_name, ascii_only(entry.path));
    set_text(block, field_link_name, ascii_only(entry.link_target));
  }
  block[field_type.offset] = static_cast<std::uint8_t>(entry.type);
  set_octal(block, field_mode, entry.mode & 07777);
  for (const Field& field : {field_uid, field_gid, field_dev_major, field_dev_minor})
    set_octal(block, field, 0);
  set_octal(block, field_size, entry.type == EntryType::file ? static_cast<std::int64_t>(entry.bytes) : 0);
  set_octal(block, field_mtime, entry.mtime.seconds);
  finish_block(out, block);
  return {};
}

void put_end(ByteBuffer& out) { out.insert(out.end(), 2 * block_bytes, 0); }

}  // namespace masu::unixfs::tar
