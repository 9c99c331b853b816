// The reasoning item of a response: a block of thinking, told in words when the client asked for a
// summary, and sealed so that it can come back signed.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "dialect/request/reasoning_token.hpp"
#include "dialect/responses/events.hpp"
#include "dialect/responses/item.hpp"

namespace ccproxy::dialect {

// Texts are parts of a JSON string, still escaped.
class ReasoningItem {
 public:
  // `shows`: the words are told.
  ReasoningItem(ItemRef place, bool shows) : place_(std::move(place)), shows_(shows) {}

  void open(ResponseEvents& events, std::string& out);
  void emit(std::string_view escaped, ResponseEvents& events, std::string& out);
  void sign(std::string_view escaped) { signature_ += escaped; }
  // It is a block that nobody can read but upstream; `raw` is the whole block.
  void redact(std::string_view raw) { redacted_ = raw; }
  void close(const ThoughtOwner& owner, ResponseEvents& events, std::string& out);

  [[nodiscard]] std::size_t index() const { return place_.index; }
  // As it stands in the output; once it is closed.
  [[nodiscard]] std::string take() { return std::move(json_); }

 private:
  void close_summary(bool is_whole, ResponseEvents& events, std::string& out);

  ItemRef place_;
  bool shows_;
  std::string at_summary_;  // empty until one is open
  std::string thinking_, signature_, redacted_;
  std::string json_;
};

}  // namespace ccproxy::dialect
