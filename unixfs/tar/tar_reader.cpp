#include "unixfs/tar/tar_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace masu::unixfs::tar {
namespace {

auto malformed(const std::string& what) { return fail(ErrorCode::malformed, "tar: " + what); }

std::string_view text_field(const Block& block, const Field& field) {
  const std::string_view text(reinterpret_cast<const char*>(block.data()) + field.offset, field.bytes);
  return text.substr(0, text.find('\0'));
}

// Octal text, or GNU's big-endian binary with its top bit set. Nothing: neither, or more than 63 bits.
std::optional<std::int64_t> number_field(const Block& block, const Field& field) {
  const std::uint8_t* const bytes = block.data() + field.offset;
  if ((bytes[0] & 0x80) != 0) {
    const bool negative = (bytes[0] & 0x40) != 0;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < field.bytes; ++i) {
      std::uint8_t byte = negative ? static_cast<std::uint8_t>(~bytes[i]) : bytes[i];
      if (i == 0) byte &= 0x3f;
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | byte;
    }
    return negative ? -static_cast<std::int64_t>(value) - 1 : static_cast<std::int64_t>(value);
  }
  std::string_view text(reinterpret_cast<const char*>(bytes), field.bytes);
  const auto blank = [](char c) { return c == ' ' || c == '\0'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  if (text.empty()) return 0;
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (code != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

template <class Number>
bool parse_decimal(std::string_view text, Number& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

// Seconds with a fraction, both may be negative; digits beyond nanoseconds are dropped.
std::optional<Timestamp> parse_pax_time(std::string_view text) {
  Timestamp time;
  const std::size_t dot = text.find('.');
  if (!parse_decimal(text.substr(0, dot), time.seconds)) return std::nullopt;
  if (dot == std::string_view::npos) return time;
  std::uint32_t scale = 1'000'000'000;
  for (const char c : text.substr(dot + 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    scale /= 10;
    time.nanos += static_cast<std::uint32_t>(c - '0') * scale;
  }
  if (text.front() == '-' && time.nanos > 0) {
    if (time.seconds == INT64_MIN) return std::nullopt;
    --time.seconds;
    time.nanos = 1'000'000'000 - time.nanos;
  }
  return time;
}

}  // namespace

Result<> TarReader::feed(Bytes in) {
  while (!in.empty() && state_ != State::end) {
    if (state_ == State::header) {
      if (auto read = read_header(in); !read) return read;
      continue;
    }
    const Bytes now = in.first(static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), left_)));
    in = in.subspan(now.size());
    left_ -= now.size();
    if (state_ == State::extension) extension_.append(as_text(now));
    if (state_ == State::data && !now.empty()) {
      if (auto taken = visitor_.on_data(now); !taken) return taken;
    }
    if (left_ == 0) {
      const std::size_t pad = std::min(padding_, in.size());
      in = in.subspan(pad);
      padding_ -= pad;
      if (padding_ == 0) {
        if (auto ended = end_payload(); !ended) return ended;
      }
    }
  }
  return {};
}

Result<> TarReader::finish() const {
  if (state_ == State::end || (state_ == State::header && block_used_ == 0)) return {};
  return malformed("unexpected EOF");
}

Result<> TarReader::read_header(Bytes& in) {
  const std::size_t bytes = std::min(in.size(), block_.size() - block_used_);
  std::memcpy(block_.data() + block_used_, in.data(), bytes);
  in = in.subspan(bytes);
  block_used_ += bytes;
  if (block_used_ < block_.size()) return {};
  block_used_ = 0;
  if (std::all_of(block_.begin(), block_.end(), [](std::uint8_t byte) { return byte == 0; })) {
    if (++zero_blocks_ == 2) state_ = State::end;
    return {};
  }
  zero_blocks_ = 0;
  return take_header();
}

Result<> TarReader::take_header() {
  const auto sum = number_field(block_, field_checksum);
  if (!sum || *sum != checksum(block_)) return malformed("invalid tar header");
  const auto bytes = number_field(block_, field_size);
  if (!bytes || *bytes < 0) return malformed("invalid size");

  const char type = static_cast<char>(block_[field_type.offset]);
  switch (type) {
    case 'x':
    case 'L':
    case 'K':
      if (static_cast<std::uint64_t>(*bytes) > extension_bytes_max) {
        return fail(ErrorCode::limit, "tar: records of one member take " + std::to_string(*bytes) +
                                          " bytes, at most " + std::to_string(extension_bytes_max));
      }
      extension_type_ = type;
      return begin_payload(State::extension, static_cast<std::uint64_t>(*bytes));
    case 'g': return begin_payload(State::skipped, static_cast<std::uint64_t>(*bytes));
    case '\0':
    case '0':
    case '7': return begin_member(EntryType::file);
    case '2': return begin_member(EntryType::symlink);
    case '5': return begin_member(EntryType::directory);
    default:
      return fail(ErrorCode::unsupported,
                  "unrecognized tar header type: " + std::to_string(static_cast<unsigned char>(type)));
  }
}

Result<> TarReader::begin_member(EntryType type) {
  const auto mode = number_field(block_, field_mode);
  const auto seconds = number_field(block_, field_mtime);
  if (!mode || !seconds) return malformed("invalid mode or time");
  if (!has_path_) {
    path_.clear();
    const std::string_view prefix = text_field(block_, field_prefix);
    const bool ustar = text_field(block_, field_magic) == "ustar";  // GNU has other things in the prefix
    if (ustar && !prefix.empty()) path_.append(prefix).append("/");
    path_.append(text_field(block_, field_name));
  }
  if (!has_link_target_) link_target_ = text_field(block_, field_link_name);
  if (type == EntryType::file && path_.ends_with('/')) type = EntryType::directory;  // as old tars have it
  if (type == EntryType::directory && path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
  if (auto checked = check_path(path_); !checked) return checked;
  if (type == EntryType::symlink && (link_target_.empty() || link_target_.find('\0') != std::string::npos)) {
    return malformed("a symlink without a target");
  }

  Entry entry{.path = path_, .type = type, .mode = static_cast<std::uint32_t>(*mode & 07777)};
  entry.mtime = mtime_.value_or(Timestamp{*seconds, 0});
  if (type == EntryType::symlink) entry.link_target = link_target_;
  const std::uint64_t payload =
      bytes_.value_or(static_cast<std::uint64_t>(*number_field(block_, field_size)));
  if (type == EntryType::file) entry.bytes = payload;
  has_path_ = has_link_target_ = false;
  bytes_.reset();
  mtime_.reset();
  if (auto begun = visitor_.on_entry(entry); !begun) return begun;
  return begin_payload(State::data, type == EntryType::file ? payload : 0);
}

Result<> TarReader::begin_payload(State state, std::uint64_t bytes) {
  state_ = state;
  left_ = bytes;
  padding_ = padding(bytes);
  extension_.clear();
  return bytes == 0 ? end_payload() : Result<>();
}

Result<> TarReader::end_payload() {
  const State ended = std::exchange(state_, State::header);
  if (ended == State::data) return visitor_.on_entry_end();
  return ended == State::extension ? end_extension() : Result<>();
}

Result<> TarReader::end_extension() {
  if (extension_type_ == 'x') return take_pax_records(extension_);
  const std::string_view name(extension_.c_str());  // up to its null byte
  return take_pax_record(extension_type_ == 'L' ? "path" : "linkpath", name);
}

Result<> TarReader::take_pax_records(std::string_view records) {
  while (!records.empty()) {
    const std::size_t space = records.find(' ');
    std::size_t length = 0;
    if (space == std::string_view::npos || !parse_decimal(records.substr(0, space), length) ||
        length <= space + 2 || length > records.size() || records[length - 1] != '\n') {
      return malformed("invalid PAX record");
    }
    const std::string_view record = records.substr(space + 1, length - space - 2);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0) return malformed("invalid PAX record");
    if (auto taken = take_pax_record(record.substr(0, equals), record.substr(equals + 1)); !taken)
      return taken;
    records.remove_prefix(length);
  }
  return {};
}

Result<> TarReader::take_pax_record(std::string_view key, std::string_view value) {
  if (key == "path") {
    path_ = value;
    has_path_ = true;
  } else if (key == "linkpath") {
    link_target_ = value;
    has_link_target_ = true;
  } else if (key == "size") {
    std::uint64_t bytes = 0;
    if (!parse_decimal(value, bytes) || bytes >> 63 != 0) return malformed("invalid PAX size");
    bytes_ = bytes;
  } else if (key == "mtime") {
    mtime_ = parse_pax_time(value);
    if (!mtime_) return malformed("invalid PAX time");
  }
  return {};
}

}  // namespace masu::unixfs::tar
