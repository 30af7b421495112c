#include "core/cli/watch.hpp"

#include "core/cli/files.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>

#include <sys/ioctl.h>
#include <unistd.h>

namespace masu::core::cli {
namespace {

// The other screen, no cursor; and back.
constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view home = "\x1b[H", end_of_line = "\x1b[K", rest_of_screen = "\x1b[J";
constexpr std::size_t text_bytes_max = 1024 * 1024;

std::atomic<int> screen{-1};

void say(std::string_view sequence) {
  [[maybe_unused]] const ssize_t written = ::write(screen.load(), sequence.data(), sequence.size());
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

// What follows calls only what is safe in a handler. The signal takes its course when the handler is over.
void on_end(int signal) {
  say(leave);
  handle(signal, SIG_DFL);
  ::raise(signal);
}
void on_continue(int) {
  say(enter);
  handle(SIGTSTP, on_end);
}

constexpr auto ends = {SIGINT, SIGTERM, SIGHUP, SIGTSTP};

}  // namespace

WatchScreen::WatchScreen(int fd) : fd_(fd), terminal_(::isatty(fd) == 1) {
  if (!terminal_) return;
  screen = fd;
  for (const int signal : ends) handle(signal, on_end);
  handle(SIGCONT, on_continue);
  say(enter);
}

WatchScreen::~WatchScreen() {
  if (!terminal_) return;
  for (const int signal : ends) handle(signal, SIG_DFL);
  handle(SIGCONT, SIG_DFL);
  say(leave);
  screen = -1;
}

bool WatchScreen::show(std::string_view text) {
  winsize size{};
  if (!terminal_ || ::ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
    const bool first = !std::exchange(shown_, true);
    return write_all(fd_, (first ? "" : "\n") + std::string(text));
  }
  return write_all(fd_, frame(text, size.ws_row, size.ws_col));
}

std::string WatchScreen::frame(std::string_view text, std::size_t rows, std::size_t columns) {
  std::string out(home);
  for (std::size_t row = 0; row < rows && !text.empty(); ++row) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (row > 0) out += "\r\n";
    out.append(text.substr(0, std::min(end, columns))).append(end_of_line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out.append(rest_of_screen);
}

bool TextOutput::take(Bytes bytes) {
  if (text_.size() + bytes.size() > text_bytes_max) return give_up("the answer is too long to be watched");
  text_ += as_text(bytes);
  return true;
}

}  // namespace masu::core::cli
