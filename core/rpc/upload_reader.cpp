#include "core/rpc/upload_reader.hpp"

#include "core/node.hpp"
#include "core/rpc/commands/network.hpp"
#include "http/media_type.hpp"
#include "http/url_encoding.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace masu::core::rpc {
namespace {

CommandError body_failed(http::BodyError error) {
  return {std::string(http::name_of(error)), ErrorKind::client};
}

std::unexpected<CommandError> out_of_memory(const Account& holder) { return fail(refusal_text(holder)); }

// Components without empty ones, "." and "..", as path.Clean("/" + name) has them.
std::string clean(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  std::string text;
  for (const std::string_view part : parts) text.append(text.empty() ? "" : "/").append(part);
  return text;
}

template <class Integer>
std::optional<Integer> number(std::string_view text, int base) {
  Integer value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return value;
}

// "file?mode=0644&mtime=1700000000&mtime-nsecs=5"
void read_metadata(std::string_view name, UploadEntry& entry) {
  const std::size_t mark = name.find('?');
  if (mark == std::string_view::npos) return;
  http::QueryReader query(name.substr(mark + 1));
  while (const auto pair = query.next()) {
    if (pair->name == "mode") {
      entry.mode = number<std::uint32_t>(pair->value, 8);
    } else if (pair->name == "mtime") {
      entry.mtime_seconds = number<std::int64_t>(pair->value, 10);
    } else if (pair->name == "mtime-nsecs") {
      entry.mtime_nanos = number<std::uint32_t>(pair->value, 10).value_or(0);
    }
  }
}

bool is_inside(Bytes part, Bytes whole) {
  return !part.empty() && !whole.empty() && part.data() >= whole.data() &&
         part.data() + part.size() <= whole.data() + whole.size();
}

}  // namespace

std::expected<UploadEntry, std::string> entry_of(const http::HeaderLines& headers) {
  UploadEntry entry;
  if (const auto type = headers.find("content-type"); type && !type->empty()) {
    const auto media = http::MediaType::parse(*type);
    if (!media) return std::unexpected("mime: invalid media type of an uploaded file");
    if (media->type() == "application/x-directory" || media->type() == "multipart/form-data") {
      entry.kind = UploadEntry::Kind::directory;
    } else if (media->type() == "application/symlink") {
      entry.kind = UploadEntry::Kind::symlink;
    }
  }
  const auto disposition = http::MediaType::parse(headers.find("content-disposition").value_or(""));
  if (!disposition) return entry;
  const std::string_view name = disposition->parameter("filename");
  entry.path = clean(http::unescape_query(name).value_or(std::string(name)));
  read_metadata(disposition->parameter("name"), entry);
  return entry;
}

bool upload_waits_on(Call& call, TimePoint since) {
  const Duration waited = call.node().clock().now() - since;
  return waited < (call.crowded() ? upload_crowded_wait : upload_memory_wait);
}

UploadReader::UploadReader(Call& call, http::Exchange& exchange, ChunkPool& chunks, Account& account)
    : call_(call), exchange_(exchange), chunks_(chunks), account_(account) {}

std::expected<bool, std::string> UploadReader::open() {
  const std::string_view type = exchange_.header("Content-Type");
  const auto media = http::MediaType::parse(type);
  if (!media || media->type() != "multipart/form-data") return false;
  reader_ = http::MultipartReader::from_content_type(type);
  if (!reader_) return std::unexpected("no multipart boundary param in Content-Type");
  return true;
}

Task<std::expected<http::MultipartEvent, CommandError>> UploadReader::next_event(TaskMemory memory,
                                                                                 bool may_read) {
  for (;;) {
    Bytes rest = current_.data();
    const http::MultipartEvent event = reader_->next(rest);
    behind_ = rest.size();
    // Data stays where it is until it is taken.
    if (event != http::MultipartEvent::data || !is_inside(reader_->data(), current_.data())) skip_found();
    if (event == http::MultipartEvent::failed) {
      co_return std::unexpected(CommandError{"multipart: the body is malformed", ErrorKind::client});
    }
    if (event != http::MultipartEvent::more) co_return event;
    current_ = input_.pop_front();
    if (current_) continue;
    if (!may_read) co_return event;
    auto more = co_await exchange_.read_body(memory, account_);
    if (!more) co_return std::unexpected(body_failed(more.error()));
    if (more->empty()) co_return event;
    input_ = std::move(*more);
    current_ = input_.pop_front();
  }
}

void UploadReader::skip_found() {
  if (current_) current_.consume(current_.data().size() - behind_);
}

// The data that was just found, as a chunk of its own: the one it lies in when nothing else does.
std::expected<Chunk, CommandError> UploadReader::take_data(Account& holder) {
  const Bytes data = reader_->data();
  const Bytes whole = current_.data();
  const bool inside = is_inside(data, whole);
  if (inside && behind_ == 0) {
    current_.consume(static_cast<std::size_t>(data.data() - whole.data()));
    current_.truncate(data.size());
    if (!chunks_.transfer(current_, holder)) return out_of_memory(holder);
    return std::move(current_);
  }
  Chunk copy = chunks_.take(holder);
  if (!copy) return out_of_memory(holder);
  std::memcpy(copy.space().data(), data.data(), data.size());
  copy.fill(data.size());
  if (inside) skip_found();
  return copy;
}

Task<std::expected<std::optional<UploadEntry>, CommandError>> UploadReader::next_entry(TaskMemory memory) {
  while (!over_) {
    auto event = co_await next_event(memory, true);
    if (!event) co_return std::unexpected(std::move(event.error()));
    if (*event == http::MultipartEvent::data) {
      skip_found();  // not wanted
      continue;
    }
    if (*event == http::MultipartEvent::part) break;
    if (*event == http::MultipartEvent::more) {
      co_return std::unexpected(CommandError{"unexpected EOF in the multipart body", ErrorKind::client});
    }
    over_ = *event == http::MultipartEvent::end;
  }
  in_entry_ = !over_;
  if (over_) {
    // What comes behind the last boundary is read too, so that the connection stays good.
    for (;;) {
      auto rest = co_await exchange_.read_body(memory, account_);
      if (!rest || rest->empty()) co_return std::optional<UploadEntry>();
    }
  }
  auto entry = entry_of(reader_->headers());
  if (!entry) co_return std::unexpected(CommandError{std::move(entry.error()), ErrorKind::client});
  while (entry->kind == UploadEntry::Kind::symlink) {
    auto part = co_await read_entry(memory, account_);
    if (!part) co_return std::unexpected(std::move(part.error()));
    if (part->empty()) break;
    if (entry->link_target.size() + part->size() > link_bytes_max) {
      co_return std::unexpected(CommandError{"the target of a symlink is too long", ErrorKind::client});
    }
    for (auto piece = part->begin(); piece; piece.next()) entry->link_target += as_text(piece.data());
  }
  co_return std::optional<UploadEntry>(std::move(*entry));
}

Task<std::expected<ChunkChain, CommandError>> UploadReader::read_entry(TaskMemory memory, Account& holder) {
  ChunkChain data;
  while (in_entry_) {
    // As much as is there already; the body is read for the first piece only.
    auto event = co_await next_event(memory, data.empty());
    if (!event) co_return std::unexpected(std::move(event.error()));
    if (*event == http::MultipartEvent::part_end) {
      in_entry_ = false;
    } else if (*event == http::MultipartEvent::data) {
      auto chunk = take_data(holder);
      // Others hold it, or the budget was made smaller: the client waits with us.
      const TimePoint since = call_.node().clock().now();
      while (!chunk && !call_.stopped() && upload_waits_on(call_, since)) {
        commands::Pause pause(call_, call_.node().clock().now() + upload_memory_look);
        co_await pause;
        chunk = take_data(holder);
      }
      if (!chunk) co_return std::unexpected(std::move(chunk.error()));
      data.append(std::move(*chunk));
    } else if (data.empty()) {
      co_return std::unexpected(CommandError{"unexpected EOF in the multipart body", ErrorKind::client});
    } else {
      break;
    }
  }
  if (current_.data().empty()) current_.reset();
  co_return data;
}

Task<std::expected<std::vector<std::string>, CommandError>> UploadReader::read_lines(TaskMemory memory) {
  std::vector<std::string> lines;
  auto entry = co_await next_entry(memory);
  if (!entry) co_return std::unexpected(std::move(entry.error()));
  std::string text;
  std::size_t bytes = 0;
  while (entry->has_value()) {
    auto part = co_await read_entry(memory, account_);
    if (!part) co_return std::unexpected(std::move(part.error()));
    if (part->empty()) break;
    bytes += part->size();
    if (bytes > argument_bytes_max) {
      co_return std::unexpected(CommandError{
          "too many arguments in the body: at most " + std::to_string(argument_bytes_max) + " bytes of them",
          ErrorKind::client});
    }
    for (auto piece = part->begin(); piece; piece.next()) text += as_text(piece.data());
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
      const bool cr = end > begin && text[end - 1] == '\r';
      lines.push_back(text.substr(begin, end - begin - (cr ? 1 : 0)));
      begin = end + 1;
    }
    text.erase(0, begin);
  }
  if (!text.empty()) lines.push_back(std::move(text));
  co_return lines;
}

}  // namespace masu::core::rpc
