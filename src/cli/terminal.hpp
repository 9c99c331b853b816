// The person at the terminal, or the program that pipes into it: prompts, answers, secrets without
// echo, Ctrl-C. Answers are read on a thread of their own, so that something else can happen while
// one is waited for. The one place that names termios.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "net/runtime.hpp"

namespace ccproxy::cli {

class Terminal {
 public:
  // Ctrl-C (SIGINT) and SIGTERM end every wait from now on. The runtime must outlive it.
  explicit Terminal(net::Runtime& runtime);
  // Gives the terminal back as it was.
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  Terminal(Terminal&&) = delete;
  Terminal& operator=(Terminal&&) = delete;

  // True when a person can answer: standard input is a terminal.
  [[nodiscard]] bool has_person() const;

  // The next line, without its end. Fails with kClosed at the end of input, kShutdown for Ctrl-C.
  // One wait at a time.
  [[nodiscard]] Task<Result<std::string>> ask(std::string prompt);
  // The same without echo.
  [[nodiscard]] Task<Result<std::string>> ask_secret(std::string prompt);
  // "y" or "yes" is a yes; every other answer, and none, is a no.
  [[nodiscard]] Task<Result<bool>> confirm(std::string question);

  // Ends the wait that is under way with kClosed.
  void stop_waiting();
  [[nodiscard]] bool interrupted() const;
  // Called at once when Ctrl-C comes.
  void on_interrupt(std::function<void()> call);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccproxy::cli
