// A program at a terminal, as a person has it: what it prints comes with the echo of what was
// typed. Ended with its owner, by its pid.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "support/process.hpp"

namespace ccproxy::test {

class Terminal {
 public:
  Terminal(const std::string& program, const std::vector<std::string>& arguments,
           const Process::Environment& environment);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  Terminal(Terminal&&) = delete;
  Terminal& operator=(Terminal&&) = delete;
  ~Terminal();

  // What stands on the screen.
  [[nodiscard]] const std::string& screen() const { return screen_; }
  // Waits until `text` stands there, behind what was waited for before.
  [[nodiscard]] bool wait_for(const std::string& text,
                              std::chrono::milliseconds limit = std::chrono::seconds(20));
  // The line of the screen that begins with `beginning`, behind what was waited for; waits for it.
  [[nodiscard]] std::string line_of(const std::string& beginning);

  void type(const std::string& keys);
  void type_line(const std::string& line) { type(line + "\n"); }
  void ctrl_c() { type("\x03"); }
  // True when what is typed is shown.
  [[nodiscard]] bool echoes() const;

  // Its exit code; nothing when it still runs after `limit`.
  [[nodiscard]] std::optional<int> wait_exit(
      std::chrono::milliseconds limit = std::chrono::seconds(20));

 private:
  bool read_more(std::chrono::milliseconds limit);

  pid_t pid_ = -1;
  int master_ = -1;
  int slave_ = -1;  // kept open, so that its settings can be asked for
  std::string screen_;
  std::size_t seen_ = 0;
};

}  // namespace ccproxy::test
