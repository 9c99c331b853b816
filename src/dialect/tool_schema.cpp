#include "dialect/tool_schema.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// More than a person or a generator writes. Each may refer to another part of the schema.
constexpr std::ptrdiff_t kMostBranches = 256;

constexpr std::string_view kEmpty = R"({"type":"object","properties":{}})";

bool is_union(std::string_view name) {
  return name == "anyOf" || name == "oneOf" || name == "allOf";
}

bool is_object_schema(Value schema) {
  if (!schema.is_object()) return false;
  const Value type = schema["type"];
  if (type.is_absent()) return schema["properties"].is_object();
  return type.text().escaped == "object";
}

// What a branch stands for: "#/$defs/name" and "#/definitions/name" of the same schema are
// followed.
Value followed(Value branch, Value root) {
  const std::string_view target = branch["$ref"].text().escaped;
  for (const auto& [prefix, home] :
       {std::pair{"#/$defs/", "$defs"}, std::pair{"#/definitions/", "definitions"}}) {
    const std::string_view start = prefix;
    if (target.starts_with(start)) return root[home][target.substr(start.size())];
  }
  return branch;
}

// Properties by their name as it is written, in the order they were first seen.
class Properties {
 public:
  void add(Value properties, std::string_view join) {
    for (const Value property : properties.children()) add(property, join, property.name());
  }

  [[nodiscard]] std::string json() const {
    std::string out = "{";
    for (const Entry& entry : entries_) {
      if (out.size() > 1) out += ',';
      out += '"';
      json::append_escaped(out, entry.name);
      out.append("\":");
      if (entry.schemas.size() == 1) {
        out += entry.schemas[0];
        continue;
      }
      out.append("{\"").append(entry.join).append("\":[");
      for (std::size_t i = 0; i < entry.schemas.size(); ++i)
        out.append(i == 0 ? "" : ",").append(entry.schemas[i]);
      out += "]}";
    }
    return out += '}';
  }

 private:
  struct Entry {
    std::string_view name;
    std::string_view join;
    std::vector<std::string_view> schemas;
  };

  void add(Value schema, std::string_view join, std::string_view name) {
    const auto [known, is_new] = places_.try_emplace(name, entries_.size());
    if (is_new) return entries_.push_back({name, join, {schema.raw()}});
    auto& schemas = entries_[known->second].schemas;
    if (std::find(schemas.begin(), schemas.end(), schema.raw()) == schemas.end())
      schemas.push_back(schema.raw());
  }

  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, std::size_t> places_;
};

// Names as they are written, with their quotes, in order and each once.
class Names {
 public:
  void add(std::string_view name) {
    if (known_.insert(name).second) list_.push_back(name);
  }
  void add(const Names& more) {
    for (const std::string_view name : more.list_) add(name);
  }
  void keep_common(const Names& other) {
    std::erase_if(list_, [&](std::string_view name) { return !other.known_.contains(name); });
    known_ = {list_.begin(), list_.end()};
  }
  [[nodiscard]] const std::vector<std::string_view>& list() const { return list_; }

 private:
  std::vector<std::string_view> list_;
  std::unordered_set<std::string_view> known_;
};

Names required_of(Value schema) {
  Names names;
  for (const Value name : schema["required"].children()) names.add(name.raw());
  return names;
}

// Takes the branches of one union into what the object has.
void merge_union(Value branches, Value root, Properties& properties, Names& required) {
  const bool is_all = branches.name() == "allOf";
  std::optional<Names> common;
  for (const Value branch : branches.children()) {
    const Value schema = followed(branch, root);
    if (!is_object_schema(schema)) continue;
    properties.add(schema["properties"], is_all ? "allOf" : "anyOf");
    Names names = required_of(schema);
    if (is_all) {
      required.add(names);
    } else if (!common) {
      common = std::move(names);
    } else {
      common->keep_common(names);
    }
  }
  if (common) required.add(*common);
}

std::string merged(Value root) {
  Properties properties;
  properties.add(root["properties"], "anyOf");
  Names required = required_of(root);
  std::string out = R"({"type":"object")";
  for (const Value member : root.children()) {
    const std::string_view name = member.name();
    if (is_union(name)) merge_union(member, root, properties, required);
    if (is_union(name) || name == "type" || name == "properties" || name == "required") continue;
    out += ",\"";
    json::append_escaped(out, name);
    out.append("\":").append(member.raw());
  }
  out.append(R"(,"properties":)").append(properties.json());
  if (!required.list().empty()) {
    out += R"(,"required":[)";
    for (const std::string_view name : required.list())
      out.append(out.ends_with('[') ? "" : ",").append(name);
    out += ']';
  }
  return out += '}';
}

}  // namespace

std::optional<std::string_view> tool_schema(Value parameters, MadeTexts& made) {
  if (parameters.is_absent()) return kEmpty;
  if (!parameters.is_object()) return std::nullopt;
  if (parameters.children().empty()) return kEmpty;
  bool is_typed = false, is_sound = true;
  for (const Value member : parameters.children()) {
    const std::string_view name = member.name();
    if (name == "type") is_typed = member.text().escaped == "object";
    if (is_union(name)) {
      is_sound = false;
      const auto branches = member.children();
      if (std::distance(branches.begin(), branches.end()) > kMostBranches) return std::nullopt;
    }
    if ((name == "properties" || name == "required") && member.is_absent()) is_sound = false;
  }
  if (is_typed && is_sound) return parameters.raw();
  return made.keep(merged(parameters));
}

}  // namespace ccproxy::dialect
