// Citations of web pages in an answer's text. A citation belongs to a whole block of text, so its
// range is known when the block has ended. Documents have no form in OpenAI's dialects: dropped.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "anthropic/event.hpp"

namespace ccproxy::dialect {

struct Citation {
  std::string url, title;  // still escaped; the title is never empty
  std::size_t start = 0, end = 0;
};

class Citations {
 public:
  // Positions count Unicode code points of the text that the blocks are parts of.
  void begin_block(std::size_t position) { start_ = position; }
  void cite(const anthropic::CitationDelta& citation);
  // Returns what the block has brought: the same page for the same range once. The view lives until
  // the next call.
  std::span<const Citation> end_block(std::size_t position);

  [[nodiscard]] const std::vector<Citation>& all() const { return told_; }

 private:
  std::size_t start_ = 0;
  std::vector<Citation> open_;  // of the block that is open
  std::vector<Citation> told_;
};

// Appends the array of annotations as Chat Completions has it.
void append_chat_annotations(std::string& out, const Citations& citations);

// One annotation, and the array, as Responses has them.
void append_annotation(std::string& out, const Citation& citation);
void append_annotations(std::string& out, const Citations& citations);

}  // namespace ccproxy::dialect
