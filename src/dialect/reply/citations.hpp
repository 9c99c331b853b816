// Citations in a reply's text. A citation belongs to a whole block of text, so its range is known
// when the block has ended. Pages are cited with their address; documents can be cited in Responses
// only.
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
  // Still escaped. `source` is the address of a page, or the id of a document's file. The title of
  // a page is never empty; both members of a document may be.
  std::string source{}, title{};
  std::size_t start = 0, end = 0;  // in the text, in code points
};

class Citations {
 public:
  // With `takes_documents`, citations of documents are taken, too.
  explicit Citations(bool takes_documents = false) : takes_documents_(takes_documents) {}

  // A block of text begins or ends at `position`, in code points of the whole text.
  void begin_block(std::size_t position) { start_ = position; }
  // Adds a citation of the open block. Returns false for a kind that is not taken.
  bool cite(const anthropic::CitationDelta& citation);
  // Returns the block's citations, each source once for a range of text. The view is valid until
  // the next call.
  std::span<const Citation> end_block(std::size_t position);

  [[nodiscard]] const std::vector<Citation>& all() const { return all_; }

 private:
  bool takes_documents_;
  std::size_t start_ = 0;
  std::vector<Citation> open_;                   // of the block that is open
  std::vector<Citation> all_;                    // of the blocks that have ended
  std::unordered_set<std::string> sources_;      // of `range_`
  std::pair<std::size_t, std::size_t> range_{};  // of the last block that has ended
};

// Appends the array of annotations as Chat Completions has it. All citations must be of pages.
void append_chat_annotations(std::string& out, const Citations& citations);

// Append one annotation, and the array, as Responses has them.
void append_annotation(std::string& out, const Citation& citation);
void append_annotations(std::string& out, const Citations& citations);

}  // namespace ccproxy::dialect
