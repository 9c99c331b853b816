// A filter for events that leaves no lone surrogate in any text. Models emit text in deltas that
// are cut at any place, even inside a surrogate pair, and sometimes emit a lone surrogate. Clients
// that decode each delta by itself would lose a pair that is cut, and the provider refuses a lone
// surrogate that a client sends back.
#pragma once

#include <string>
#include <string_view>

#include "anthropic/event.hpp"
#include "base/function_ref.hpp"

namespace ccproxy::anthropic {

class SurrogateFilter {
 public:
  using Emit = FunctionRef<void(const MessageEvent&)>;

  // Calls `emit` with the event, without lone surrogates. A high surrogate at the end of a delta is
  // withheld until the next delta completes the pair, and becomes U+FFFD when something else comes.
  // The views of an emitted event are valid until `emit` returns.
  void pass(const MessageEvent& event, Emit emit);

 private:
  enum class Kind { kNone, kText, kThinking, kInput };

  void pass_delta(Kind kind, JsonText text, const MessageEvent& event, Emit emit);
  void emit_text(Kind kind, std::string_view escaped, Emit emit);
  void flush(Emit emit);
  bool pass_repaired(const MessageEvent& event, Emit emit);
  [[nodiscard]] JsonText repaired(JsonText text, std::string& copy) const;

  Kind kind_ = Kind::kNone;  // of the delta whose end is withheld
  std::string withheld_;     // the escape of a high surrogate; empty when nothing is withheld
  std::string text_, copy_, other_copy_, third_copy_;
};

}  // namespace ccproxy::anthropic
