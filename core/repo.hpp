// Repo: the directory of a node: its configuration, version, lock, and the files by which programs find it.
//
//   config           the configuration (Kubo's schema)
//   version          "18": the layout that programs around Kubo expect to read
//   datastore_spec   how blocks are stored here; a repo that says otherwise (Kubo's own) is refused,
//   untouched repo.lock        held for as long as the repo is open; the kernel drops it with the process
//   blocks/ index/   segment files, RocksDB (datastore/ and keystore/ are there for programs that look for
//   them) api, gateway     written by the daemon: the address of its RPC server; gone when it stops
//
// Owned by the daemon, or by a command that found none. Files are replaced as a whole (written beside,
// synced, renamed). Blocking calls, short; one thread.
#pragma once

#include "core/config.hpp"

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace masu::core {

class Repo {
 public:
  static constexpr std::string_view version = "18";

  // $IPFS_PATH, else ~/.masu.
  static std::string default_path();
  static bool exists(const std::string& path);  // has a configuration
  // Makes the directory and its files. The error: there is one, or the disk said no.
  static std::expected<void, std::string> init(const std::string& path, const Config& config);
  // The configuration alone, without the lock.
  static std::expected<Config, std::string> read_config(const std::string& path);
  // Takes the lock. Errors read as Kubo's where there is one.
  static std::expected<std::unique_ptr<Repo>, std::string> open(const std::string& path);
  ~Repo();
  Repo(const Repo&) = delete;
  Repo& operator=(const Repo&) = delete;

  const std::string& path() const { return path_; }
  Config& config() { return config_; }
  const Config& config() const { return config_; }
  // Writes config() to the disk.
  std::expected<void, std::string> save_config();
  // The addresses that others find the daemon by.
  std::expected<void, std::string> write_api(std::string_view address) { return write_note("api", address); }
  std::expected<void, std::string> write_gateway(std::string_view url) { return write_note("gateway", url); }

 private:
  Repo(std::string path, int lock, Config config)
      : path_(std::move(path)), lock_(lock), config_(std::move(config)) {}
  std::expected<void, std::string> write_note(std::string_view name, std::string_view text);

  const std::string path_;
  int lock_;
  Config config_;
  bool wrote_notes_ = false;
};

}  // namespace masu::core
