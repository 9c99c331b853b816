// Puts turns of the assistant's back as the model made them, thinking and all, when they are
// remembered and the client's version of them says and does the same (rule A.3.4). It
// knows turns and blocks, and no dialect.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "anthropic/thinking_turn.hpp"
#include "dialect/request/block.hpp"
#include "dialect/request/report.hpp"
#include "dialect/request/turns.hpp"

namespace ccproxy::dialect {

// What is remembered of the turns of one client.
class TurnMemory {
 public:
  using Turn = std::shared_ptr<const anthropic::ThoughtTurn>;

  TurnMemory() = default;
  TurnMemory(const TurnMemory&) = delete;
  TurnMemory& operator=(const TurnMemory&) = delete;
  TurnMemory(TurnMemory&&) = delete;
  TurnMemory& operator=(TurnMemory&&) = delete;
  virtual ~TurnMemory() = default;

  // The turn that made the call of that id; nullptr when there is none.
  [[nodiscard]] virtual Turn by_id(std::string_view tool_use_id) const = 0;
  // Those of that likeness (anthropic::likeness_of), as far as they can be told apart.
  [[nodiscard]] virtual std::vector<Turn> alike(std::uint64_t likeness) const = 0;
};

// How a dialect tells what the assistant said and called in a turn: together in one message, or as
// items of a list, one after another.
enum class Telling : std::uint8_t { kInMessages, kInItems };

// Restores what can be restored; `memory` may be nullptr. Calls that came back one by one, each
// with its result behind it, are one turn again when they were one. Thinking that the client has
// brought along, but without its place (Block::floats), finds it; where it has none, it is left
// out. What was remembered and cannot be taken is told as `thinking_dropped`.
void restore_turns(const TurnMemory* memory, Telling telling, Turns& turns, Report& report,
                   RequestArena& arena);

// Stands for what the assistant answers behind these turns: the last results or the user's last
// text, by what they say. It is what likeness_of() is given when the answer is remembered.
[[nodiscard]] std::uint64_t what_is_answered(const std::vector<Turn>& turns);

}  // namespace ccproxy::dialect
