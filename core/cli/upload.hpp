// Upload: files and directories as the body of a request, in the form and the order in which Kubo sends them.
//
// Directories are walked depth first, their entries in the order of their bytes, each directory in front of
// what is in it. Nothing is read before it is its turn. Symlinks are sent as such, or followed. Small files
// are gathered in one buffer with three system calls each; large ones go by sendfile.
//
// Memory: one buffer of 256 KiB, and the names in the directories on the way. Blocking; one thread.
#pragma once

#include "core/cli/files.hpp"
#include "core/cli/ignore_rules.hpp"
#include "http/client.hpp"
#include "http/multipart_writer.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

namespace masu::core::cli {

class Upload final : public http::BodySource {
 public:
  struct Options {
    IgnoreRules ignore = IgnoreRules();
    bool follow_symlinks = false;
    bool metadata = false;  // send modes and times
  };
  // What was named on the command line.
  struct Root {
    std::string name;  // in the upload
    std::string path;  // empty: `file` as it is
    File file;         // opened before, for standard input and pipes
  };

  Upload(std::vector<Root> roots, Options options);

  std::string content_type() const { return writer_.content_type(); }
  std::expected<http::BodyPiece, std::string> next() override;
  int wait_for() const override { return stream_.fd(); }
  // Bytes in all files that will be sent, as far as that can be known.
  std::uint64_t total_bytes() const;

 private:
  using Result = std::expected<void, std::string>;
  using PartKind = http::MultipartFile::Kind;
  enum class Kind : std::uint8_t { unknown, file, directory, symlink };
  struct Entry {
    std::string name;
    Kind kind;
  };
  // A directory on the way; its entries are sent from `next` on.
  struct Level {
    std::string disk_path, sent_path;
    std::vector<Entry> entries;
    std::size_t next = 0;
  };

  Result add_entry(const std::string& disk_path, const std::string& sent_path, Kind kind);
  Result add_directory(const std::string& disk_path, const std::string& sent_path);
  Result add_symlink(const std::string& disk_path, const std::string& sent_path);
  Result add_file(const std::string& disk_path, const std::string& sent_path);
  Result add_stream(Root& root);
  Result read_stream();
  void begin_part(const std::string& sent_path, PartKind kind, const struct stat& status);
  void append(std::string_view text);
  std::size_t room() const { return buffer_.size() - used_; }

  std::vector<Root> roots_;
  const Options options_;
  http::MultipartWriter writer_;
  std::vector<Level> levels_;
  std::size_t next_root_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::size_t used_ = 0;
  bool ended_ = false;
  File stream_;  // standard input or a pipe that is being sent
  File large_;   // sent by sendfile, behind the buffer
  std::uint64_t large_bytes_ = 0;
};

// Texts, a line each, as the one file of a body: how arguments travel that do not fit into the target.
class LinesBody final : public http::BodySource {
 public:
  explicit LinesBody(std::span<const std::string> lines);

  std::string content_type() const { return writer_.content_type(); }
  std::expected<http::BodyPiece, std::string> next() override;

 private:
  http::MultipartWriter writer_;
  std::string text_;
  bool sent_ = false;
};

}  // namespace masu::core::cli
