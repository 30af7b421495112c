#include "core/rpc/commands/add_options.hpp"

#include "multiformats/multicodec.hpp"
#include "store/pin_set.hpp"

#include <algorithm>
#include <optional>

namespace masu::core::rpc::commands {
namespace {

using Problem = std::optional<std::string>;  // nothing: all is well

// An option, or what the configuration says when it is not given.
std::optional<std::int64_t> number(const Call& call, std::string_view option, const Config& config,
                                   std::string_view key) {
  return call.given(option) ? call.integer(option) : config.integer(key);
}

// What this build does not have.
Problem check_supported(const Call& call, const Config& config) {
  if (call.flag("nocopy")) {
    return "either the filestore or the urlstore must be enabled to use nocopy, and this build has neither";
  }
  if (call.given("to-files")) {
    return "to-files: this build has no Files API (MFS)";
  }
  const bool trickle =
      call.given("trickle") ? call.flag("trickle") : config.text("Import.UnixFSDAGLayout") == "trickle";
  if (trickle) return "the trickle layout is not supported by this build: leave --trickle out";
  return std::nullopt;
}

Problem take_format(const Call& call, const Config& config, unixfs::BlockFormat& format) {
  const std::string hash = import_hash_name(call.text("hash"), config);
  const auto code = hash_from_name(hash);
  if (!code) return "unrecognized hash function: \"" + hash + "\"";
  format.hash = *code;
  const std::optional<std::int64_t> version = number(call, "cid-version", config, "Import.CidVersion");
  const std::int64_t usual = format.hash == HashCode::sha2_256 ? 0 : 1;
  // Kubo takes any negative version for "not given".
  const std::int64_t chosen = version.value_or(usual) < 0 ? usual : version.value_or(usual);
  if (chosen > 1) return "unknown CID version: " + std::to_string(chosen);
  format.cid_version = static_cast<int>(chosen);
  if (call.flag("inline")) {
    const std::int64_t limit = call.integer("inline-limit").value_or(32);
    if (limit > static_cast<std::int64_t>(unixfs::inline_bytes_limit)) {
      return "inline-limit " + std::to_string(limit) + " exceeds maximum allowed size of " +
             std::to_string(unixfs::inline_bytes_limit) + " bytes";
    }
    if (limit >= 0) format.inline_bytes_max = static_cast<std::size_t>(limit);
  }
  return std::nullopt;
}

Problem take_metadata(const Call& call, unixfs::ImportOptions& options) {
  options.preserve_mode = call.flag("preserve-mode");
  options.preserve_mtime = call.flag("preserve-mtime");
  const auto mode = static_cast<std::uint32_t>(call.integer("mode").value_or(0));
  const std::int64_t seconds = call.integer("mtime").value_or(0);
  const std::int64_t nanos = call.integer("mtime-nsecs").value_or(0);
  options.metadata.mode = unixfs::permissions_of_go_mode(mode);
  if (seconds == 0 && nanos != 0) {
    return "option \"mtime-nsecs\" requires \"mtime\" to be provided as well";
  }
  if (nanos < 0 || nanos > 999'999'999) return "mtime nanoseconds must be in range [1, 999999999]";
  if (seconds != 0) options.metadata.mtime = unixfs::Timestamp{seconds, static_cast<std::uint32_t>(nanos)};
  return std::nullopt;
}

Problem take_file(const Call& call, const Config& config, unixfs::ImportOptions& options) {
  std::string chunker(call.text("chunker"));
  if (chunker.empty()) chunker = config.text("Import.UnixFSChunker").value_or("");
  const auto leaf_bytes = unixfs::parse_chunker(chunker);
  if (!leaf_bytes) return leaf_bytes.error().text;
  options.file.leaf_bytes = *leaf_bytes;
  const auto links = number(call, "max-file-links", config, "Import.UnixFSFileMaxLinks");
  if (links.value_or(0) > 0) options.file.links_max = static_cast<std::size_t>(*links);

  const std::optional<bool> raw_leaves = call.given("raw-leaves") ? std::optional(call.flag("raw-leaves"))
                                                                  : config.boolean("Import.UnixFSRawLeaves");
  const bool metadata = options.preserve_mode || options.preserve_mtime || !options.metadata.empty();
  if (metadata && raw_leaves.value_or(false)) {
    return "raw-leaves can't be used with UnixFS metadata like mode or modification time";
  }
  options.file.raw_leaves = !metadata && raw_leaves.value_or(options.format.cid_version == 1);
  return std::nullopt;
}

Problem take_directory(const Call& call, const Config& config, unixfs::DirectoryShape& shape) {
  const auto links = number(call, "max-directory-links", config, "Import.UnixFSDirectoryMaxLinks");
  if (links.value_or(0) > 0) shape.links_max = static_cast<std::size_t>(*links);
  const auto fanout = number(call, "max-hamt-fanout", config, "Import.UnixFSHAMTDirectoryMaxFanout");
  if (fanout) {
    if (*fanout < 8 || *fanout > 1024 || (*fanout & (*fanout - 1)) != 0) {
      return "HAMT fanout must be a power of 2, between 8 and 1024 (got " + std::to_string(*fanout) + ")";
    }
    shape.fanout = static_cast<std::uint32_t>(*fanout);
  }
  shape.threshold_bytes =
      config.size("Import.UnixFSHAMTDirectorySizeThreshold").value_or(shape.threshold_bytes);
  const auto estimation = config.text("Import.UnixFSHAMTDirectorySizeEstimation");
  if (estimation == "block") shape.estimation = unixfs::SizeEstimation::block;
  if (estimation == "disabled") shape.estimation = unixfs::SizeEstimation::none;
  return std::nullopt;
}

Problem take_pin(const Call& call, AddOptions& options) {
  options.only_hash = call.flag("only-hash");
  options.pin = call.flag("pin") && !options.only_hash;
  options.pin_name = call.text("pin-name");
  if (!call.given("pin-name")) return std::nullopt;
  if (auto good = store::PinSet::check_name(options.pin_name); !good) return good.error().detail;
  if (!options.pin) return "pin-name option requires pin to be set";
  return std::nullopt;
}

}  // namespace

std::string import_hash_name(std::string_view given, const Config& config) {
  std::string name(given);
  if (name.empty()) name = config.text("Import.HashFunction").value_or("sha2-256");
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return name;
}

std::expected<AddOptions, CommandError> add_options(const Call& call, const Config& config) {
  AddOptions options;
  unixfs::ImportOptions& import = options.import;
  Problem problem = check_supported(call, config);
  if (!problem) problem = take_pin(call, options);
  if (!problem) problem = take_format(call, config, import.format);
  if (!problem) problem = take_metadata(call, import);
  if (!problem) problem = take_file(call, config, import);
  if (!problem) problem = take_directory(call, config, import.directory);
  if (problem) return fail(*problem);
  import.wrap = call.flag("wrap-with-directory");
  import.keep_empty_directories = call.flag("empty-dirs");
  options.progress = call.flag("progress");
  options.silent = call.flag("silent");
  if (auto good = import.check(); !good) return fail(good.error().text);
  return options;
}

}  // namespace masu::core::rpc::commands
