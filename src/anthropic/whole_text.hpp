// What a model writes is cut into deltas anywhere, also inside a surrogate pair, and may have half
// a pair that nobody completes. Clients that decode each delta by itself lose such a character, and
// the provider refuses half a pair that comes back. Behind this filter every text is whole.
#pragma once

#include <string>
#include <string_view>

#include "anthropic/event.hpp"
#include "base/function_ref.hpp"

namespace ccproxy::anthropic {

class WholeText {
 public:
  using Tell = FunctionRef<void(const MessageEvent&)>;

  // Calls `tell` with the event, perhaps not now: the first half of a pair waits for the second,
  // and is U+FFFD when something else comes. What is told lives until `tell` returns.
  void pass(const MessageEvent& event, Tell emit);

 private:
  enum class Kind { kNone, kText, kThinking, kInput };

  void pass_delta(Kind kind, JsonText text, const MessageEvent& event, Tell emit);
  void emit_text(Kind kind, std::string_view escaped, Tell emit);
  void flush(Tell emit);
  bool pass_mended(const MessageEvent& event, Tell emit);
  [[nodiscard]] JsonText mended(JsonText text, std::string& copy) const;

  Kind kind_ = Kind::kNone;  // of the delta that the waiting half has ended
  std::string half_;         // its escape
  std::string text_, copy_, other_copy_, third_copy_;
};

}  // namespace ccproxy::anthropic
