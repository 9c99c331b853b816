// Thinking that a client shows in the assistant's text, wrapped as <think>...</think>, and sends
// back as if the model had said it (gptme, Pydantic AI). It was never said.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "dialect/request/block.hpp"
#include "dialect/request/turns.hpp"

namespace ccproxy::dialect {

// Takes such blocks off the beginning of what the assistant says. Those that hold words stay where
// the conversation itself names their tag: then the model may have been told to write them.
void take_out_reasoning(std::span<const Block> system, Turns& turns, RequestArena& arena);

// True when both say the same but for white space, and but for such blocks in `told`, which is a
// client's version of what was `said`.
[[nodiscard]] bool says_the_same(std::string_view said, std::string_view told);

}  // namespace ccproxy::dialect
