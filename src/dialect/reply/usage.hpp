// The tokens of an answer as OpenAI's dialects count them. One answer may be several messages
// upstream (pause_turn): their numbers add up.
#pragma once

#include <string>

#include "anthropic/event.hpp"

namespace ccproxy::dialect {

struct Tokens {
  std::int64_t input = 0, output = 0, cache_read = 0, cache_write = 0, thinking = 0;
};

class ReplyUsage {
 public:
  // A message begins: what was counted so far stays counted.
  void begin_message();
  // The later number of a message counts; a missing one leaves the earlier.
  void take(const anthropic::TokenCounts& counts);
  [[nodiscard]] Tokens sum() const;

 private:
  Tokens before_, message_;
};

// Append the usage object of Chat Completions and of Responses. Cached and written tokens are part
// of the input there, and thinking is part of the output.
void append_chat_usage(std::string& out, const Tokens& tokens);
void append_usage(std::string& out, const Tokens& tokens);

}  // namespace ccproxy::dialect
