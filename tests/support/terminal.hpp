// A program at a terminal, as a user runs it: its output includes the echo of what was typed. The
// process ends with the object that owns it.
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

  // Returns everything that the terminal has shown.
  [[nodiscard]] const std::string& screen() const { return screen_; }
  // Waits until `text` is shown after the text of the last wait.
  [[nodiscard]] bool wait_for(const std::string& text,
                              std::chrono::milliseconds limit = std::chrono::seconds(20));
  // Waits for the line that begins with `beginning` after the text of the last wait, and returns
  // it.
  [[nodiscard]] std::string line_of(const std::string& beginning);

  void type(const std::string& keys);
  void type_line(const std::string& line) { type(line + "\n"); }
  void ctrl_c() { type("\x03"); }
  // Returns true when typed characters are shown.
  [[nodiscard]] bool echoes() const;

  // Returns its exit code; nullopt when it still runs after `limit`.
  [[nodiscard]] std::optional<int> wait_exit(
      std::chrono::milliseconds limit = std::chrono::seconds(20));

 private:
  bool read_more(std::chrono::milliseconds limit);

  pid_t pid_ = -1;
  int master_ = -1;
  int slave_ = -1;  // kept open to read its settings
  std::string screen_;
  std::size_t seen_ = 0;
};

}  // namespace ccproxy::test
