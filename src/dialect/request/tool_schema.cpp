#include "dialect/request/tool_schema.hpp"

#include <string>

#include "dialect/request/schema_branches.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kEmpty = R"({"type":"object","properties":{}})";

bool is_union(std::string_view name) {
  return name == "anyOf" || name == "oneOf" || name == "allOf";
}

// The schema with one object instead of the unions at its root; nothing when that is too much work.
std::optional<std::string> merged(Value root) {
  SchemaBranches branches(root);
  branches.read(root["properties"]);
  branches.read(root["required"]);
  std::string out = R"({"type":"object")";
  for (const Value member : root.children()) {
    const std::string_view name = member.name();
    if (name == "type" || name == "properties" || name == "required" || branches.read(member))
      continue;
    out += ",\"";
    json::append_escaped(out, name);
    out.append("\":").append(member.raw());
  }
  if (branches.is_too_much()) return std::nullopt;
  out.append(R"(,"properties":)").append(branches.properties().json());
  if (const auto& required = branches.required().list(); !required.empty()) {
    out += R"(,"required":[)";
    for (const std::string_view name : required)
      out.append(out.ends_with('[') ? "" : ",").append(name);
    out += ']';
  }
  return out += '}';
}

}  // namespace

std::optional<std::string_view> tool_schema(Value parameters, RequestArena& arena) {
  if (parameters.is_absent()) return kEmpty;
  if (!parameters.is_object()) return std::nullopt;
  if (parameters.children().empty()) return kEmpty;
  bool is_object = false, is_valid = true;
  for (const Value member : parameters.children()) {
    const std::string_view name = member.name();
    if (name == "type") is_object = member.text().escaped == "object";
    if (is_union(name)) is_valid = false;
    if ((name == "properties" || name == "required") && member.is_absent()) is_valid = false;
  }
  if (is_object && is_valid) return parameters.raw();
  json::Outline whole;  // unions may be nested deeper than the request's outline goes
  if (!whole.read(parameters.raw(), json::Outline::kMaxDepth)) return std::nullopt;
  auto schema = merged(whole.root());
  if (!schema) return std::nullopt;
  return arena.store(std::move(*schema));
}

}  // namespace ccproxy::dialect
