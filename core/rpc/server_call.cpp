#include "core/rpc/server_call.hpp"

#include "alloc/plan.hpp"
#include "core/node.hpp"
#include "core/rpc/access.hpp"
#include "core/rpc/json_writer.hpp"

#include <boost/json/object.hpp>

namespace masu::core::rpc {
namespace {

constexpr std::string_view exposed_headers = "X-Stream-Output, X-Chunked-Output, X-Content-Length";

}  // namespace

ServerCall::ServerCall(Node& node, Account& account, http::Exchange& exchange, const Access& access,
                       TaskMemory memory, Query query)
    : node_(node),
      account_(account),
      exchange_(exchange),
      access_(access),
      memory_(memory.resource()),
      query_(std::move(query)),
      upload_(*this, exchange, node.chunks(), account) {
  exchange.set_gone_listener(this);
}

ServerCall::~ServerCall() { exchange_.set_gone_listener(nullptr); }

Task<std::expected<void, QueryError>> ServerCall::prepare(TaskMemory memory) {
  const auto refuse = [](std::string text) { return std::unexpected(QueryError{400, std::move(text)}); };
  const std::string_view encoding = given("encoding") ? text("encoding") : "json";
  if (encoding == "text") {
    encoding_ = Encoding::text;
  } else if (encoding != "json") {
    co_return refuse("invalid encoding: " + std::string(encoding));
  }
  if (const std::string_view base = text("cid-base"); !base.empty()) {
    cid_base_ = multibase_from_name(base);
    bad_cid_base_ = !cid_base_;
  }
  upgrade_given_ = given("upgrade-cidv0-in-output");
  upgrade_cids_ = flag("upgrade-cidv0-in-output");
  const auto is_multipart = upload_.open();
  if (!is_multipart) co_return refuse(is_multipart.error());
  has_upload_ = *is_multipart;
  if (const ArgumentSpec* const file = required_file(spec()); file != nullptr && !has_upload_) {
    co_return refuse("file argument '" + std::string(file->name) + "' is required");
  }
  if (given("timeout")) {
    const auto timeout = parse_duration(text("timeout"));
    if (!timeout) co_return refuse(timeout.error());
    node_.timers().arm(*this, node_.clock().now() + *timeout);
  }
  if (has_upload_ && takes_arguments_from_body(spec())) {
    auto lines = co_await upload_.read_lines(memory);
    if (!lines) co_return refuse(std::move(lines.error().message));
    for (std::string& line : *lines) query_.arguments.push_back(std::move(line));
    has_upload_ = false;
  }
  if (const ArgumentSpec* const missing = missing_argument(spec(), query_.arguments.size())) {
    co_return refuse("argument \"" + std::string(missing->name) + "\" is required");
  }
  co_return std::expected<void, QueryError>();
}

Task<void> ServerCall::run(TaskMemory memory) {
  CommandResult result;
  try {
    result = co_await run_command(memory);
  } catch (const std::bad_alloc&) {
    out_of_memory_ = true;
    result = fail("out of memory for this request: all requests together may hold " +
                  format_bytes(account_.quota_bytes()) + " (account " + std::string(account_.name()) + ")");
  }
  cancel();  // the deadline
  co_await finish(memory, result);
}

Task<CommandResult> ServerCall::run_command(TaskMemory memory) {
  if (bad_cid_base_) co_return fail("unsupported multibase encoding: " + std::string(text("cid-base")));
  co_return co_await query_.spec->run(memory, *this);
}

// Ends the answer: a status when nothing was sent yet, else a trailer.
Task<void> ServerCall::finish(TaskMemory memory, const CommandResult& result) {
  if (exchange_.started()) {
    if (!result) exchange_.add_trailer("X-Stream-Error", final_error(result.error()).message);
    co_return;
  }
  if (result) {
    begin(200, Output::values);
    co_return;
  }
  const CommandError error = final_error(result.error());
  const bool is_client = error.kind == ErrorKind::client;
  content_type_.clear();
  begin(is_client ? 400 : out_of_memory_ ? 503 : 500, Output::nothing);
  if (encoding_ == Encoding::text) {
    co_await exchange_.write(memory, as_bytes(error.message));
    co_return;
  }
  const boost::json::value value = {
      {"Message", error.message}, {"Code", static_cast<int>(error.kind)}, {"Type", "error"}};
  co_await emit(memory, value);
}

CommandError ServerCall::final_error(const CommandError& error) const {
  // Programs look for these texts, whatever the command was in the middle of.
  if (deadline_over_ && error.message.find("context deadline exceeded") == std::string::npos) {
    return {"context deadline exceeded", ErrorKind::normal};
  }
  if (!deadline_over_ && stopped() && error.message.find("context canceled") == std::string::npos) {
    return {"context canceled", ErrorKind::normal};
  }
  return error;
}

bool ServerCall::stopped() const { return deadline_over_ || exchange_.gone() || node_.stopping(); }

void ServerCall::on_gone() { tell_stopped(); }

void ServerCall::on_timer(TimePoint) {
  if (!telling_) deadline_over_ = true;
  tell_stopped();
}

// One at a time, each in a turn of its own: who is told may end the call.
void ServerCall::tell_stopped() {
  telling_ = true;
  cancel();
  StopListener* const listener = listeners_.pop_front();
  if (listener == nullptr) return;
  if (!listeners_.empty()) node_.timers().arm(*this, node_.clock().now());
  listener->on_stop();
}

std::string ServerCall::show(const Cid& cid) const {
  if (!cid_base_ && !upgrade_cids_) return cid.to_string();
  if (cid.version() == 0) {
    const bool upgrade = upgrade_given_ ? upgrade_cids_ : *cid_base_ != Multibase::base58btc;
    if (!upgrade) return cid.to_string();
    return cid.to_v1().to_string(cid_base_.value_or(Multibase::base32));
  }
  return cid.to_string(cid_base_.value_or(Multibase::base32));
}

Task<std::expected<std::optional<UploadEntry>, CommandError>> ServerCall::next_entry(TaskMemory memory) {
  if (has_upload_) return upload_.next_entry(memory);
  return no_entry(memory);
}

Task<std::expected<std::optional<UploadEntry>, CommandError>> ServerCall::no_entry(TaskMemory) {
  co_return std::optional<UploadEntry>();
}

Task<std::expected<ChunkChain, CommandError>> ServerCall::read_entry(TaskMemory memory, Account& holder) {
  return upload_.read_entry(memory, holder);
}

// --- The answer ---

void ServerCall::begin(unsigned status, Output output) {
  for (const http::Header& header : access_.headers()) exchange_.add_header(header.name, header.value);
  exchange_.start(status);
  exchange_.add_header("Access-Control-Allow-Headers", exposed_headers);
  exchange_.add_header("Access-Control-Expose-Headers", exposed_headers);
  exchange_.add_header("Trailer", "X-Stream-Error");
  const bool is_text = encoding_ == Encoding::text || output == Output::bytes;
  exchange_.add_header("Content-Type", !content_type_.empty() ? std::string_view(content_type_)
                                       : is_text              ? "text/plain"
                                                              : "application/json");
  if (single_value_ || output == Output::nothing) return;
  exchange_.add_header(output == Output::bytes ? "X-Stream-Output" : "X-Chunked-Output", "1");
}

Task<bool> ServerCall::emit(TaskMemory memory, const boost::json::value& value) {
  if (!exchange_.started()) begin(200, Output::values);
  if (encoding_ == Encoding::text && spec().text != nullptr) {
    std::string text;
    spec().text(value, *this, text);
    co_return co_await exchange_.write(memory, as_bytes(text));
  }
  JsonWriter writer(value, memory_);
  const MutableBytes space = MutableBytes(out_).first(out_.size() - 1);
  for (bool over = false; !over;) {
    std::size_t bytes = writer.fill(space);
    over = space.size() - bytes >= JsonWriter::space_bytes_min;
    if (over) out_[bytes++] = '\n';  // travels with the last piece
    const bool on = co_await exchange_.write(memory, Bytes(out_).first(bytes));
    if (!on) co_return false;
  }
  co_return true;
}

Task<bool> ServerCall::write(TaskMemory memory, Bytes bytes) {
  if (!exchange_.started()) begin(200, Output::bytes);
  return exchange_.write(memory, bytes);
}

Task<bool> ServerCall::write_chain(TaskMemory memory, ChunkChain chain) {
  if (!exchange_.started()) begin(200, Output::bytes);
  return exchange_.write_chain(memory, std::move(chain));
}

}  // namespace masu::core::rpc
