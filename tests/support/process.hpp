// A program run as a user runs it: arguments, environment, what it prints, signals, exit code.
// Ended with its owner, by its pid.
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

  // Starts `program` with nothing in its environment but PATH and `environment`.
  Process(const std::string& program, const std::vector<std::string>& arguments,
          const Environment& environment);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&&) = delete;
  Process& operator=(Process&&) = delete;
  ~Process();

  // What it has printed so far.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string errors() const;

  // Waits until standard output or error holds `text`; false after `limit` or when it ended first.
  [[nodiscard]] bool wait_for(const std::string& text,
                              std::chrono::milliseconds limit = std::chrono::seconds(20)) const;
  void signal(int number) const;
  // Its exit code; 128 + N when signal N ended it; nothing when it still runs after `limit`.
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
  std::atomic<int> reading_ = 2;  // pipes that have not ended
  std::thread out_reader_, err_reader_;
};

// Runs to the end.
struct Finished {
  int code;
  std::string output, errors;
};
[[nodiscard]] Finished run(const std::string& program, const std::vector<std::string>& arguments,
                           const Process::Environment& environment);

}  // namespace ccproxy::test
