// The reasoning item of a response: a thinking block, with its text when the client asked for a
// summary, and encoded with its signature so that the client can send it back.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "dialect/request/reasoning_token.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/item.hpp"

namespace ccproxy::dialect {

// `escaped` is part of a JSON string, still escaped.
class ReasoningItem {
 public:
  // With `shows_summary` the client gets the text.
  ReasoningItem(ItemRef ref, bool shows_summary)
      : ref_(std::move(ref)), shows_summary_(shows_summary) {}

  void open(ResponseEvents& events, std::string& out);
  void emit_text(std::string_view escaped, ResponseEvents& events, std::string& out);
  void sign(std::string_view escaped) { signature_ += escaped; }
  // The block is redacted_thinking, which only upstream can read; `raw` is the whole block.
  void redact(std::string_view raw) { redacted_ = raw; }
  // `owner` says who may send the thinking back.
  void close(const ThinkingOwner& owner, ResponseEvents& events, std::string& out);

  [[nodiscard]] std::size_t index() const { return ref_.index; }
  // Moves out the item's JSON as the output has it. Call it once, after close().
  [[nodiscard]] std::string take() { return std::move(json_); }

 private:
  void close_summary(bool is_whole, ResponseEvents& events, std::string& out);

  ItemRef ref_;
  bool shows_summary_;
  std::string summary_members_;  // empty until the summary is open
  std::string thinking_, signature_, redacted_;
  std::string json_;
};

}  // namespace ccproxy::dialect
