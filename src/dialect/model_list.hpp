// The list of models in the shapes that OpenAI's clients and Codex read. Anthropic's shape is in
// anthropic/model_list.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "anthropic/model_list.hpp"

namespace ccproxy::dialect {

// {"object":"list","data":[...]}. A name of the configured mapping has the model that it stands for
// under x_ccproxy.
[[nodiscard]] std::string openai_model_list(std::span<const anthropic::ModelEntry> entries);

// One object of that list.
[[nodiscard]] std::string openai_model(const anthropic::ModelEntry& entry);

// {"models":[...]} as Codex reads it from GET /models?client_version=... Codex drops the whole list
// for one entry that lacks a field or has an unknown value, so every entry has all fields, and only
// values that all versions with a model list know. `client_version` (such as 0.153.4) shows whether
// newer values are safe.
[[nodiscard]] std::string codex_model_list(std::span<const anthropic::ModelEntry> entries,
                                           std::string_view client_version);

}  // namespace ccproxy::dialect
