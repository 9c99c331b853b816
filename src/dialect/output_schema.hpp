// JSON Schemas as upstream's structured outputs take them (translation.md A.7.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ccproxy::dialect {

struct OutputSchema {
  std::string json;
  bool changed = false;  // it had to be
};

// What it cannot enforce becomes a sentence in the description beside it. Nothing when the schema
// cannot be sent at all: it refers to itself, has too many optional properties, or is no object.
[[nodiscard]] std::optional<OutputSchema> output_schema(std::string_view schema);

}  // namespace ccproxy::dialect
