// `masu init` and `masu daemon`: what they do on the side of the node. Each runs to its end on the calling
// thread, prints what Kubo prints where programs look for it, and returns the exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace masu::core {

struct InitOptions {
  std::string repo_path;
  std::string algorithm = "ed25519";  // rsa, secp256k1, ecdsa
  std::int64_t bits = 0;              // of an RSA key; 0: the default
  std::vector<std::string> profiles;
  std::string config_file;  // a configuration to begin with; empty: the default one
};

// Standard output: "generating ED25519 keypair...done" and so on. Errors go to standard error.
int run_init(const InitOptions& options);

struct DaemonOptions {
  std::string repo_path;
  bool init = false;  // make the repo if there is none
  std::string init_profile;
  std::string init_config;
  std::string memory_budget;  // "64M"; empty: `Memory.Budget` of the configuration, else 64M
  bool offline = false;
  bool enable_gc = false;
  std::string agent_version_suffix;
};

// Until SIGINT, SIGTERM or `shutdown`. A second signal ends it at once.
int run_daemon(const DaemonOptions& options);

}  // namespace masu::core
