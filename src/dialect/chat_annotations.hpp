// Citations of web pages, as annotations of Chat Completions. A citation belongs to a whole block
// of text, so its range is known when the block has ended. Documents have no form there: dropped.
#pragma once

#include <string>
#include <vector>

#include "anthropic/event.hpp"

namespace ccproxy::dialect {

class ChatAnnotations {
 public:
  // Positions count Unicode code points of the whole answer's text.
  void begin_block(std::size_t position) { start_ = position; }
  void cite(const anthropic::CitationDelta& citation);
  void end_block(std::size_t position);

  [[nodiscard]] bool empty() const { return told_.empty(); }
  // Appends the array; `[]` when there is none.
  void append_to(std::string& out) const;

 private:
  struct Citation {
    std::string url, title;  // still escaped
    std::size_t start = 0, end = 0;
  };

  std::size_t start_ = 0;
  std::vector<Citation> open_;  // of the block that is open
  std::vector<Citation> told_;  // the same page for the same range once
};

}  // namespace ccproxy::dialect
