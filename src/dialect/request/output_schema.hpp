// JSON Schemas as upstream's structured outputs take them (rule A.7.2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "json/outline.hpp"

namespace ccproxy::dialect {

// What schemas take of the limits that upstream sets for all schemas of a request together: it
// compiles them into one grammar.
struct SchemaCost {
  int optional = 0;  // properties that may be left out
  int unions = 0;    // values that may be of several types; a nullable one is

  SchemaCost& operator+=(const SchemaCost& more);
  SchemaCost& operator-=(const SchemaCost& less);
  [[nodiscard]] bool fits() const;
};

struct OutputSchema {
  std::string json;
  bool changed = false;  // it had to be
  SchemaCost cost{};
};

// What the schemas of one request may take to be read: comparisons of names, about. Schemas that
// take more would not be compiled by upstream either.
inline constexpr std::size_t kSchemaWork = 4'000'000;

// What is left of that, and what one schema after another is read with.
struct SchemaWork {
  std::size_t left = kSchemaWork;
  json::Outline scratch{};
};

// What it cannot enforce becomes a sentence in the description beside it. Nothing when the schema
// cannot be sent at all: it refers to itself, costs too much by itself, or is no object; or there
// is too little left of `work`, from which what it takes is taken.
[[nodiscard]] std::optional<OutputSchema> output_schema(std::string_view schema, SchemaWork& work);
[[nodiscard]] inline std::optional<OutputSchema> output_schema(std::string_view schema) {
  SchemaWork work;
  return output_schema(schema, work);
}

}  // namespace ccproxy::dialect
