// UploadReader: the files, directories and symlinks of a request's multipart body, as the command asks for
// them.
//
// Belongs to one call; loop thread. The body is read when the command wants bytes, at most four chunks ahead;
// data stays in the chunks it was read into, and is charged to who asks for it. Limits: a symlink's target of
// 4 KiB; headers as in http/multipart_reader.hpp.
#pragma once

#include "alloc/clock.hpp"
#include "core/rpc/command.hpp"
#include "http/multipart_reader.hpp"
#include "http/server.hpp"

#include <optional>
#include <string>
#include <vector>

namespace masu::core::rpc {

class UploadReader {
 public:
  static constexpr std::size_t link_bytes_max = 4096;
  // Arguments that came as lines of a body, all together.
  static constexpr std::size_t argument_bytes_max = 256 * 1024;

  // `account` is charged for what is read and not given away yet.
  UploadReader(Call& call, http::Exchange& exchange, ChunkPool& chunks, Account& account);

  // Whether the body is multipart. The error is for a 400.
  std::expected<bool, std::string> open();
  Task<std::expected<std::optional<UploadEntry>, CommandError>> next_entry(TaskMemory memory);
  Task<std::expected<ChunkChain, CommandError>> read_entry(TaskMemory memory, Account& holder);
  // The lines of the first file, as arguments.
  Task<std::expected<std::vector<std::string>, CommandError>> read_lines(TaskMemory memory);

 private:
  // What comes next; `more` at the end of the body, or of what was read of it already.
  Task<std::expected<http::MultipartEvent, CommandError>> next_event(TaskMemory memory, bool may_read);
  void skip_found();
  std::expected<Chunk, CommandError> take_data(Account& holder);

  Call& call_;
  http::Exchange& exchange_;
  ChunkPool& chunks_;
  Account& account_;
  std::optional<http::MultipartReader> reader_;
  ChunkChain input_;
  Chunk current_;           // of the input, being looked at
  std::size_t behind_ = 0;  // bytes of it behind what was found last
  bool in_entry_ = false;
  bool over_ = false;
};

// For memory that others hold: how long, and while others wait for the call's place; and how often is looked.
inline constexpr Duration upload_memory_wait = 10s;
inline constexpr Duration upload_crowded_wait = 500ms;
inline constexpr Duration upload_memory_look = 10ms;
// Whether an upload that has waited since then goes on waiting.
bool upload_waits_on(Call& call, TimePoint since);

// The entry that the headers of a part describe.
std::expected<UploadEntry, std::string> entry_of(const http::HeaderLines& headers);

}  // namespace masu::core::rpc
