#include "cli/browser.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace ccproxy::cli {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_on_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
  const std::string path = variable("PATH");
  for (std::string_view rest = path; !rest.empty();) {
    const auto colon = rest.find(':');
    const std::string folder(rest.substr(0, colon));
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  return false;
}

// What opens an address; "" when nothing does.
std::string opener() {
  if (const std::string chosen = variable("BROWSER"); !chosen.empty())
    return is_on_path(chosen) ? chosen : "";
  if (!variable("SSH_CONNECTION").empty() || !variable("SSH_TTY").empty()) return {};
#ifdef __APPLE__
  return "open";
#else
  if (variable("DISPLAY").empty() && variable("WAYLAND_DISPLAY").empty()) return {};
  return is_on_path("xdg-open") ? "xdg-open" : "";
#endif
}

// The browser of somebody's desktop is no child of ours, and does not write into our terminal.
[[noreturn]] void become(const std::string& program, const std::string& url) {
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, fd);
  std::string name = program, address = url;
  std::array<char*, 3> arguments = {name.data(), address.data(), nullptr};
  ::execvp(name.c_str(), arguments.data());
  ::_exit(127);
}

}  // namespace

bool has_browser() { return !opener().empty(); }

bool open_browser(const std::string& url) {
  const std::string program = opener();
  if (program.empty()) return false;
  const pid_t between = ::fork();
  if (between < 0) return false;
  if (between == 0) {
    ::setsid();
    if (::fork() == 0) become(program, url);
    ::_exit(0);
  }
  int status = 0;
  return ::waitpid(between, &status, 0) == between && status == 0;
}

}  // namespace ccproxy::cli
