// WatchScreen: a text that is shown anew again and again, until the user ends it.
//
// On a terminal it has a screen of its own, cut to what fits; the user's screen comes back at the end, also
// when a signal ends the program or stops it for a while. Elsewhere each text follows the one before, with an
// empty line between them. One at a time in a process (signal handlers are its own); one thread.
#pragma once

#include "core/cli/answer.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace masu::core::cli {

class WatchScreen {
 public:
  explicit WatchScreen(int fd);
  ~WatchScreen();
  WatchScreen(const WatchScreen&) = delete;
  WatchScreen& operator=(const WatchScreen&) = delete;

  bool is_terminal() const { return terminal_; }
  // False: it cannot be written any more.
  bool show(std::string_view text);

  // `text` as the screen's content: each line replaces what was in its row, and what is left over is cleared.
  static std::string frame(std::string_view text, std::size_t rows, std::size_t columns);

 private:
  const int fd_;
  const bool terminal_;
  bool shown_ = false;
};

// An answer that is kept. At most a MiB: more is an error.
class TextOutput final : public Output {
 public:
  explicit TextOutput(std::string& text) : text_(text) {}
  bool begin(std::uint64_t) override { return true; }
  bool take(Bytes bytes) override;
  bool end() override { return true; }

 private:
  std::string& text_;
};

}  // namespace masu::core::cli
