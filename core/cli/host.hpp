// Host: what the command line has of the process around it: a node for a command that found no daemon, and
// the commands that become the node. Given by main(); tests stand in for it.
#pragma once

#include "core/daemon.hpp"

#include <expected>
#include <memory>
#include <string>

namespace masu::core::cli {

// A node in this process, for as long as the handle lives.
class NodeHandle {
 public:
  virtual ~NodeHandle() = default;
  // The client's end of its socket pair. Given away once.
  virtual int take_socket() = 0;
};

class Host {
 public:
  virtual std::expected<std::unique_ptr<NodeHandle>, std::string> start_node(
      const std::string& repo_path) = 0;
  virtual int run_init(const InitOptions& options) = 0;
  virtual int run_daemon(const DaemonOptions& options) = 0;

 protected:
  ~Host() = default;
};

}  // namespace masu::core::cli
