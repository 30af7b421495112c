// Config: the configuration of a repo, a JSON document with Kubo's schema.
//
// The document is kept as it is: keys that nobody here knows survive, in their order, and programs around the
// node may have left keys out, or written null, a text or a list where Kubo has something else. So every
// reader says what a missing or odd value counts as, and nothing is refused but what is no JSON object at
// all. A value; loop thread. Limits: 1 MiB of text, 32 levels.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace masu::core {

class Config {
 public:
  static constexpr std::size_t text_bytes_max = 1024 * 1024;
  static constexpr std::size_t depth_max = 32;

  // What a fresh repo has, but for Identity.
  static Config defaults();
  static std::expected<Config, std::string> parse(std::string_view text);
  // As Kubo writes the file: two spaces a level, keys in their order.
  std::string to_text() const { return format(document_); }
  static std::string format(const boost::json::value& value);

  const boost::json::value& document() const { return document_; }
  // The value at a dotted path ("Swarm.ConnMgr.LowWater"); null: there is none.
  const boost::json::value* find(std::string_view path) const;
  // Makes the objects on the way. The error: something on the way is no object.
  std::expected<void, std::string> set(std::string_view path, boost::json::value value);

  // Readers. Missing and null count as not set; so does a value of another kind.
  std::optional<std::string> text(std::string_view path) const;
  std::optional<bool> boolean(std::string_view path) const;
  std::optional<std::int64_t> integer(std::string_view path) const;
  // A list of texts, or one text.
  std::vector<std::string> texts(std::string_view path) const;
  // "10GB", "64MiB", "64M", 1000: a size in bytes. Decimal units are powers of 1000 as in Kubo; a single
  // letter is a power of 1024.
  std::optional<std::uint64_t> size(std::string_view path) const;
  // "1h", "20s": in nanoseconds.
  std::optional<std::int64_t> duration(std::string_view path) const;

  // --- Profiles. ---

  struct Profile {
    std::string_view name;
    std::string_view description;
  };
  static std::span<const Profile> profiles();
  // The error: unknown, or one that this node has no use for.
  std::expected<void, std::string> apply_profile(std::string_view name);

  friend bool operator==(const Config&, const Config&) = default;

 private:
  explicit Config(boost::json::value document) : document_(std::move(document)) {}

  boost::json::value document_;
};

// The units of sizes and durations, as the command line and the configuration know them. Nothing: not one.
std::optional<std::uint64_t> parse_size(std::string_view text);
// A memory budget: as parse_size(), but units count in powers of 1024 whatever their spelling.
std::optional<std::uint64_t> parse_budget(std::string_view text);
// Go's durations ("1h30m", "300ms"), in nanoseconds.
std::optional<std::int64_t> parse_duration(std::string_view text);

}  // namespace masu::core
