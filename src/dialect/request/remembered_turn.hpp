// Restores turns of the assistant as the model made them, with their thinking, when they are
// remembered and the client's version has the same text and calls (rule A.3.4). It knows turns and
// blocks, and no dialect.
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

// The remembered turns of one client.
class TurnMemory {
 public:
  using Turn = std::shared_ptr<const anthropic::ThinkingTurn>;

  TurnMemory() = default;
  TurnMemory(const TurnMemory&) = delete;
  TurnMemory& operator=(const TurnMemory&) = delete;
  TurnMemory(TurnMemory&&) = delete;
  TurnMemory& operator=(TurnMemory&&) = delete;
  virtual ~TurnMemory() = default;

  // The turn with the call of that id; nullptr when there is none.
  [[nodiscard]] virtual Turn by_id(std::string_view tool_use_id) const = 0;
  // The turns of that likeness (anthropic::likeness_of).
  [[nodiscard]] virtual std::vector<Turn> alike(std::uint64_t likeness) const = 0;
};

// How a dialect writes the text and the calls of an assistant's turn: in one message, or as items
// of a list, one after another.
enum class TurnForm : std::uint8_t { kMessages, kItems };

// Restores the turns that are remembered; `memory` may be nullptr. Calls of one turn that came back
// one by one, each with its result behind it, become one turn again. Thinking that the client has
// brought along without its place (Block::is_unplaced) gets its place, or is dropped where that
// cannot be known. A warning `thinking_dropped` says that thinking was dropped, or that a turn was
// remembered but did not fit the client's version.
void restore_turns(const TurnMemory* memory, TurnForm form, Turns& turns, Report& report,
                   RequestArena& arena);

// The hash of what the assistant replies to behind these turns: the last results, or the user's
// last text. It is given to likeness_of() when the reply is remembered.
[[nodiscard]] std::uint64_t question_hash(const std::vector<Turn>& turns);

}  // namespace ccproxy::dialect
