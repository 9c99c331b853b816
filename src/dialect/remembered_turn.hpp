// Puts a turn of the assistant's back as the model made it, thinking and all, when it is remembered
// and the client's version of it says the same (translation.md A.3.4).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/function_ref.hpp"
#include "dialect/block.hpp"
#include "dialect/request.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

// `said` makes all that the turn says, decoded; it is asked only when there is something to compare
// with. `calls` are its calls as the client tells them. True when the turn is known: then its
// blocks are in `out`, which was emptied first. `scratch` is used and forgotten.
[[nodiscard]] bool restore_turn(const Recall& recall, FunctionRef<std::string()> said,
                                std::span<const Block> calls, MadeTexts& made,
                                json::Outline& scratch, std::vector<Block>& out);

}  // namespace ccproxy::dialect
