// The person at the terminal, or the program that pipes into it: prompts, replies, secrets without
// echo, Ctrl-C. Lines are read on a thread of their own, so that other work goes on meanwhile. Only
// this file knows termios.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "net/runtime.hpp"

namespace ccproxy::cli {

class Terminal {
 public:
  // From now on Ctrl-C (SIGINT) and SIGTERM end every wait. The runtime must outlive it.
  explicit Terminal(net::Runtime& runtime);
  // Restores the terminal's settings.
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  Terminal(Terminal&&) = delete;
  Terminal& operator=(Terminal&&) = delete;

  // Whether a person can reply: standard input is a terminal.
  [[nodiscard]] bool has_person() const;

  // Reads the next line, without its end. Fails with kClosed at the end of input and with kShutdown
  // for Ctrl-C. Only one wait may be under way.
  [[nodiscard]] Task<Result<std::string>> read_line(std::string prompt);
  // The same as read_line(), without echo.
  [[nodiscard]] Task<Result<std::string>> read_secret_line(std::string prompt);
  // Only "y" or "yes" is a yes; everything else, and the end of input, is a no.
  [[nodiscard]] Task<Result<bool>> confirm(std::string question);

  // Ends the wait under way with kClosed.
  void stop_waiting();
  [[nodiscard]] bool interrupted() const;
  // Sets what is called at once when Ctrl-C comes.
  void on_interrupt(std::function<void()> call);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccproxy::cli
