// A turn of the assistant's that called tools, and as it was if it thought before that. Chat
// Completions has no place for signed thinking, so a client sends the turn back without it; with
// this it can be made whole again, if the client has changed nothing that was said or done in it.
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

struct ThoughtTurn {
  std::string blocks;           // elements of a JSON array, verbatim; empty if it did not think
  std::string text;             // of all text blocks, decoded
  std::vector<ToolCall> calls;  // the client's, in order; at least one
  std::uint64_t likeness = 0;   // likeness_of() them, behind what stood before the turn

  [[nodiscard]] std::size_t bytes() const;
};

// Reads the blocks of a complete turn (Transcript::blocks()). Nothing when there is no call of a
// client's tool in it. `before` stands for what the turn has answered.
[[nodiscard]] std::optional<ThoughtTurn> called_turn(std::string blocks, std::uint64_t before);

// The same, but nothing when there is no thinking in it.
[[nodiscard]] std::optional<ThoughtTurn> thought_turn(std::string blocks, std::uint64_t before = 0);

// The same number for the same calls behind the same `before`, whatever ids a client gave them and
// however it wrote their JSON. Other calls may have it too.
[[nodiscard]] std::uint64_t likeness_of(std::uint64_t before, std::span<const ToolCall> calls);

// The same call by call, for whoever knows the json::value_hash of their inputs.
class Likeness {
 public:
  explicit Likeness(std::uint64_t before);
  void add(std::string_view name, std::uint64_t input);
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  std::uint64_t number_;
};

// True when a client's version of the turn does the same: names, and inputs that mean the same
// JSON, in order. Ids are the client's own affair.
[[nodiscard]] bool calls_the_same(const ThoughtTurn& turn, std::span<const ToolCall> calls);

}  // namespace ccproxy::anthropic
