// The message item of a response: a run of text, and perhaps a refusal behind it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "dialect/reply/citations.hpp"
#include "dialect/reply/markdown_fence.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/item.hpp"

namespace ccproxy::dialect {

// Texts are parts of a JSON string, still escaped.
class MessageItem {
 public:
  // `strips_fence`: a Markdown fence around the text is taken off. `is_json`: no text stands beside
  // a refusal, it becomes the beginning of it.
  MessageItem(ItemRef place, bool strips_fence, bool is_json)
      : place_(std::move(place)), strips_fence_(strips_fence), is_json_(is_json) {}

  void open(ResponseEvents& events, std::string& out);
  void begin_block() { citations_.begin_block(position_); }
  void emit_text(std::string_view escaped, ResponseEvents& events, std::string& out);
  // False for a citation that has no form here.
  bool cite(const anthropic::CitationDelta& citation) { return citations_.cite(citation); }
  void end_block(ResponseEvents& events, std::string& out);
  void emit_refusal(std::string_view escaped, ResponseEvents& events, std::string& out);
  void close(ItemStatus status, ResponseEvents& events, std::string& out);

  [[nodiscard]] std::size_t index() const { return place_.index; }
  // As it stands in the output; once it is closed.
  [[nodiscard]] std::string take() { return std::move(json_); }

 private:
  void open_text(ResponseEvents& events, std::string& out);
  void pass_held(ResponseEvents& events, std::string& out);
  void close_text(ResponseEvents& events, std::string& out);
  [[nodiscard]] std::string turn_into_refusal(ResponseEvents& events, std::string& out);
  void pass_text(std::string_view escaped, ResponseEvents& events, std::string& out);
  void pass_unfenced(ResponseEvents& events, std::string& out);
  [[nodiscard]] std::string part(int number) const;

  ItemRef place_;
  bool strips_fence_, is_json_;
  bool has_text_ = false;     // its part is open
  int parts_ = 0;             // that are complete
  std::size_t position_ = 0;  // in the text, in code points
  std::string text_, at_text_;
  std::string content_;  // JSON: parts that are complete
  std::string json_;
  Citations citations_{true};
  Fence fence_;
  std::string plain_, escaped_;  // for what must be decoded on its way
};

// A message that is complete, as JSON, with its text as a refusal: of an answer in JSON that was
// refused later on.
[[nodiscard]] std::string refused_message(std::string_view message);

}  // namespace ccproxy::dialect
