// The tokens of a reply as OpenAI's dialects count them. A reply may be several messages upstream
// (pause_turn): their counts add up.
#pragma once

#include <string>

#include "anthropic/event.hpp"

namespace ccproxy::dialect {

struct Tokens {
  std::int64_t input = 0, output = 0, cache_read = 0, cache_write = 0, thinking = 0;
};

class ReplyUsage {
 public:
  // A message begins: the counts of the earlier ones stay.
  void begin_message();
  // Takes counts of the message. A later count replaces an earlier one, a missing count does not.
  void take(const anthropic::TokenCounts& counts);
  // Returns the counts of all messages.
  [[nodiscard]] Tokens sum() const;

 private:
  Tokens before_, message_;
};

// Append the usage object of Chat Completions and of Responses. There the input includes tokens
// that were read from and written to the cache, and the output includes thinking.
void append_chat_usage(std::string& out, const Tokens& tokens);
void append_usage(std::string& out, const Tokens& tokens);

}  // namespace ccproxy::dialect
