// Commands: what `masu NAME` and POST /api/v0/NAME are, as one table for both.
//
// A CommandSpec says how a command is called (Kubo's names, flags, defaults) and has the function that runs
// it on the node. The RPC server parses a request into a Call by the spec, the command line parses its words
// by the same spec and sends them to that server. Answers are typed values (one JSON value a line) or raw
// bytes; with `encoding=text` the spec's text function writes each value as Kubo's command line prints it,
// so that the command line passes most answers on as they come.
//
// A run function is a coroutine on the loop. It holds the request's memory (call.memory()) and whatever it
// asks of the node, checks call.stopped() in long loops, and gives all back when it ends.
#pragma once

#include "alloc/bytes.hpp"
#include "alloc/chunk_pool.hpp"
#include "alloc/intrusive_list.hpp"
#include "alloc/task.hpp"
#include "multiformats/cid.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace masu::core {
class Node;
}
namespace masu::store {
class BlockSource;
}

namespace masu::core::rpc {

enum class OptionType : std::uint8_t { boolean, integer, unsigned_integer, floating, text, texts };

struct OptionSpec {
  std::string_view name;        // "recursive"
  std::string_view short_name;  // "r", or empty
  OptionType type = OptionType::boolean;
  std::string_view default_text;  // what it is when not given; empty: nothing
  std::string_view help;
};

struct ArgumentSpec {
  std::string_view name;
  bool required = false;
  bool variadic = false;
  bool is_file = false;        // travels as multipart
  bool recursive = false;      // may be a directory, with -r
  bool accepts_stdin = false;  // read from standard input when not given
  std::string_view help;
};

enum class CommandPlace : std::uint8_t {
  anywhere,     // with a daemon through it, else on a repo that this process opens
  daemon_only,  // "this command must be run in online mode" and the like
  client_only,  // no endpoint: `init`, `daemon`, `version deps`
};

enum class ErrorKind : std::uint8_t {
  normal = 0,
  client = 1,
  implementation = 2,
  rate_limited = 3,
  forbidden = 4
};

struct CommandError {
  std::string message;
  ErrorKind kind = ErrorKind::normal;
};
using CommandResult = std::expected<void, CommandError>;
inline std::unexpected<CommandError> fail(std::string message, ErrorKind kind = ErrorKind::normal) {
  return std::unexpected(CommandError{std::move(message), kind});
}

// A part of an upload: a file, whose bytes follow, a directory or a symlink.
struct UploadEntry {
  enum class Kind : std::uint8_t { file, directory, symlink };
  Kind kind = Kind::file;
  std::string path;  // unescaped, components with '/'; may be empty (standard input)
  std::string link_target;
  std::optional<std::uint32_t> mode;
  std::optional<std::int64_t> mtime_seconds;
  std::uint32_t mtime_nanos = 0;
};

// Told once, from the loop, when a call becomes stopped(). Takes itself off when it goes.
class StopListener : public IntrusiveListNode<StopListener> {
 public:
  virtual void on_stop() = 0;

 protected:
  ~StopListener() = default;
};

class Call;
using RunFunction = Task<CommandResult> (*)(TaskMemory memory, Call& call);
// Appends how `value` (as emitted) reads as text.
using TextFunction = void (*)(const boost::json::value& value, const Call& call, std::string& out);

struct CommandSpec {
  std::string_view path;  // "pin add"; families ("pin") have no run function
  std::string_view tagline;
  std::string_view description;
  std::span<const OptionSpec> options;
  std::span<const ArgumentSpec> arguments;
  CommandPlace place = CommandPlace::anywhere;
  RunFunction run = nullptr;
  TextFunction text = nullptr;
};

// One call of a command, on the side of the node. Made by the RPC server; loop thread only.
class Call {
 public:
  virtual Node& node() = 0;
  virtual const CommandSpec& spec() const = 0;
  // Memory of this request, counted and capped ("http.request"): coroutine frames, JSON values, buffers.
  virtual std::pmr::memory_resource& memory() = 0;
  virtual Account& account() = 0;
  // The client is gone, the deadline (`timeout`) is over, or the node stops.
  virtual bool stopped() const = 0;
  virtual void watch(StopListener& listener);  // of a call that never stops: nothing
  // Others wait for the place that this call has.
  virtual bool crowded() const { return false; }
  // Blocks for this call, of the network too unless `offline`. What waits in it when the call is stopped ends
  // with StoreErrorCode::stopped, and what is asked for later as well. Destroyed before the call.
  std::unique_ptr<store::BlockSource> open_source();

  // --- What was asked. Names are those of the spec, or of the global options. ---
  virtual bool given(std::string_view option) const = 0;
  virtual bool flag(std::string_view option) const = 0;
  virtual std::optional<std::int64_t> integer(std::string_view option) const = 0;  // of both integer types
  virtual std::string_view text(std::string_view option) const = 0;  // empty: not given, no default
  virtual std::span<const std::string> texts(std::string_view option) const = 0;
  virtual std::span<const std::string> arguments() const = 0;
  bool offline() const { return flag("offline"); }
  virtual bool text_encoding() const = 0;
  // `cid` as the answer shows it (`cid-base`).
  virtual std::string show(const Cid& cid) const = 0;

  // --- The upload of a command with a file argument. ---
  // The next entry, nothing at the end. What was not read of the one before is skipped.
  virtual Task<std::expected<std::optional<UploadEntry>, CommandError>> next_entry(TaskMemory memory) = 0;
  // The next bytes of the current file, charged to `holder`; an empty chain at its end.
  virtual Task<std::expected<ChunkChain, CommandError>> read_entry(TaskMemory memory, Account& holder) = 0;

  // --- The answer. A false means that the client is gone: end soon. ---
  // Before the first byte only.
  virtual void set_content_type(std::string_view type) = 0;
  virtual void set_header(std::string_view name, std::string_view value) = 0;
  virtual void set_single_value() = 0;  // one JSON value: no `X-Chunked-Output`
  // One value: a line of JSON, or its text.
  virtual Task<bool> emit(TaskMemory memory, const boost::json::value& value) = 0;
  // Bytes as they are (`cat`, `block get`, or a JSON object that is written piece by piece).
  virtual Task<bool> write(TaskMemory memory, Bytes bytes) = 0;
  virtual Task<bool> write_chain(TaskMemory memory, ChunkChain chain) = 0;

 protected:
  ~Call() = default;
};

// Every command, families included, in the order of `masu commands`.
std::span<const CommandSpec* const> all_commands();
// Null: there is none of this path ("pin add").
const CommandSpec* find_command(std::string_view path);

}  // namespace masu::core::rpc
