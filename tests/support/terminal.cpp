#include "support/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <thread>

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

[[noreturn]] void become(const std::string& program, const std::vector<std::string>& arguments,
                         const Process::Environment& environment, int slave) {
  ::setsid();
  ::ioctl(slave, TIOCSCTTY, 0);
  for (const int fd : {0, 1, 2}) ::dup2(slave, fd);
  std::vector<std::string> texts = {program};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  const char* path = ::getenv("PATH");
  std::vector<std::string> variables = {std::string("PATH=") + (path == nullptr ? "" : path)};
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (std::string& text : texts) argv.push_back(text.data());
  for (std::string& text : variables) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  ::execve(program.c_str(), argv.data(), envp.data());
  ::_exit(127);
}

}  // namespace

Terminal::Terminal(const std::string& program, const std::vector<std::string>& arguments,
                   const Process::Environment& environment) {
  master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0)
    throw std::runtime_error("no terminal for the test");
  slave_ = ::open(::ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
  pid_ = ::fork();
  if (pid_ == 0) become(program, arguments, environment, slave_);
}

Terminal::~Terminal() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(slave_);
  ::close(master_);
}

bool Terminal::read_more(milliseconds limit) {
  pollfd ready{master_, POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(limit.count())) <= 0) return false;
  std::array<char, 4096> piece{};
  const ssize_t got = ::read(master_, piece.data(), piece.size());
  if (got <= 0) return false;
  screen_.append(piece.data(), static_cast<std::size_t>(got));
  return true;
}

bool Terminal::wait_for(const std::string& text, milliseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  while (true) {
    const auto at = screen_.find(text, seen_);
    if (at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    if (steady_clock::now() >= give_up) return false;
    (void)read_more(milliseconds(50));
  }
}

std::string Terminal::line_of(const std::string& beginning) {
  if (!wait_for("\n" + beginning) || !wait_for("\r\n")) return {};
  const auto end = seen_ - 2;
  const auto begin = screen_.rfind('\n', end - 1) + 1;
  return screen_.substr(begin, end - begin);
}

void Terminal::type(const std::string& keys) {
  if (::write(master_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
    throw std::runtime_error("the terminal takes no keys");
}

bool Terminal::echoes() const {
  termios settings{};
  return ::tcgetattr(slave_, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
}

std::optional<int> Terminal::wait_exit(milliseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  while (steady_clock::now() < give_up) {
    (void)read_more(milliseconds(10));  // a full terminal would block the program
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) continue;
    while (read_more(milliseconds(20))) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return std::nullopt;
}

}  // namespace ccproxy::test
