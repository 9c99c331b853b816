// A program run as a user runs it: arguments, environment, output, signals, exit code. The process
// ends with the object that owns it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace ccproxy::test {

class Process {
 public:
  using Environment = std::map<std::string, std::string>;

  // Starts `program` with PATH and `environment`, and no other variables.
  Process(const std::string& program, const std::vector<std::string>& arguments,
          const Environment& environment);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&&) = delete;
  Process& operator=(Process&&) = delete;
  ~Process();

  // Return what it has printed so far.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string errors() const;

  // Waits until standard output or standard error contains `text`; false after `limit`, or when the
  // process has ended first.
  [[nodiscard]] bool wait_for(const std::string& text,
                              std::chrono::milliseconds limit = std::chrono::seconds(20)) const;
  void signal(int number) const;
  // Returns its exit code; 128 + N when signal N ended it; nullopt when it still runs after
  // `limit`.
  [[nodiscard]] std::optional<int> wait_exit(
      std::chrono::milliseconds limit = std::chrono::seconds(20));
  [[nodiscard]] bool running();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  void collect(int fd, std::string& into);

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  std::optional<int> status_;
  mutable std::mutex mutex_;
  std::string output_, errors_;
  std::atomic<int> reading_ = 2;  // pipes that are still open
  std::thread out_reader_, err_reader_;
};

// Runs `program` until it ends.
struct Finished {
  int code;
  std::string output, errors;
};
[[nodiscard]] Finished run(const std::string& program, const std::vector<std::string>& arguments,
                           const Process::Environment& environment);

}  // namespace ccproxy::test
