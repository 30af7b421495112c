// ServerCall: a Call that came in by HTTP. Internal to core/rpc/server.hpp; a local of the request's task.
#pragma once

#include "core/rpc/command.hpp"
#include "core/rpc/query.hpp"
#include "core/rpc/upload_reader.hpp"
#include "http/server.hpp"
#include "multiformats/multibase.hpp"
#include "net/timers.hpp"

#include <array>
#include <optional>
#include <string>

namespace masu::core::rpc {

class Access;

enum class Encoding : std::uint8_t { json, text };

class ServerCall final : public Call, private http::GoneListener, private net::Timer {
 public:
  ServerCall(Node& node, Account& account, http::Exchange& exchange, const Access& access, TaskMemory memory,
             Query query);
  ~ServerCall();

  // Reads `encoding`, `timeout` and `cid-base`, and the arguments that come in the body. The error: an answer
  // of plain text.
  Task<std::expected<void, QueryError>> prepare(TaskMemory memory);
  // Runs the command and ends the answer.
  Task<void> run(TaskMemory memory);

  // Call:
  Node& node() override { return node_; }
  const CommandSpec& spec() const override { return *query_.spec; }
  std::pmr::memory_resource& memory() override { return memory_; }
  Account& account() override { return account_; }
  bool stopped() const override;
  bool crowded() const override { return exchange_.crowded(); }
  void watch(StopListener& listener) override { listeners_.push_back(listener); }
  bool given(std::string_view option) const override { return query_.options.given(option); }
  bool flag(std::string_view option) const override { return query_.options.flag(option); }
  std::optional<std::int64_t> integer(std::string_view option) const override {
    return query_.options.integer(option);
  }
  std::string_view text(std::string_view option) const override { return query_.options.text(option); }
  std::span<const std::string> texts(std::string_view option) const override {
    return query_.options.texts(option);
  }
  std::span<const std::string> arguments() const override { return query_.arguments; }
  bool text_encoding() const override { return encoding_ == Encoding::text; }
  std::string show(const Cid& cid) const override;
  Task<std::expected<std::optional<UploadEntry>, CommandError>> next_entry(TaskMemory memory) override;
  Task<std::expected<ChunkChain, CommandError>> read_entry(TaskMemory memory, Account& holder) override;
  void set_content_type(std::string_view type) override { content_type_ = type; }
  void set_header(std::string_view name, std::string_view value) override {
    exchange_.add_header(name, value);
  }
  void set_single_value() override { single_value_ = true; }
  Task<bool> emit(TaskMemory memory, const boost::json::value& value) override;
  Task<bool> write(TaskMemory memory, Bytes bytes) override;
  Task<bool> write_chain(TaskMemory memory, ChunkChain chain) override;

 private:
  enum class Output : std::uint8_t { nothing, values, bytes };

  void on_gone() override;
  void on_timer(TimePoint now) override;
  void tell_stopped();
  Task<std::expected<std::optional<UploadEntry>, CommandError>> no_entry(TaskMemory memory);
  Task<CommandResult> run_command(TaskMemory memory);
  Task<void> finish(TaskMemory memory, const CommandResult& result);
  void begin(unsigned status, Output output);
  CommandError final_error(const CommandError& error) const;

  Node& node_;
  Account& account_;
  http::Exchange& exchange_;
  const Access& access_;
  std::pmr::memory_resource& memory_;
  Query query_;
  UploadReader upload_;
  bool has_upload_ = false;
  Encoding encoding_ = Encoding::json;
  std::optional<Multibase> cid_base_;
  bool upgrade_cids_ = false;
  bool upgrade_given_ = false;
  bool bad_cid_base_ = false;
  bool deadline_over_ = false;
  bool telling_ = false;
  bool out_of_memory_ = false;
  bool single_value_ = false;
  std::string content_type_;
  IntrusiveList<StopListener> listeners_;
  std::array<std::uint8_t, 4096> out_;  // text on its way
};

}  // namespace masu::core::rpc
