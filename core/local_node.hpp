// LocalNode: a node without a network, for a command that found no daemon: the repo is opened in this
// process, inside the same memory budget, and the RPC server speaks over one end of a socket pair. So there
// is one code path for both.
#pragma once

#include <expected>
#include <memory>
#include <string>

namespace masu::core {

class LocalNode {
 public:
  // Opens the repo and starts the thread that serves it. `budget_text`: as `--memory-budget`; may be empty.
  static std::expected<std::unique_ptr<LocalNode>, std::string> start(const std::string& repo_path,
                                                                      const std::string& budget_text);
  // Ends what runs, in order, and closes the repo.
  ~LocalNode();
  LocalNode(const LocalNode&) = delete;
  LocalNode& operator=(const LocalNode&) = delete;

  // The client's end of the socket pair. Given away once.
  int take_socket();

 private:
  struct Impl;
  explicit LocalNode(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace masu::core
