// Removes the Markdown fence that models like to put around JSON (```json ... ```) while the text
// streams by. Text that does not begin with a fence passes unchanged.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccproxy::dialect {

class Fence {
 public:
  // Takes text that may be cut anywhere and appends what cannot be part of a fence. It holds back
  // the first line while that may be a fence, and inside of one a run of white space, backticks and
  // white space, which may be the closing fence.
  void feed(std::string_view text, std::string& out);

  // The text has ended: appends what was held back, unless it is the closing fence.
  void finish(std::string& out);

 private:
  enum class State { kFirstLine, kInside, kUnfenced };

  void feed_inside(std::string_view text, std::string& out);

  State state_ = State::kFirstLine;
  std::string held_;
  std::size_t ticks_end_ = 0;  // the end of the backticks in `held_`; 0 without any
};

// The same for text that is part of a JSON string: still escaped when it goes in and comes out. A
// view is valid until the next call.
class EscapedFence {
 public:
  [[nodiscard]] std::string_view feed(std::string_view escaped);
  [[nodiscard]] std::string_view finish();

 private:
  [[nodiscard]] std::string_view escape_plain();

  Fence fence_;
  std::string plain_, escaped_;  // buffers
};

}  // namespace ccproxy::dialect
