// A turn of the assistant's that thought before it called tools, kept as it was. Chat Completions
// has no place for signed thinking, so a client sends the turn back without it; with this it can be
// made whole again, if the client has changed nothing else.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccproxy::anthropic {

struct ToolCall {
  std::string id, name;
  std::string input;  // JSON
};

struct ThoughtTurn {
  std::string blocks;           // elements of a JSON array, verbatim
  std::string text;             // of all text blocks, decoded
  std::vector<ToolCall> calls;  // the client's, in order

  [[nodiscard]] std::size_t bytes() const;
};

// Reads the blocks of a complete turn (Transcript::blocks()). Nothing when there is no thinking in
// it or no call of a client's tool: then nothing needs to be remembered.
[[nodiscard]] std::optional<ThoughtTurn> thought_turn(std::string blocks);

// True when a client's version of the turn says the same: text, ids, names, and inputs that mean
// the same JSON.
[[nodiscard]] bool says_the_same(const ThoughtTurn& turn, std::string_view text,
                                 const std::vector<ToolCall>& calls);

}  // namespace ccproxy::anthropic
