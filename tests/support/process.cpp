#include "support/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace ccproxy::test {
namespace {

using std::chrono::steady_clock;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

Process::Process(const std::string& program, const std::vector<std::string>& arguments,
                 const Environment& environment) {
  std::array<int, 2> out{}, err{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe");
  std::vector<std::string> argv = {program};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const char* path = std::getenv("PATH");
  std::vector<std::string> env = {std::string("PATH=") + (path == nullptr ? "" : path)};
  for (const auto& [name, value] : environment) env.push_back(name + "=" + value);
  auto argv_pointers = pointers(argv);
  auto env_pointers = pointers(env);

  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes must leave no process behind
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    ::execve(program.c_str(), argv_pointers.data(), env_pointers.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);
  out_ = out[0];
  err_ = err[0];
  out_reader_ = std::thread([this] { collect(out_, output_); });
  err_reader_ = std::thread([this] { collect(err_, errors_); });
}

Process::~Process() {
  if (running()) {
    ::kill(pid_, SIGTERM);
    if (!wait_exit(std::chrono::seconds(3))) {
      ::kill(pid_, SIGKILL);
      (void)wait_exit(std::chrono::seconds(5));
    }
  }
  out_reader_.join();
  err_reader_.join();
  ::close(out_);
  ::close(err_);
}

void Process::collect(int fd, std::string& into) {
  std::array<char, 4096> piece{};
  while (true) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const std::lock_guard lock(mutex_);
    into.append(piece.data(), static_cast<std::size_t>(got));
  }
  --reading_;
}

std::string Process::output() const {
  const std::lock_guard lock(mutex_);
  return output_;
}

std::string Process::errors() const {
  const std::lock_guard lock(mutex_);
  return errors_;
}

bool Process::wait_for(const std::string& text, std::chrono::milliseconds limit) const {
  const auto give_up = steady_clock::now() + limit;
  while (steady_clock::now() < give_up) {
    if (output().find(text) != std::string::npos || errors().find(text) != std::string::npos)
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

void Process::signal(int number) const { ::kill(pid_, number); }

bool Process::running() { return !wait_exit(std::chrono::milliseconds(0)); }

std::optional<int> Process::wait_exit(std::chrono::milliseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  while (!status_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_)
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    else if (steady_clock::now() >= give_up)
      return std::nullopt;
    else
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  // The last output may still be in the pipes; a process that it started may keep them open.
  const auto last_words = steady_clock::now() + std::chrono::seconds(2);
  while (reading_ > 0 && steady_clock::now() < last_words)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return status_;
}

Finished run(const std::string& program, const std::vector<std::string>& arguments,
             const Process::Environment& environment) {
  Process process(program, arguments, environment);
  const auto code = process.wait_exit();
  return {code.value_or(-1), process.output(), process.errors()};
}

}  // namespace ccproxy::test
