// The message item of a response: text, and perhaps a refusal after it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "dialect/reply/citations.hpp"
#include "dialect/reply/markdown_fence.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/item.hpp"

namespace ccproxy::dialect {

// `escaped` is part of a JSON string, still escaped.
class MessageItem {
 public:
  // `strips_fence` removes a Markdown fence around the text. With `is_json` no text stands beside a
  // refusal: the text becomes its beginning.
  MessageItem(ItemRef ref, bool strips_fence, bool is_json)
      : ref_(std::move(ref)), strips_fence_(strips_fence), is_json_(is_json) {}

  void open(ResponseEvents& events, std::string& out);
  void begin_block() { citations_.begin_block(position_); }
  void emit_text(std::string_view escaped, ResponseEvents& events, std::string& out);
  // Returns false for a citation that Responses cannot express.
  bool cite(const anthropic::CitationDelta& citation) { return citations_.cite(citation); }
  void end_block(ResponseEvents& events, std::string& out);
  void emit_refusal(std::string_view escaped, ResponseEvents& events, std::string& out);
  void close(ItemStatus status, ResponseEvents& events, std::string& out);

  [[nodiscard]] std::size_t index() const { return ref_.index; }
  // Moves out the item's JSON as the output has it. Call it once, after close().
  [[nodiscard]] std::string take() { return std::move(json_); }

 private:
  void open_text(ResponseEvents& events, std::string& out);
  void pass_held_text(ResponseEvents& events, std::string& out);
  void close_text(ResponseEvents& events, std::string& out);
  [[nodiscard]] std::string turn_into_refusal(ResponseEvents& events, std::string& out);
  void pass_text(std::string_view escaped, ResponseEvents& events, std::string& out);
  [[nodiscard]] std::string part(int number) const;

  ItemRef ref_;
  bool strips_fence_, is_json_;
  bool has_text_ = false;            // the text's part is open
  int parts_ = 0;                    // that are complete
  std::size_t position_ = 0;         // in the text, in code points
  std::string text_, text_members_;  // of the part that is open
  std::string content_;              // JSON: parts that are complete
  std::string json_;
  Citations citations_{true};
  EscapedFence fence_;
};

// Returns a complete message, JSON, with its texts as refusals: a later part of a reply in JSON was
// refused.
[[nodiscard]] std::string refused_message(std::string_view message);

}  // namespace ccproxy::dialect
