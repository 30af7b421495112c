#include "tests/store/fault_index.hpp"

#include <vector>

namespace masu::store::test {

using rocksdb::IOStatus;

class FaultIndex::FileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FileSystem(const std::shared_ptr<rocksdb::FileSystem>& target, std::uint64_t seed)
      : FileSystemWrapper(target), random_(seed) {}

  const char* Name() const override { return "FaultIndex"; }
  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           rocksdb::IODebugContext* context) override;
  IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              rocksdb::IODebugContext* context) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                      rocksdb::IODebugContext* context) override;
  IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                      rocksdb::IODebugContext* context) override;

  // Before each operation that writes. An error reads as that of RocksDB's own files.
  IOStatus allowed(const char* what, const std::string& path) {
    const std::uint64_t number = operations_++;
    const std::string operation = std::string("While ") + what + ": " + path;
    if (number == fail_at_) {
      const std::lock_guard guard(lock_);
      failed_ = operation;
      return fails_full_ ? IOStatus::NoSpace(operation, "injected")
                         : IOStatus::IOError(operation, "injected");
    }
    switch (state_.load()) {
      case State::works: return IOStatus::OK();
      case State::full: return IOStatus::NoSpace(operation, "injected");
      case State::broken: break;
    }
    return IOStatus::IOError(operation, "injected");
  }
  void set_works() {
    state_ = State::works;
    fail_at_ = never;
  }
  void fail_after(std::uint64_t count, bool full) {
    const std::lock_guard guard(lock_);
    fails_full_ = full;
    failed_.clear();
    fail_at_ = operations_ + count;
  }
  std::string failed() {
    const std::lock_guard guard(lock_);
    return failed_;
  }
  void set_refusing(bool full) { state_ = full ? State::full : State::broken; }
  void lose_unsynced();
  void appended(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard guard(lock_);
    written_[path].bytes += bytes;
  }
  void synced(const std::string& path) {
    const std::lock_guard guard(lock_);
    written_[path].synced = written_[path].bytes;
  }

 private:
  enum class State { works, full, broken };
  struct Written {
    std::uint64_t bytes = 0, synced = 0;
  };
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  std::atomic<State> state_{State::works};
  std::atomic<std::uint64_t> operations_ = 0;
  std::atomic<std::uint64_t> fail_at_ = never;
  std::atomic<bool> fails_full_ = false;
  std::mutex lock_;
  std::string failed_;
  std::map<std::string, Written> written_;
  ByteStream random_;
};

namespace {

template <class Owner>
class TrackedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  TrackedFile(std::unique_ptr<rocksdb::FSWritableFile> file, Owner& owner, std::string path)
      : FSWritableFileOwnerWrapper(std::move(file)), owner_(owner), path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                  rocksdb::IODebugContext* context) override {
    if (auto allowed = owner_.allowed("appending to file", path_); !allowed.ok()) return allowed;
    owner_.appended(path_, data.size());
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                  const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    if (auto allowed = owner_.allowed("syncing file", path_); !allowed.ok()) return allowed;
    owner_.synced(path_);
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }
  IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return Sync(options, context);
  }

 private:
  Owner& owner_;
  const std::string path_;
};

}  // namespace

IOStatus FaultIndex::FileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                                 std::unique_ptr<rocksdb::FSWritableFile>* result,
                                                 rocksdb::IODebugContext* context) {
  if (auto status = allowed("opening file", path); !status.ok()) return status;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const auto status = FileSystemWrapper::NewWritableFile(path, options, &file, context);
  if (!status.ok()) return status;
  {
    const std::lock_guard guard(lock_);
    written_[path] = {};
  }
  *result = std::make_unique<TrackedFile<FileSystem>>(std::move(file), *this, path);
  return status;
}

IOStatus FaultIndex::FileSystem::ReopenWritableFile(const std::string& path,
                                                    const rocksdb::FileOptions& options,
                                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                                    rocksdb::IODebugContext* context) {
  if (auto status = allowed("opening file", path); !status.ok()) return status;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const auto status = FileSystemWrapper::ReopenWritableFile(path, options, &file, context);
  if (!status.ok()) return status;
  *result = std::make_unique<TrackedFile<FileSystem>>(std::move(file), *this, path);
  return status;
}

IOStatus FaultIndex::FileSystem::RenameFile(const std::string& from, const std::string& to,
                                            const rocksdb::IOOptions& options,
                                            rocksdb::IODebugContext* context) {
  if (auto status = allowed("renaming file", from); !status.ok()) return status;
  const auto status = FileSystemWrapper::RenameFile(from, to, options, context);
  const std::lock_guard guard(lock_);
  if (status.ok() && written_.contains(from)) {
    written_[to] = written_[from];
    written_.erase(from);
  }
  return status;
}

IOStatus FaultIndex::FileSystem::DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                                            rocksdb::IODebugContext* context) {
  if (auto status = allowed("deleting file", path); !status.ok()) return status;
  const std::lock_guard guard(lock_);
  written_.erase(path);
  return FileSystemWrapper::DeleteFile(path, options, context);
}

void FaultIndex::FileSystem::lose_unsynced() {
  const std::lock_guard guard(lock_);
  for (auto& [path, written] : written_) {
    if (written.bytes == written.synced) continue;
    const std::uint64_t keep = written.synced + random_.number(written.bytes - written.synced + 1);
    std::unique_ptr<rocksdb::FSSequentialFile> file;
    if (!target()->NewSequentialFile(path, {}, &file, nullptr).ok()) continue;
    std::string buffer(keep, '\0');
    rocksdb::Slice content;
    if (!file->Read(keep, {}, &content, buffer.data(), nullptr).ok()) continue;
    const std::string kept = content.ToString();
    file.reset();
    std::unique_ptr<rocksdb::FSWritableFile> out;
    if (!target()->NewWritableFile(path, {}, &out, nullptr).ok()) continue;
    out->Append(kept, {}, nullptr).PermitUncheckedError();
    out->Close({}, nullptr).PermitUncheckedError();
    written = {kept.size(), kept.size()};
  }
}

FaultIndex::FaultIndex(std::uint64_t seed)
    : memory_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
      files_(std::make_shared<FileSystem>(memory_->GetFileSystem(), seed)),
      env_(rocksdb::NewCompositeEnv(files_)) {}

void FaultIndex::power_off() { files_->set_refusing(false); }
void FaultIndex::power_on() {
  files_->lose_unsynced();
  files_->set_works();
}
void FaultIndex::refuse_writes(bool full) { files_->set_refusing(full); }
void FaultIndex::heal() { files_->set_works(); }
void FaultIndex::fail_after(std::uint64_t count, bool full) { files_->fail_after(count, full); }
std::string FaultIndex::failed() const { return files_->failed(); }

}  // namespace masu::store::test
