#include "mock/sample.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr int kMaxDepth = 16;  // bounds schemas that refer to themselves

class Sampler {
 public:
  explicit Sampler(const Document& root) : root_(root) {}

  Document value(const Document& schema, std::string_view name, int depth) const {
    if (!schema.is_object() || depth > kMaxDepth) return nullptr;
    if (schema.contains("const")) return schema["const"];
    if (has_list(schema, "enum")) return schema["enum"][0];
    if (const Document* target = referred(schema)) return value(*target, name, depth + 1);
    for (const char* choice : {"anyOf", "oneOf", "allOf"})
      if (has_list(schema, choice)) return value(schema[choice][0], name, depth + 1);
    const std::string type = type_of(schema);
    if (type == "object") return object(schema, depth);
    if (type == "array") return array(schema, name, depth);
    if (type == "integer" || type == "number") return number(schema);
    if (type == "boolean") return true;
    if (type == "null") return nullptr;
    return text(schema, name);
  }

 private:
  static bool has_list(const Document& schema, const char* key) {
    return schema.contains(key) && schema[key].is_array() && !schema[key].empty();
  }

  static std::int64_t count(const Document& schema, const char* key) {
    const bool is_there = schema.contains(key) && schema[key].is_number_unsigned();
    return is_there ? schema[key].get<std::int64_t>() : 0;
  }

  static std::string type_of(const Document& schema) {
    if (has_list(schema, "type")) {
      const Document& first = schema["type"][0];
      return first.is_string() ? first.get<std::string>() : "";
    }
    if (schema.contains("type") && schema["type"].is_string())
      return schema["type"].get<std::string>();
    return schema.contains("properties") ? "object" : "";
  }

  // Returns the target of a local $ref; null without one.
  const Document* referred(const Document& schema) const {
    if (!schema.contains("$ref") || !schema["$ref"].is_string()) return nullptr;
    const std::string reference = schema["$ref"].get<std::string>();
    if (!reference.starts_with("#")) return nullptr;
    try {
      const Document::json_pointer pointer(reference.substr(1));
      return root_.contains(pointer) ? &root_[pointer] : nullptr;
    } catch (const Document::exception&) {
      return nullptr;
    }
  }

  Document object(const Document& schema, int depth) const {
    Document sample = Document::object();
    const bool has_members = schema.contains("properties") && schema["properties"].is_object();
    if (!has_members || !has_list(schema, "required")) return sample;
    for (const Document& key : schema["required"]) {
      if (!key.is_string()) continue;
      const std::string name = key.get<std::string>();
      if (schema["properties"].contains(name))
        sample[name] = value(schema["properties"][name], name, depth + 1);
    }
    return sample;
  }

  Document array(const Document& schema, std::string_view name, int depth) const {
    Document sample = Document::array();
    const auto least = count(schema, "minItems");
    const bool is_command = name == "command" && schema.contains("items");
    if (is_command) return Document{"echo", "hello"};
    for (std::int64_t i = 0; i < std::min<std::int64_t>(least, 8) && schema.contains("items"); ++i)
      sample.push_back(value(schema["items"], name, depth + 1));
    return sample;
  }

  static Document number(const Document& schema) {
    if (schema.contains("minimum") && schema["minimum"].is_number()) return schema["minimum"];
    return 1;
  }

  static Document text(const Document& schema, std::string_view name) {
    if (name == "command" || name == "cmd") return "echo hello from the simulated Claude API";
    if (name.find("path") != std::string_view::npos) return "README.md";
    if (name.find("url") != std::string_view::npos) return "https://example.com/";
    std::string word = "demo";
    const auto least = std::min<std::int64_t>(count(schema, "minLength"), 1000);
    while (static_cast<std::int64_t>(word.size()) < least) word += " demo";
    return word;
  }

  const Document& root_;
};

}  // namespace

json::Document sample_of(const json::Document& schema, std::string_view name) {
  return Sampler(schema).value(schema, name, 0);
}

}  // namespace ccproxy::mock
