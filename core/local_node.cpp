#include "core/local_node.hpp"

#include "core/node/real_node.hpp"
#include "core/rpc/server.hpp"

#include <cerrno>
#include <cstring>
#include <thread>

#include <boost/asio/post.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace masu::core {

struct LocalNode::Impl {
  std::unique_ptr<Repo> repo;
  std::unique_ptr<NodeMemory> memory;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<RealNode> node;
  std::unique_ptr<rpc::Server> server;
  int client_socket = -1;
  std::thread thread;

  // Loop thread: everything that was made before the thread began is its own from there on.
  void serve() {
    loop->run();
    server->close();
    loop->run_until([this] { return server->closed(); }, loop->clock().now() + 10s);
    node->close();
  }
};

LocalNode::LocalNode(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

std::expected<std::unique_ptr<LocalNode>, std::string> LocalNode::start(const std::string& repo_path,
                                                                        const std::string& budget_text) {
  auto impl = std::make_unique<Impl>();
  auto repo = Repo::open(repo_path);
  if (!repo) return std::unexpected(repo.error());
  impl->repo = std::move(*repo);
  const auto plan = choose_plan(budget_text, impl->repo->config().text("Memory.Budget").value_or(""));
  if (!plan) return std::unexpected(plan.error());
  auto memory = NodeMemory::enter(*plan);
  if (!memory) return std::unexpected(memory.error());
  impl->memory = std::move(*memory);
  impl->loop = std::make_unique<EventLoop>();
  auto node = RealNode::open(*impl->repo, *impl->memory, *impl->loop);
  if (!node) return std::unexpected(node.error());
  impl->node = std::move(*node);
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    impl->node->close();
    return std::unexpected(std::string("socketpair: ") + std::strerror(errno));
  }
  impl->client_socket = ends[0];
  impl->server = std::make_unique<rpc::Server>(*impl->node, impl->memory->requests());
  impl->server->trust_clients();
  impl->node->on_shut_down([loop = impl->loop.get()] { loop->stop(); });
  if (!impl->server->adopt(ends[1])) {
    ::close(ends[1]);
    impl->node->close();
    return std::unexpected("the memory budget has no room for a connection of the RPC");
  }
  impl->thread = std::thread([raw = impl.get()] { raw->serve(); });
  return std::unique_ptr<LocalNode>(new LocalNode(std::move(impl)));
}

LocalNode::~LocalNode() {
  if (impl_->client_socket >= 0) ::close(impl_->client_socket);
  boost::asio::post(impl_->loop->context(), [node = impl_->node.get()] { node->shut_down(); });
  impl_->thread.join();
}

int LocalNode::take_socket() { return std::exchange(impl_->client_socket, -1); }

}  // namespace masu::core
