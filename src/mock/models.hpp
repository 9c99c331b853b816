// The model list of the simulated API, in Anthropic's shape.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/document.hpp"

namespace ccproxy::mock {

// Returns all models, newest first, as the real list is.
[[nodiscard]] const std::vector<json::Document>& models();

[[nodiscard]] std::optional<json::Document> find_model(std::string_view id);

// Returns one page of a list whose entries have an `id`. The parameters `limit`, `after_id` and
// `before_id` of `query` choose the page; `query` may begin with a question mark.
[[nodiscard]] json::Document page_of(const std::vector<json::Document>& entries,
                                     std::string_view query);

}  // namespace ccproxy::mock
