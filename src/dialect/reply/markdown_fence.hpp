// Takes off the Markdown fence that a model likes to put around JSON (```json ... ```), while the
// text streams by. Text that does not begin with a fence passes untouched.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccproxy::dialect {

class Fence {
 public:
  // Takes text cut anywhere and appends what is certain to stay. Held back are the first line while
  // it may be a fence, and behind an opening fence any white space, backticks, white space.
  void feed(std::string_view text, std::string& out);

  // No more text: appends what was held back, but for a closing fence.
  void finish(std::string& out);

 private:
  enum class State { kFirstLine, kInside, kUnfenced };

  void feed_inside(std::string_view text, std::string& out);

  State state_ = State::kFirstLine;
  std::string held_;
  std::size_t ticks_end_ = 0;  // inside: where the backticks end that are held; 0 without
};

}  // namespace ccproxy::dialect
