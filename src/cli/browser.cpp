#include "cli/browser.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "base/text.hpp"

namespace ccproxy::cli {
namespace {

using Command = std::vector<std::string>;

constexpr int kMaxDescriptors = 1024;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Splits a list such as PATH at its colons.
std::vector<std::string> items_of(const std::string& list) {
  std::vector<std::string> items;
  for (std::string_view rest = list; !rest.empty();) {
    const auto colon = rest.find(':');
    if (colon != 0) items.emplace_back(rest.substr(0, colon));
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  return items;
}

bool can_run(const std::string& program) {
  struct stat facts {};
  return ::access(program.c_str(), X_OK) == 0 && ::stat(program.c_str(), &facts) == 0 &&
         S_ISREG(facts.st_mode);
}

bool is_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return can_run(name);
  for (const std::string& folder : items_of(variable("PATH")))
    if (can_run(folder + "/" + name)) return true;
  return false;
}

// Returns the command of an item of $BROWSER: a program, which may have blanks in its path, or a
// program and arguments. The address replaces `%s`, or comes last.
Command command_in(const std::string& item) {
  if (is_program(item)) return {item, "%s"};
  Command command;
  for (std::string_view rest = item; !rest.empty();)
    if (const auto word = take_item(rest, ' '); !word.empty()) command.emplace_back(word);
  if (command.empty() || !is_program(command.front())) return {};
  if (item.find("%s") == std::string::npos) command.emplace_back("%s");
  return command;
}

// Returns the desktop's program that opens an address; empty when there is none.
Command opener() {
  if (const std::string chosen = variable("BROWSER"); !chosen.empty()) {
    if (Command command = command_in(chosen); !command.empty()) return command;
    for (const std::string& item : items_of(chosen))
      if (Command command = command_in(item); !command.empty()) return command;
    return {};
  }
  if (!variable("SSH_CONNECTION").empty() || !variable("SSH_TTY").empty()) return {};
#ifdef __APPLE__
  return {"open", "%s"};
#else
  if (variable("DISPLAY").empty() && variable("WAYLAND_DISPLAY").empty()) return {};
  return is_program("xdg-open") ? Command{"xdg-open", "%s"} : Command{};
#endif
}

// The browser is detached from this process: it does not write into this terminal and inherits no
// socket, since it would occupy the port after this program has ended.
[[noreturn]] void become(const std::vector<char*>& arguments) {
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, fd);
  for (int fd = STDERR_FILENO + 1; fd < kMaxDescriptors; ++fd) ::close(fd);
  std::signal(SIGPIPE, SIG_DFL);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(127);
}

}  // namespace

Command browser_command(const std::string& url) {
  Command command = opener();
  for (std::string& word : command)
    if (const auto at = word.find("%s"); at != std::string::npos) word.replace(at, 2, url);
  return command;
}

bool has_browser() { return !browser_command({}).empty(); }

bool open_browser(const std::string& url) {
  Command command = browser_command(url);
  if (command.empty()) return false;
  std::vector<char*> arguments;  // built here, since nothing may be allocated after fork()
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t between = ::fork();
  if (between < 0) return false;
  if (between == 0) {
    ::setsid();
    const pid_t browser = ::fork();
    if (browser == 0) become(arguments);
    ::_exit(browser < 0 ? 1 : 0);
  }
  int status = 0;
  pid_t ended = 0;
  do ended = ::waitpid(between, &status, 0);
  while (ended < 0 && errno == EINTR);
  return ended == between && status == 0;
}

}  // namespace ccproxy::cli
