// The list of models as OpenAI's clients and as Codex read it. Anthropic's shape is in
// anthropic/model_list.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "anthropic/model_list.hpp"

namespace ccproxy::dialect {

// {"object":"list","data":[...]}; a name of the mapping says under x_ccproxy what it stands for.
[[nodiscard]] std::string openai_model_list(std::span<const anthropic::ModelEntry> entries);

// One object of that list.
[[nodiscard]] std::string openai_model(const anthropic::ModelEntry& entry);

// {"models":[...]} as Codex reads it from GET /models?client_version=... Codex gives up the whole
// list for one entry that lacks a field or holds a value it does not know, so every entry has
// all fields and only values that every version since the catalog exists reads; `client_version`
// (such as 0.153.4) tells whether more is safe.
[[nodiscard]] std::string codex_model_list(std::span<const anthropic::ModelEntry> entries,
                                           std::string_view client_version);

}  // namespace ccproxy::dialect
