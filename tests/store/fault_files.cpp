#include "tests/store/fault_files.hpp"

#include <algorithm>
#include <cerrno>
#include <set>

namespace masu::store::test {
namespace {

void write_into(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  content.replace(offset, bytes.size(), bytes);
}

}  // namespace

class FaultFiles::OpenFile final : public File {
 public:
  OpenFile(FaultFiles& files, std::string path, std::shared_ptr<Node> node)
      : files_(files), path_(std::move(path)), node_(std::move(node)) {}

  StoreResult<std::uint64_t> size() override {
    const std::lock_guard guard(files_.lock_);
    if (auto step = files_.step("size of " + path_); !step) return std::unexpected(step.error());
    return node_->cached.size();
  }

  StoreResult<std::size_t> read(std::uint64_t offset, std::span<const MutableBytes> pieces) override {
    const std::lock_guard guard(files_.lock_);
    if (auto step = files_.step("read " + path_); !step) return std::unexpected(step.error());
    std::size_t done = 0;
    for (const MutableBytes piece : pieces) {
      if (offset >= node_->cached.size()) break;
      const std::size_t part = std::min<std::size_t>(piece.size(), node_->cached.size() - offset);
      std::copy_n(node_->cached.begin() + static_cast<std::ptrdiff_t>(offset), part, piece.begin());
      offset += part;
      done += part;
    }
    return done;
  }

  StoreResult<void> write(std::uint64_t offset, std::span<const Bytes> pieces) override {
    std::string bytes;
    for (const Bytes piece : pieces) bytes.append(as_text(piece));
    const std::lock_guard guard(files_.lock_);
    auto result = files_.step("write " + path_);
    if (files_.off_) return result;
    if (result && files_.used_locked() + bytes.size() > files_.capacity_) {
      result = std::unexpected(file_error(ENOSPC, "write", path_));
    }
    if (!result) bytes.resize(files_.random_.number(bytes.size() + 1));
    write_into(node_->cached, offset, bytes);
    node_->unsynced.push_back({offset, std::move(bytes), std::nullopt});
    return result;
  }

  StoreResult<void> truncate(std::uint64_t bytes) override {
    const std::lock_guard guard(files_.lock_);
    if (auto step = files_.step("truncate " + path_); !step) return step;
    node_->cached.resize(bytes);
    node_->unsynced.push_back({0, {}, bytes});
    return {};
  }

  StoreResult<void> sync() override {
    std::unique_lock guard(files_.lock_);
    files_.pass_gate(guard);
    auto step = files_.step("sync " + path_);
    if (files_.off_) return step;
    if (!step) {
      files_.settle(*node_);  // what did not reach the disk never will
    } else {
      for (const Node::Write& write : node_->unsynced) {
        if (write.truncated) {
          node_->durable.resize(*write.truncated);
        } else {
          write_into(node_->durable, write.offset, write.bytes);
        }
      }
    }
    node_->unsynced.clear();
    return step;
  }

  void start_writeback(std::uint64_t, std::uint64_t) noexcept override {}

 private:
  FaultFiles& files_;
  const std::string path_;
  const std::shared_ptr<Node> node_;
};

void FaultFiles::pass_gate(std::unique_lock<std::mutex>& guard) {
  ++syncs_waiting_;
  syncs_changed_.notify_all();
  syncs_changed_.wait(guard, [this] { return !syncs_held_; });
  --syncs_waiting_;
}

void FaultFiles::hold_syncs() {
  const std::lock_guard guard(lock_);
  syncs_held_ = true;
}

void FaultFiles::let_syncs_go() {
  const std::lock_guard guard(lock_);
  syncs_held_ = false;
  syncs_changed_.notify_all();
}

void FaultFiles::wait_for_held_sync() {
  std::unique_lock guard(lock_);
  syncs_changed_.wait(guard, [this] { return syncs_waiting_ > 0; });
}

// Counts the operation, and says no where it is its turn.
StoreResult<void> FaultFiles::step(const std::string& what) {
  if (off_) return std::unexpected(file_error(EIO, "no power:", what));
  const std::uint64_t number = operations_++;
  if (number >= fail_from_ && number <= fail_to_) {
    return std::unexpected(file_error(error_number_, "injected:", what));
  }
  return {};
}

StoreResult<std::unique_ptr<File>> FaultFiles::open(const std::string& path, Mode mode) {
  const std::lock_guard guard(lock_);
  if (auto done = step("open " + path); !done) return std::unexpected(done.error());
  auto found = names_.find(path);
  if (mode == Mode::create) {
    if (found != names_.end()) return std::unexpected(file_error(EEXIST, "open", path));
    found = names_.emplace(path, std::make_shared<Node>()).first;
    unsynced_names_.push_back({path, found->second});
  }
  if (found == names_.end()) return std::unexpected(file_error(ENOENT, "open", path));
  return std::make_unique<OpenFile>(*this, path, found->second);
}

StoreResult<void> FaultFiles::unlink(const std::string& path) {
  const std::lock_guard guard(lock_);
  if (auto done = step("unlink " + path); !done) return done;
  if (names_.erase(path) == 0) return std::unexpected(file_error(ENOENT, "remove", path));
  unsynced_names_.push_back({path, nullptr});
  return {};
}

StoreResult<void> FaultFiles::sync_directory(const std::string& path) {
  const std::lock_guard guard(lock_);
  if (auto done = step("sync directory " + path); !done) return done;
  durable_names_ = names_;
  unsynced_names_.clear();
  return {};
}

StoreResult<std::uint64_t> FaultFiles::free_bytes(const std::string&) {
  const std::lock_guard guard(lock_);
  const std::uint64_t used = used_locked();
  return used > capacity_ ? 0 : capacity_ - used;
}

StoreResult<std::vector<std::string>> FaultFiles::list(const std::string& path) {
  const std::lock_guard guard(lock_);
  if (auto done = step("list " + path); !done) return std::unexpected(done.error());
  std::vector<std::string> found;
  for (const auto& [name, node] : names_) {
    if (name.starts_with(path + "/")) found.push_back(name.substr(path.size() + 1));
  }
  return found;
}

void FaultFiles::power_off() {
  const std::lock_guard guard(lock_);
  off_ = true;
}

void FaultFiles::power_on() {
  const std::lock_guard guard(lock_);
  off_ = false;
  fail_from_ = ~std::uint64_t{0};
  for (const NameChange& change : unsynced_names_) {
    if (random_.next() % 2 == 0) continue;
    if (change.node) {
      durable_names_[change.path] = change.node;
    } else {
      durable_names_.erase(change.path);
    }
  }
  unsynced_names_.clear();
  names_ = durable_names_;
  std::set<Node*> nodes;
  for (const auto& [name, node] : names_) nodes.insert(node.get());
  for (Node* node : nodes) {
    settle(*node);
    node->cached = node->durable;
    node->unsynced.clear();
  }
}

// Some of the sectors of what was not synced are on the disk.
void FaultFiles::settle(Node& node) {
  constexpr std::uint64_t sector = 512;
  for (const Node::Write& write : node.unsynced) {
    if (write.truncated) {
      if (random_.next() % 2 == 0) node.durable.resize(*write.truncated);
      continue;
    }
    const unsigned luck = random_.next() % 3;  // all, none, or each by itself
    for (std::uint64_t at = 0; at < write.bytes.size();) {
      const std::uint64_t part =
          std::min<std::uint64_t>(sector - (write.offset + at) % sector, write.bytes.size() - at);
      if (luck == 0 || (luck == 2 && random_.next() % 2 == 0)) {
        write_into(node.durable, write.offset + at, std::string_view(write.bytes).substr(at, part));
      }
      at += part;
    }
  }
}

void FaultFiles::fail_after(std::uint64_t count, int error_number, std::uint64_t also) {
  const std::lock_guard guard(lock_);
  fail_from_ = operations_ + count;
  fail_to_ = fail_from_ + also;
  error_number_ = error_number;
}

void FaultFiles::heal() {
  const std::lock_guard guard(lock_);
  fail_from_ = ~std::uint64_t{0};
  fail_to_ = 0;
  capacity_ = std::uint64_t{1} << 40;
}

bool FaultFiles::failed_one() const {
  const std::lock_guard guard(lock_);
  return operations_ > fail_from_;
}

std::uint64_t FaultFiles::operations() const {
  const std::lock_guard guard(lock_);
  return operations_;
}

void FaultFiles::set_capacity(std::uint64_t bytes) {
  const std::lock_guard guard(lock_);
  capacity_ = bytes;
}

std::uint64_t FaultFiles::used_bytes() const {
  const std::lock_guard guard(lock_);
  return used_locked();
}

std::uint64_t FaultFiles::used_locked() const {
  std::uint64_t sum = 0;
  for (const auto& [name, node] : names_) sum += node->cached.size();
  return sum;
}

void FaultFiles::corrupt_byte(const std::string& path, std::uint64_t offset) {
  const std::lock_guard guard(lock_);
  Node& node = *names_.at(path);
  node.cached.at(offset) ^= 0x20;
  node.durable = node.cached;
}

void FaultFiles::truncate_behind_back(const std::string& path, std::uint64_t bytes) {
  const std::lock_guard guard(lock_);
  Node& node = *names_.at(path);
  node.cached.resize(bytes);
  node.durable = node.cached;
}

}  // namespace masu::store::test
