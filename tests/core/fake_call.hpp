// FakeCall: one call of a command, run to its end on a FakeNode; what was answered is kept.
#pragma once

#include "alloc/resource.hpp"
#include "core/rpc/command.hpp"
#include "core/rpc/global_options.hpp"
#include "core/rpc/options.hpp"
#include "tests/core/fake_node.hpp"

#include <map>
#include <string>
#include <vector>

#include <boost/json/serialize.hpp>

namespace masu::core::test {

class FakeCall final : public rpc::Call, private TaskListener {
 public:
  using Options = std::vector<std::pair<std::string, std::string>>;

  FakeCall(FakeNode& node, const rpc::CommandSpec& spec, std::vector<std::string> arguments,
           const Options& options = {}, bool text = false)
      : node_(node),
        spec_(spec),
        arguments_(std::move(arguments)),
        options_(spec, rpc::global_options()),
        text_(text) {
    for (const auto& [name, value] : options) {
      const rpc::OptionSpec* const option = options_.find(name);
      MASU_CHECK(option != nullptr && options_.add(*option, value), "an option of the command");
    }
  }

  // Runs the command to its end.
  FakeCall& run() {
    start();
    return finish();
  }
  // In two steps, for what happens in between.
  void start() { run_.start(task(memory_, *this), *this); }
  FakeCall& finish() {
    node_.sim_jobs().run_until([this] { return done_; });
    MASU_CHECK(done_, "a command ends");
    return *this;
  }

  std::string body;
  std::map<std::string, std::string> headers;
  std::string content_type;
  bool single_value = false;
  std::string error;  // empty: none
  bool failed = false;
  bool out_of_memory = false;
  std::size_t writes = 0;
  std::size_t writes_max = ~std::size_t{0};  // then the client goes away
  std::size_t largest_write = 0;
  bool stop = false;
  bool others_wait = false;
  std::vector<std::string> files;         // the upload
  std::vector<rpc::UploadEntry> entries;  // what they are; files without a name when there is nothing here
  std::size_t upload_piece = 16 * 1024;   // its bytes come in pieces of this
  std::size_t pieces_until_stop = ~std::size_t{0};

  Node& node() override { return node_; }
  const rpc::CommandSpec& spec() const override { return spec_; }
  std::pmr::memory_resource& memory() override { return memory_; }
  Account& account() override { return account_; }
  bool stopped() const override { return stop; }
  bool crowded() const override { return others_wait; }
  bool given(std::string_view option) const override { return options_.given(option); }
  bool flag(std::string_view option) const override { return options_.flag(option); }
  std::optional<std::int64_t> integer(std::string_view option) const override {
    return options_.integer(option);
  }
  std::string_view text(std::string_view option) const override { return options_.text(option); }
  std::span<const std::string> texts(std::string_view option) const override {
    return options_.texts(option);
  }
  std::span<const std::string> arguments() const override { return arguments_; }
  bool text_encoding() const override { return text_; }
  std::string show(const Cid& cid) const override {
    const auto base = multibase_from_name(options_.text("cid-base"));
    return base ? cid.to_string(*base) : cid.to_string();
  }

  Task<std::expected<std::optional<rpc::UploadEntry>, rpc::CommandError>> next_entry(TaskMemory) override {
    if (next_file_ == files.size()) co_return std::nullopt;
    file_left_ = files[next_file_++];
    if (next_file_ <= entries.size()) co_return entries[next_file_ - 1];
    co_return rpc::UploadEntry{};
  }
  Task<std::expected<ChunkChain, rpc::CommandError>> read_entry(TaskMemory, Account& holder) override {
    ChunkChain chain;
    const std::string_view piece = file_left_.substr(0, upload_piece);
    file_left_.remove_prefix(piece.size());
    MASU_CHECK(chain.append_copy(node_.chunks(), holder, as_bytes(piece)), "an upload has chunks");
    if (pieces_until_stop-- == 0) stop = true;
    co_return chain;
  }

  void set_content_type(std::string_view type) override { content_type = type; }
  void set_header(std::string_view name, std::string_view value) override {
    headers[std::string(name)] = value;
  }
  void set_single_value() override { single_value = true; }
  Task<bool> emit(TaskMemory, const boost::json::value& value) override {
    std::string out;
    if (text_ && spec_.text != nullptr) {
      spec_.text(value, *this, out);
    } else {
      out = boost::json::serialize(value) + "\n";
    }
    co_return take(out);
  }
  Task<bool> write(TaskMemory, Bytes bytes) override { co_return take(as_text(bytes)); }
  Task<bool> write_chain(TaskMemory, ChunkChain chain) override {
    std::string out;
    for (auto piece = chain.begin(); piece; piece.next()) out += as_text(piece.data());
    co_return take(out);
  }

 private:
  static Task<void> task(TaskMemory memory, FakeCall& call) {
    rpc::CommandResult result = co_await call.spec_.run(memory, call);
    if (result) co_return;
    call.failed = true;
    call.error = result.error().message;
  }
  bool take(std::string_view bytes) {
    if (writes == writes_max) return false;
    ++writes;
    largest_write = std::max(largest_write, bytes.size());
    body += bytes;
    return true;
  }
  void on_task_done(TaskOutcome outcome) noexcept override {
    done_ = true;
    out_of_memory = outcome == TaskOutcome::out_of_memory;
  }

  FakeNode& node_;
  const rpc::CommandSpec& spec_;
  std::vector<std::string> arguments_;
  rpc::OptionValues options_;
  const bool text_;
  Account account_{node_.budget(), "request", Lifetime::request, 96 * 1024};
  AccountResource memory_{account_};
  std::size_t next_file_ = 0;
  std::string_view file_left_;
  TaskRun run_;
  bool done_ = false;
};

}  // namespace masu::core::test
