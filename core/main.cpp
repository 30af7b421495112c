// The program `masu`: the command line over a node in this process or in another.

#include "core/cli/run.hpp"
#include "core/local_node.hpp"

#include <vector>

namespace {

class LocalNodeHandle final : public masu::core::cli::NodeHandle {
 public:
  explicit LocalNodeHandle(std::unique_ptr<masu::core::LocalNode> node) : node_(std::move(node)) {}
  int take_socket() override { return node_->take_socket(); }

 private:
  std::unique_ptr<masu::core::LocalNode> node_;
};

class ProcessHost final : public masu::core::cli::Host {
 public:
  std::expected<std::unique_ptr<masu::core::cli::NodeHandle>, std::string> start_node(
      const std::string& repo_path) override {
    auto node = masu::core::LocalNode::start(repo_path, "");
    if (!node) return std::unexpected(std::move(node.error()));
    return std::make_unique<LocalNodeHandle>(std::move(*node));
  }
  int run_init(const masu::core::InitOptions& options) override { return masu::core::run_init(options); }
  int run_daemon(const masu::core::DaemonOptions& options) override {
    return masu::core::run_daemon(options);
  }
};

}  // namespace

int main(int count, char** values) {
  std::vector<std::string_view> words(values + (count > 0 ? 1 : 0), values + count);
  ProcessHost host;
  return masu::core::cli::run(words, host, {});
}
