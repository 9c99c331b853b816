// Makes a JSON Schema one that upstream's structured outputs take (rule A.7.2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "json/outline.hpp"

namespace ccproxy::dialect {

// What schemas cost of the limits that upstream sets for all schemas of a request together: it
// compiles them into one grammar.
struct SchemaCost {
  int optional = 0;  // properties that may be left out
  int unions = 0;    // values that may be of several types, such as nullable ones

  SchemaCost& operator+=(const SchemaCost& more);
  SchemaCost& operator-=(const SchemaCost& less);
  // True when upstream takes schemas of that cost.
  [[nodiscard]] bool fits() const;
};

struct OutputSchema {
  std::string json;
  bool changed = false;  // `json` is not the client's schema
  SchemaCost cost{};
};

// The work that reading all schemas of a request may take, roughly in comparisons of names.
// Upstream would not compile schemas that take more either.
inline constexpr std::size_t kMaxSchemaWork = 4'000'000;

// The work that is left for a request, and scratch memory.
struct SchemaWork {
  std::size_t left = kMaxSchemaWork;
  json::Outline scratch{};
};

// Keywords that upstream cannot enforce become a sentence in the description beside them. Returns
// nothing when the schema cannot be sent: it refers to itself, costs too much by itself or is no
// object, or reading it takes more than is left of `work`, which is reduced by what it takes.
[[nodiscard]] std::optional<OutputSchema> output_schema(std::string_view schema, SchemaWork& work);
[[nodiscard]] inline std::optional<OutputSchema> output_schema(std::string_view schema) {
  SchemaWork work;
  return output_schema(schema, work);
}

}  // namespace ccproxy::dialect
