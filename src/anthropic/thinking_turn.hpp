// A turn of the assistant that has called tools, with its thinking. Chat Completions has no place
// for signed thinking, so a client sends the turn back without it; with this the thinking can be
// restored, unless the client has changed the text or the calls of the turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccproxy::anthropic {

struct ToolCall {
  std::string id, name;
  std::string input;  // JSON
};

struct ThinkingTurn {
  std::string blocks;           // elements of a JSON array, verbatim; empty without thinking
  std::string text;             // of all text blocks, decoded
  std::vector<ToolCall> calls;  // of the client's tools, in order; at least one
  std::uint64_t likeness = 0;   // likeness_of() the calls

  [[nodiscard]] std::size_t bytes() const;
};

// Reads the blocks of a complete turn (Transcript::blocks()). Nothing when it does not call a tool
// of the client. `before` is a hash of the conversation before the turn.
[[nodiscard]] std::optional<ThinkingTurn> turn_with_calls(std::string blocks, std::uint64_t before);

// The same, but nothing when the turn has no thinking.
[[nodiscard]] std::optional<ThinkingTurn> thinking_turn(std::string blocks,
                                                        std::uint64_t before = 0);

// A hash of the calls and of `before`. It is the same for calls with other ids and for inputs that
// are written differently but mean the same.
[[nodiscard]] std::uint64_t likeness_of(std::uint64_t before, std::span<const ToolCall> calls);

// The same hash, call by call, for a caller that has the json::value_hash of the inputs.
class Likeness {
 public:
  explicit Likeness(std::uint64_t before);
  void add(std::string_view name, std::uint64_t input);
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  std::uint64_t number_;
};

// True when `calls`, from a client's version of the turn, have the same names and the same inputs
// in the same order. Ids may differ, and so may the way in which the JSON is written.
[[nodiscard]] bool has_same_calls(const ThinkingTurn& turn, std::span<const ToolCall> calls);

}  // namespace ccproxy::anthropic
