#include "dialect/request/output_schema.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "json/document.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {
namespace {

using json::Document;

constexpr int kMaxOptional = 24;
constexpr int kMaxUnions = 16;
constexpr std::size_t kMaxReferences = 64;  // that lead from one to the next

constexpr std::array<std::string_view, 24> kRemoved = {"minimum",
                                                       "maximum",
                                                       "exclusiveMinimum",
                                                       "exclusiveMaximum",
                                                       "multipleOf",
                                                       "minLength",
                                                       "maxLength",
                                                       "pattern",
                                                       "maxItems",
                                                       "uniqueItems",
                                                       "minProperties",
                                                       "maxProperties",
                                                       "patternProperties",
                                                       "propertyNames",
                                                       "contains",
                                                       "minContains",
                                                       "maxContains",
                                                       "not",
                                                       "if",
                                                       "then",
                                                       "else",
                                                       "dependencies",
                                                       "dependentRequired",
                                                       "dependentSchemas"};

constexpr std::array<std::string_view, 10> kFormats = {
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"};

template <class List>
bool is_in(const List& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool is_removed(const std::string& key, const Document& value) {
  if (is_in(kRemoved, key)) return true;
  if (key == "minItems") return !value.is_number_integer() || value.get<std::int64_t>() > 1;
  return key == "format" &&
         !(value.is_string() && is_in(kFormats, value.get_ref<const std::string&>()));
}

bool is_object_schema(const Document& node) {
  if (node.contains("properties")) return true;
  const auto type = node.find("type");
  if (type == node.end()) return false;
  if (type->is_array()) return std::find(type->begin(), type->end(), "object") != type->end();
  return *type == "object";
}

bool has_several(const Document& node, const char* key) {
  const auto list = node.find(key);
  return list != node.end() && list->is_array() && list->size() > 1;
}

// Estimates the work of parsing a schema into a tree, where a member is found by comparing all
// names before it.
class Work {
 public:
  Work(std::string_view schema, json::Outline& outline)
      : sum_(kPerSchema + schema.size() * kPerByte) {
    if (!outline.read(schema, json::Outline::kMaxDepth)) return;
    add(outline.root());
    sum_ += references_ * widest_;
  }

  [[nodiscard]] std::size_t sum() const { return sum_; }

 private:
  static constexpr std::size_t kPerSchema = 2000, kPerByte = 8;

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than an outline lists
  void add(json::Value value) {
    std::size_t members = 0;
    for (const json::Value each : value.children()) {
      if (each.name() == "$ref") ++references_;
      add(each);
      ++members;
    }
    if (!value.is_object()) return;
    sum_ += members * members;
    widest_ = std::max(widest_, members);
  }

  std::size_t sum_;
  std::size_t references_ = 0, widest_ = 0;
};

// Walks a schema once and changes it in place. Recursion is bounded by the depth of a request.
class Sanitizer {
 public:
  explicit Sanitizer(Document& root) : root_(root) {}

  bool run() { return !refers_to_itself() && clean(root_) && cost_.fits(); }
  [[nodiscard]] bool changed() const { return changed_; }
  [[nodiscard]] const SchemaCost& cost() const { return cost_; }

 private:
  bool clean(Document& node) {
    if (!node.is_object()) return true;  // `true` and `false` are schemas as well
    if (is_map(node)) return false;
    std::string notes;
    rename_one_of(node, notes);
    if (&node != &root_ && (has_several(node, "type") || has_several(node, "anyOf")))
      ++cost_.unions;
    remove_keywords(node, notes);
    if (is_object_schema(node)) close_object(node, notes);
    add_notes(node, notes);
    return clean_below(node);
  }

  bool clean_below(Document& node) {
    for (const char* key : {"properties", "$defs", "definitions"})
      if (const auto map = node.find(key); map != node.end() && map->is_object())
        for (auto& [name, schema] : map->items())
          if (!clean(schema)) return false;
    for (const char* key : {"anyOf", "allOf", "prefixItems"})
      if (const auto list = node.find(key); list != node.end() && list->is_array())
        for (Document& schema : *list)
          if (!clean(schema)) return false;
    const auto items = node.find("items");
    return items == node.end() || clean(*items);
  }

  void rename_one_of(Document& node, std::string& notes) {
    const auto found = node.find("oneOf");
    if (found == node.end()) return;
    changed_ = true;
    if (node.contains("anyOf")) {
      note(notes, "oneOf", *found);
      node.erase("oneOf");
      return;
    }
    Document renamed = Document::object();
    for (auto& [key, value] : node.items())
      renamed[key == "oneOf" ? "anyOf" : key] = std::move(value);
    node = std::move(renamed);
  }

  void remove_keywords(Document& node, std::string& notes) {
    std::vector<std::string> removed;
    for (const auto& [key, value] : node.items())
      if (is_removed(key, value)) removed.push_back(key);
    for (const std::string& key : removed) {
      note(notes, key, node[key]);
      node.erase(key);
    }
  }

  // True for an object whose members may have any names: once it is closed, as upstream demands, it
  // could only be empty.
  static bool is_map(const Document& node) {
    if (!is_object_schema(node)) return false;
    const auto open = node.find("additionalProperties");
    if (open != node.end() && *open == false) return false;
    const auto properties = node.find("properties");
    const bool has_names = properties != node.end() && !properties->empty();
    return !has_names && (open != node.end() || properties == node.end());
  }

  void close_object(Document& node, std::string& notes) {
    const auto open = node.find("additionalProperties");
    if (open == node.end() || *open != false) {
      if (open != node.end()) note(notes, "additionalProperties", *open);
      node["additionalProperties"] = false;
      changed_ = true;
    }
    const auto properties = node.find("properties");
    if (properties == node.end() || !properties->is_object()) return;
    std::set<std::string_view> required;
    if (const auto names = node.find("required"); names != node.end() && names->is_array())
      for (const Document& name : *names)
        if (name.is_string()) required.insert(name.get_ref<const std::string&>());
    for (const auto& [name, schema] : properties->items())
      if (!required.contains(name)) ++cost_.optional;
  }

  void note(std::string& notes, std::string_view key, const Document& value) {
    changed_ = true;
    notes.append(notes.empty() ? "" : ", ").append(key).append(": ").append(value.dump());
  }

  static void add_notes(Document& node, const std::string& notes) {
    if (notes.empty()) return;
    std::string text;
    if (const auto old = node.find("description"); old != node.end() && old->is_string())
      text = old->get<std::string>() + " ";
    node["description"] = text + "(" + notes + ")";
  }

  // Follows every $ref from the root. A reference that is being followed already is a circle; more
  // than kMaxReferences in a row count as one.
  bool refers_to_itself() {
    std::set<std::string> open;
    return circles(root_, open);
  }

  bool circles(const Document& node, std::set<std::string>& open) {
    if (node.is_array())
      return std::any_of(node.begin(), node.end(),
                         [&](const Document& item) { return circles(item, open); });
    if (!node.is_object()) return false;
    if (const auto ref = node.find("$ref"); ref != node.end() && ref->is_string())
      if (follows_circle(ref->get<std::string>(), open)) return true;
    for (const auto& [key, value] : node.items())
      if (key == "properties" ? members_circle(value, open)
                              : !is_no_schema(key) && circles(value, open))
        return true;
    return false;
  }

  // The names of properties are no keywords, though they may look like them.
  bool members_circle(const Document& properties, std::set<std::string>& open) {
    return std::any_of(properties.begin(), properties.end(),
                       [&](const Document& schema) { return circles(schema, open); });
  }

  // True for keywords that hold plain values, or schemas that only count where they are referred
  // to.
  static bool is_no_schema(std::string_view key) {
    return key == "$defs" || key == "definitions" || key == "enum" || key == "const";
  }

  bool follows_circle(const std::string& target, std::set<std::string>& open) {
    if (!target.starts_with('#') || done_.contains(target)) return false;
    if (open.size() == kMaxReferences || !open.insert(target).second) return true;
    bool is_circle = target == "#";
    if (!is_circle) {
      try {
        const auto pointer = Document::json_pointer(target.substr(1));
        if (root_.contains(pointer)) is_circle = circles(root_.at(pointer), open);
      } catch (const Document::exception&) {  // an anchor: left to upstream
      }
    }
    open.erase(target);
    done_.insert(target);
    return is_circle;
  }

  Document& root_;
  std::set<std::string> done_;  // references that lead to no circle
  SchemaCost cost_;
  bool changed_ = false;
};

}  // namespace

SchemaCost& SchemaCost::operator+=(const SchemaCost& more) {
  optional += more.optional;
  unions += more.unions;
  return *this;
}

SchemaCost& SchemaCost::operator-=(const SchemaCost& less) {
  optional -= less.optional;
  unions -= less.unions;
  return *this;
}

bool SchemaCost::fits() const { return optional <= kMaxOptional && unions <= kMaxUnions; }

std::optional<OutputSchema> output_schema(std::string_view schema, SchemaWork& work) {
  const std::size_t needed = Work(schema, work.scratch).sum();
  if (needed > work.left) return std::nullopt;
  work.left -= needed;
  auto document = json::parse_document(schema);
  if (!document || !document->is_object()) return std::nullopt;
  Sanitizer sanitizer(*document);
  if (!sanitizer.run()) return std::nullopt;
  if (!sanitizer.changed()) return OutputSchema{std::string(schema), false, sanitizer.cost()};
  return OutputSchema{document->dump(), true, sanitizer.cost()};
}

}  // namespace ccproxy::dialect
