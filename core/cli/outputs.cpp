#include "core/cli/outputs.hpp"

#include "core/cli/arguments.hpp"
#include "core/cli/files.hpp"
#include "core/cli/json_lines.hpp"
#include "core/cli/quote.hpp"
#include "core/rpc/commands/human_bytes.hpp"
#include "unixfs/tar/tar_extractor.hpp"

#include <memory_resource>

#include <fcntl.h>

namespace masu::core::cli {
namespace {

std::string_view text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

std::uint64_t number_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_int64() && value->get_int64() > 0
             ? static_cast<std::uint64_t>(value->get_int64())
             : 0;
}

// The option when it was given, else whether somebody looks.
bool shows_progress(const Invocation& invocation, const Streams& streams) {
  if (auto given = invocation.given("progress")) return *given == "true";
  return is_terminal(streams.err);
}

// --- cat, dag export: bytes, with a bar when they are many. ---

class CountedOutput final : public PlainOutput {
 public:
  // Known lengths below `quiet_below` show no bar.
  CountedOutput(const Streams& streams, std::uint64_t quiet_below)
      : PlainOutput(streams.out), err_(streams.err), quiet_below_(quiet_below) {}

  bool begin(std::uint64_t length) override {
    if (length == 0 || length >= quiet_below_) bar_.emplace(err_, length);
    return true;
  }
  bool take(Bytes bytes) override {
    if (bar_) bar_->add(bytes.size());
    return PlainOutput::take(bytes);
  }
  bool end() override {
    if (bar_) bar_->finish();
    return true;
  }

 private:
  const int err_;
  const std::uint64_t quiet_below_;
  std::optional<ProgressBar> bar_;
};

// --- add ---

class AddOutput final : public JsonLines {
 public:
  enum class Verbosity : std::uint8_t { lines, hashes, last_hash };
  AddOutput(const Streams& streams, Verbosity verbosity, std::optional<ProgressBar> bar)
      : streams_(streams), verbosity_(verbosity), bar_(std::move(bar)) {}

  bool take(Bytes bytes) override { return JsonLines::take(bytes) && flush(); }
  bool end() override {
    if (!JsonLines::end()) return false;
    if (verbosity_ == Verbosity::last_hash) text_.append(last_hash_).append("\n");
    if (bar_) bar_->finish();
    return flush();
  }

 private:
  bool on_value(const boost::json::object& value) override {
    std::string_view hash = text_of(value, "Hash"), name = text_of(value, "Name");
    if (hash.empty()) {
      if (bar_) count(name, number_of(value, "Bytes"));
      return true;
    }
    last_hash_ = hash;
    if (verbosity_ == Verbosity::last_hash) return true;
    if (verbosity_ == Verbosity::lines) text_ += "added ";
    text_ += hash;
    if (verbosity_ == Verbosity::lines) text_.append(" ").append(printable(name));
    text_ += '\n';
    return true;
  }

  // Bytes are told per file; a smaller number means that another file of the name has begun.
  void count(std::string_view name, std::uint64_t bytes) {
    if (name != file_ || bytes < file_bytes_) {
      bytes_before_ += file_bytes_;
      file_ = name;
    }
    file_bytes_ = bytes;
    bar_->set(bytes_before_ + file_bytes_);
  }

  bool flush() {
    if (text_.empty()) return true;
    if (bar_) bar_->clear();
    bool written = write_all(streams_.out, text_);
    text_.clear();
    return written || give_up(system_error("write", "/dev/stdout"));
  }

  const Streams streams_;
  const Verbosity verbosity_;
  std::optional<ProgressBar> bar_;
  std::string text_, last_hash_, file_;
  std::uint64_t file_bytes_ = 0, bytes_before_ = 0;
};

// --- get ---

// The archive as it comes, in a file.
class ArchiveOutput final : public Output {
 public:
  ArchiveOutput(const Streams& streams, std::string path, bool progress)
      : streams_(streams), path_(std::move(path)), progress_(progress) {}

  bool begin(std::uint64_t length) override {
    file_ = File(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!file_) return give_up(system_error("open", path_));
    write_all(streams_.out, "Saving archive to " + path_ + "\n");
    if (progress_) bar_.emplace(streams_.err, length);
    return true;
  }
  bool take(Bytes bytes) override {
    if (bar_) bar_->add(bytes.size());
    return write_all(file_.fd(), bytes) || give_up(system_error("write", path_));
  }
  bool end() override {
    if (bar_) bar_->finish();
    return true;
  }

 private:
  const Streams streams_;
  const std::string path_;
  const bool progress_;
  File file_;
  std::optional<ProgressBar> bar_;
};

// The files of the archive.
class ExtractOutput final : public Output {
 public:
  ExtractOutput(const Streams& streams, std::string path, bool progress)
      : streams_(streams),
        path_(std::move(path)),
        progress_(progress),
        extractor_(path_),
        reader_(extractor_, *std::pmr::new_delete_resource()) {}

  bool begin(std::uint64_t length) override {
    write_all(streams_.out, "Saving file(s) to " + path_ + "\n");
    if (progress_) bar_.emplace(streams_.err, length);
    return true;
  }
  bool take(Bytes bytes) override {
    if (bar_) bar_->add(bytes.size());
    auto fed = reader_.feed(bytes);
    return fed.has_value() || give_up(fed.error().text);
  }
  bool end() override {
    auto whole = reader_.finish();
    if (!whole) return give_up(whole.error().text);
    auto done = extractor_.finish();
    if (!done) return give_up(done.error().text);
    if (bar_) bar_->finish();
    return true;
  }

 private:
  const Streams streams_;
  const std::string path_;
  const bool progress_;
  unixfs::tar::TarExtractor extractor_;
  unixfs::tar::TarReader reader_;
  std::optional<ProgressBar> bar_;
};

// --- pin add with --progress: counts go to standard error, the rest is text. ---

class PinOutput final : public JsonLines {
 public:
  PinOutput(const Streams& streams, bool recursive) : streams_(streams), recursive_(recursive) {}

 private:
  bool on_value(const boost::json::object& value) override {
    const auto* pins = value.if_contains("Pins");
    const auto* list = pins == nullptr ? nullptr : pins->if_array();
    if (list == nullptr) {
      write_all(streams_.err, "Fetched/Processed " + std::to_string(number_of(value, "Progress")) +
                                  " nodes (" + rpc::commands::human_bytes(number_of(value, "Bytes")) + ")\r");
      return true;
    }
    std::string text;
    for (const auto& pin : *list) {
      if (!pin.is_string()) continue;
      text.append("pinned ").append(pin.get_string()).append(recursive_ ? " recursively\n" : " directly\n");
    }
    return write_all(streams_.out, text) || give_up(system_error("write", "/dev/stdout"));
  }

  const Streams streams_;
  const bool recursive_;
};

// --- block rm: what stays goes to standard error, and is the exit code. ---

class RemovedOutput final : public JsonLines {
 public:
  explicit RemovedOutput(const Streams& streams) : streams_(streams) {}

  bool end() override {
    if (!JsonLines::end()) return false;
    return !some_stay_ || give_up("some blocks not removed");
  }

 private:
  bool on_value(const boost::json::object& value) override {
    const std::string hash(text_of(value, "Hash")), error(text_of(value, "Error"));
    if (error.empty()) {
      return write_all(streams_.out, "removed " + hash + "\n") ||
             give_up(system_error("write", "/dev/stdout"));
    }
    some_stay_ = true;
    write_all(streams_.err, "cannot remove " + hash + ": " + error + "\n");
    return true;
  }

  const Streams streams_;
  bool some_stay_ = false;
};

// --- Which command has which. ---

constexpr std::uint64_t cat_bar_bytes_min = 8 * 1024 * 1024;

Presentation present_add(const Invocation& invocation, const Streams& streams,
                         const std::function<std::uint64_t()>& upload_bytes) {
  const bool last = invocation.flag("quieter");
  const bool quiet = last || invocation.flag("quiet");
  std::optional<bool> decided;
  if (!quiet && !invocation.flag("silent") && !invocation.given("progress"))
    decided = is_terminal(streams.err);
  std::optional<ProgressBar> bar;
  if (decided.value_or(invocation.flag("progress"))) bar.emplace(streams.err, upload_bytes());
  auto verbosity = last    ? AddOutput::Verbosity::last_hash
                   : quiet ? AddOutput::Verbosity::hashes
                           : AddOutput::Verbosity::lines;
  return {std::make_unique<AddOutput>(streams, verbosity, std::move(bar)), "json", decided};
}

std::string output_path(const Invocation& invocation, std::string_view argument) {
  if (std::string_view given = invocation.text("output"); !given.empty()) return std::string(given);
  while (argument.ends_with('/')) argument.remove_suffix(1);
  argument = argument.substr(argument.rfind('/') + 1);
  return argument.empty() ? "." : std::string(argument);
}

std::expected<Presentation, std::string> present_get(const Invocation& invocation, std::string_view argument,
                                                     const Streams& streams) {
  const bool archive = invocation.flag("archive"), compress = invocation.flag("compress");
  std::string_view level = invocation.text("compression-level");
  if (compress && !level.empty() && (level.size() != 1 || level < "1"))
    return std::unexpected("compression level must be between 1 and 9");
  std::string path = output_path(invocation, argument);
  const bool progress = shows_progress(invocation, streams);
  if (!archive && !compress)
    return Presentation{std::make_unique<ExtractOutput>(streams, path, progress), "", std::nullopt};
  if (archive && !path.ends_with(".tar") && !path.ends_with(".tar.gz")) path += ".tar";
  if (compress && !path.ends_with(".gz")) path += ".gz";
  return Presentation{std::make_unique<ArchiveOutput>(streams, path, progress), "", std::nullopt};
}

}  // namespace

std::expected<Presentation, std::string> present(const Invocation& invocation,
                                                 const std::string& first_argument, const Streams& streams,
                                                 const std::function<std::uint64_t()>& upload_bytes) {
  std::string_view path = invocation.command->path;
  if (path == "add") return present_add(invocation, streams, upload_bytes);
  if (path == "get") return present_get(invocation, first_argument, streams);
  const bool bar = (path == "cat" || path == "dag export") && shows_progress(invocation, streams);
  if (bar)
    return Presentation{std::make_unique<CountedOutput>(streams, path == "cat" ? cat_bar_bytes_min : 0), "",
                        std::nullopt};
  std::string encoding(invocation.text("encoding"));
  if (path == "pin add" && invocation.flag("progress") && encoding == "text")
    return Presentation{std::make_unique<PinOutput>(streams, invocation.flag("recursive")), "json",
                        std::nullopt};
  if (path == "block rm" && encoding == "text")
    return Presentation{std::make_unique<RemovedOutput>(streams), "json", std::nullopt};
  return Presentation{std::make_unique<PlainOutput>(streams.out), encoding, std::nullopt};
}

}  // namespace masu::core::cli
