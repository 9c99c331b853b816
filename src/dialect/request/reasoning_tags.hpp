// Thinking that a client shows in the assistant's text, wrapped as <think>...</think>, and sends
// back as text (gptme, Pydantic AI). The model has not written it, so it is removed.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "dialect/request/block.hpp"
#include "dialect/request/turns.hpp"

namespace ccproxy::dialect {

// Removes such wrapped thinking from the beginning of the assistant's texts. Where the conversation
// itself names the tag, the model may have been told to write it: then only empty ones are removed.
void remove_reasoning_tags(std::span<const Block> system, Turns& turns, RequestArena& arena);

// True when `client`, a client's version of a text of the model's, is the same as `original`, but
// for white space and wrapped thinking.
[[nodiscard]] bool has_same_text(std::string_view original, std::string_view client);

}  // namespace ccproxy::dialect
