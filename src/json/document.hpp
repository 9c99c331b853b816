// JSON as a tree that keeps the order of keys, for files that a person edits and for the simulated
// upstream's scripts. Never on the request path: json/reader and json/writer are for that.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy::json {

using Document = nlohmann::ordered_json;

// Parses strictly. Fails with kConfiguration; the message names line and column.
[[nodiscard]] Result<Document> parse_document(std::string_view text);

}  // namespace ccproxy::json
