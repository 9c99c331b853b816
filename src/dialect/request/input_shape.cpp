#include "dialect/request/input_shape.hpp"

#include <algorithm>

#include "json/outline.hpp"

namespace ccproxy::dialect {

using json::Value;

InputShape::InputShape(std::string_view schema) {
  json::Outline outline;
  if (!outline.read(schema, 3)) return;
  for (const Value property : outline.root()["properties"].children())
    properties_.emplace(property.name());
  for (const Value name : outline.root()["required"].children())
    required_.push_back(name.decoded());
}

bool InputShape::fits(std::string_view input) const {
  json::Outline outline;
  if (!outline.read(input, 2)) return false;
  std::unordered_set<std::string_view> names;
  for (const Value member : outline.root().children()) {
    if (!properties_.contains(std::string(member.name()))) return false;
    names.insert(member.name());
  }
  return std::all_of(required_.begin(), required_.end(),
                     [&](const std::string& name) { return names.contains(name); });
}

}  // namespace ccproxy::dialect
