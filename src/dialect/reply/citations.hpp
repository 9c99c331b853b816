// Citations in an answer's text. One belongs to a whole block of text, so its place is known when
// the block has ended. Pages are cited with their address; a document has a form in Responses only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "anthropic/event.hpp"

namespace ccproxy::dialect {

struct Citation {
  enum class Kind : std::uint8_t { kPage, kDocument };

  Kind kind = Kind::kPage;
  // Still escaped. Of a page its address, and a title that is never empty; of a document the id of
  // its file and its title, which both may be empty.
  std::string source{}, title{};
  std::size_t start = 0, end = 0;
};

class Citations {
 public:
  // `tells_documents`: places in documents count, too.
  explicit Citations(bool tells_documents = false) : tells_documents_(tells_documents) {}

  // Positions count Unicode code points of the text that the blocks are parts of.
  void begin_block(std::size_t position) { start_ = position; }
  // False for a citation that cannot be told.
  bool cite(const anthropic::CitationDelta& citation);
  // Returns what the block has brought: the same source for the same range once. The view lives
  // until the next call.
  std::span<const Citation> end_block(std::size_t position);

  [[nodiscard]] const std::vector<Citation>& all() const { return emitted_; }

 private:
  bool tells_documents_;
  std::size_t start_ = 0;
  std::vector<Citation> open_;  // of the block that is open
  std::vector<Citation> emitted_;
  std::unordered_set<std::string> told_here_;  // the sources of one range
  std::pair<std::size_t, std::size_t> range_{};
};

// Appends the array of annotations as Chat Completions has it; of pages.
void append_chat_annotations(std::string& out, const Citations& citations);

// One annotation, and the array, as Responses has them.
void append_annotation(std::string& out, const Citation& citation);
void append_annotations(std::string& out, const Citations& citations);

}  // namespace ccproxy::dialect
