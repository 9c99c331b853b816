// The tokens of an answer as Chat Completions counts them. One answer may be several messages
// upstream (pause_turn): their numbers add up.
#pragma once

#include <string>

#include "anthropic/event.hpp"

namespace ccproxy::dialect {

struct Tokens {
  std::int64_t input = 0, output = 0, cache_read = 0, cache_write = 0, thinking = 0;
};

class AnswerTokens {
 public:
  // A message begins: what was counted so far stays counted.
  void begin_message();
  // The later number of a message counts; a missing one leaves the earlier.
  void take(const anthropic::TokenCounts& counts);
  [[nodiscard]] Tokens sum() const;

 private:
  Tokens before_, message_;
};

// Appends the usage object. Cached and written tokens are part of the prompt here, and thinking is
// part of the completion.
void append_chat_usage(std::string& out, const Tokens& tokens);

}  // namespace ccproxy::dialect
