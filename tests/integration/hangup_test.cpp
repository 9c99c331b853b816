// A server at a terminal: what SIGHUP does while the terminal is open, when it closes, and under
// nohup. (config_reload_test covers SIGHUP elsewhere.)
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __APPLE__
#include <util.h>
#else
#include <pty.h>
#endif

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "support/proxy_fixture.hpp"

namespace ccproxy::test {
namespace {

// `ccproxy start` as the session leader of its own terminal.
class Window {
 public:
  explicit Window(bool nohup) {
    std::string name = std::filesystem::temp_directory_path() / "ccproxy-window-XXXXXX";
    home_ = ::mkdtemp(name.data());
    const std::string folder = "CCPROXY_HOME=" + home_;
    const char* const arguments[] = {CCPROXY_BINARY, "start", "--demo", "--port", "0", nullptr};
    const char* const environment[] = {folder.c_str(), nullptr};
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (pid_ != 0) return;
    std::signal(SIGHUP, nohup ? SIG_IGN : SIG_DFL);
    ::execve(arguments[0], const_cast<char* const*>(arguments),
             const_cast<char* const*>(environment));
    ::_exit(127);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  Window(Window&&) = delete;
  Window& operator=(Window&&) = delete;
  ~Window() {
    close();
    if (!ended(std::chrono::milliseconds(0))) ::kill(pid_, SIGKILL);
    (void)ended(kTimeout);
    std::filesystem::remove_all(home_);
  }

  // Reads until the screen contains `text`; false when the terminal closes first.
  [[nodiscard]] bool shows(std::string_view text) {
    while (screen_.find(text) == std::string::npos) {
      char piece[4096];
      const ssize_t got = ::read(terminal_, piece, sizeof piece);
      if (got <= 0) return false;
      screen_.append(piece, static_cast<std::size_t>(got));
    }
    return true;
  }
  void signal(int number) const { ::kill(pid_, number); }
  void close() {
    if (terminal_ >= 0) ::close(terminal_);
    terminal_ = -1;
  }
  // Returns the wait status once the process has ended; nullopt when it still runs after `limit`.
  [[nodiscard]] std::optional<int> ended(std::chrono::milliseconds limit) {
    (void)wait_until(
        [this] {
          int status = 0;
          if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
          return status_.has_value();
        },
        limit);
    return status_;
  }

 private:
  std::string home_, screen_;
  int terminal_ = -1;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

TEST(Hangup, reloads_the_configuration_while_the_terminal_is_open) {
  Window window(false);
  ASSERT_TRUE(window.shows("/v1/models\r\n"));
  window.signal(SIGHUP);
  EXPECT_TRUE(window.shows("nothing changed"));
  window.signal(SIGTERM);
  EXPECT_EQ(window.ended(kTimeout), 0);
}

TEST(Hangup, ends_the_server_in_order_when_the_terminal_closes) {
  Window window(false);
  ASSERT_TRUE(window.shows("/v1/models\r\n"));
  window.close();
  EXPECT_EQ(window.ended(kTimeout), 0);
}

TEST(Hangup, leaves_the_server_running_under_nohup) {
  Window window(true);
  ASSERT_TRUE(window.shows("/v1/models\r\n"));
  window.close();
  EXPECT_EQ(window.ended(std::chrono::milliseconds(700)), std::nullopt);
  window.signal(SIGTERM);
  EXPECT_EQ(window.ended(kTimeout), 0);
}

}  // namespace
}  // namespace ccproxy::test
