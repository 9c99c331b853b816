#include "cli/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "base/text.hpp"
#include "net/signals.hpp"

namespace ccproxy::cli {
namespace {

constexpr std::size_t kLongestLine = std::size_t{64} << 10;

// Turns the echo of standard input off for as long as it lives.
class Silence {
 public:
  Silence() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;  // the line end is shown, so that a person sees it was read
    is_silent_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  Silence(Silence&&) = delete;
  Silence& operator=(Silence&&) = delete;
  ~Silence() {
    if (is_silent_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_{};
  bool is_silent_ = false;
};

}  // namespace

struct Terminal::State {
  explicit State(net::Runtime& of) : runtime(of), changed(of) {
    if (::pipe(wake.data()) != 0) wake = {-1, -1};
  }

  void interrupt() {
    interrupted = true;
    changed.notify();
    if (on_interrupt) on_interrupt();
  }
  void start_reading() {
    if (!reader.joinable()) reader = std::thread([this] { read(); });
  }
  void read();
  Task<Result<std::string>> next();

  net::Runtime& runtime;
  net::Event changed;
  std::deque<std::string> lines;
  bool ended = false;        // the input has ended
  bool interrupted = false;  // Ctrl-C was pressed
  bool stopped = false;      // the wait is to end
  std::function<void()> on_interrupt;
  std::array<int, 2> wake{};  // pipe that ends the reading thread
  std::thread reader;
  net::Signals signals{runtime, [this] { interrupt(); }};
};

// Runs on the reading thread and posts whole lines to the loop.
void Terminal::State::read() {
  std::string line;
  std::string piece(4096, '\0');
  while (true) {
    std::array<pollfd, 2> ready = {{{STDIN_FILENO, POLLIN, 0}, {wake[0], POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) break;
    if (ready[1].revents != 0) return;
    if (ready[0].revents == 0) continue;
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (const char c : std::string_view(piece.data(), static_cast<std::size_t>(got))) {
      if (c != '\n') {
        if (line.size() < kLongestLine) line += c;
        continue;
      }
      runtime.post([this, whole = std::exchange(line, {})] {
        lines.push_back(whole);
        changed.notify();
      });
    }
  }
  runtime.post([this, rest = std::move(line)] {
    if (!rest.empty()) lines.push_back(rest);
    ended = true;
    changed.notify();
  });
}

Task<Result<std::string>> Terminal::State::next() {
  stopped = false;
  start_reading();
  while (true) {
    if (interrupted) co_return fail(ErrorKind::kShutdown, "interrupted");
    if (stopped) co_return fail(ErrorKind::kClosed, "the wait was ended");
    if (!lines.empty()) {
      std::string line = std::move(lines.front());
      lines.pop_front();
      if (line.ends_with('\r')) line.pop_back();
      co_return line;
    }
    if (ended) co_return fail(ErrorKind::kClosed, "the input has ended");
    co_await changed.wait();
  }
}

Terminal::Terminal(net::Runtime& runtime) : state_(std::make_unique<State>(runtime)) {}

Terminal::~Terminal() {
  if (!state_->reader.joinable()) return;
  ::close(state_->wake[1]);
  state_->reader.join();
  ::close(state_->wake[0]);
}

bool Terminal::has_person() const { return ::isatty(STDIN_FILENO) == 1; }

Task<Result<std::string>> Terminal::read_line(std::string prompt) {
  if (has_person()) {
    fmt::print("{}", prompt);
    std::fflush(stdout);
  }
  co_return co_await state_->next();
}

Task<Result<std::string>> Terminal::read_secret_line(std::string prompt) {
  std::optional<Silence> silence;
  if (has_person()) silence.emplace();
  co_return co_await read_line(std::move(prompt));
}

Task<Result<bool>> Terminal::confirm(std::string question) {
  auto line = co_await read_line(std::move(question) + " [y/N] ");
  if (!line && line.error().kind == ErrorKind::kClosed) co_return false;
  if (!line) co_return fail(line.error());
  const std::string text = lowered(trim(*line));
  co_return text == "y" || text == "yes";
}

void Terminal::stop_waiting() {
  state_->stopped = true;
  state_->changed.notify();
}

bool Terminal::interrupted() const { return state_->interrupted; }

void Terminal::on_interrupt(std::function<void()> call) { state_->on_interrupt = std::move(call); }

}  // namespace ccproxy::cli
