// Collects the properties that the branches of a schema's unions give to one object: anyOf, oneOf,
// allOf, $ref, if with then and else, nested in any way. Upstream takes no unions at the root of a
// tool's schema (rule A.4.2).
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "json/outline.hpp"

namespace ccproxy::dialect {

// Names as JSON, with their quotes, in order and each once.
class SchemaNames {
 public:
  void add(std::string_view name) {
    if (known_.insert(name).second) list_.push_back(name);
  }
  void add(const SchemaNames& more) {
    for (const std::string_view name : more.list_) add(name);
  }
  // Removes the names that `other` does not have.
  void intersect(const SchemaNames& other);
  [[nodiscard]] const std::vector<std::string_view>& list() const { return list_; }

 private:
  std::vector<std::string_view> list_;
  std::unordered_set<std::string_view> known_;
};

// Properties in the order in which they were first seen. A property with several schemas must fit
// all of them where only allOf brought them together, else any.
class SchemaProperties {
 public:
  // Adds the member `schema` of some `properties`. `is_all`: it was reached through allOf alone.
  void add(json::Value schema, bool is_all);
  [[nodiscard]] std::string json() const;

 private:
  struct Entry {
    std::string_view name;
    bool is_all;
    std::vector<std::string_view> schemas{};
    std::unordered_set<std::string_view> known{};
  };
  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, std::size_t> indices_;  // in entries_, by name
};

class SchemaBranches {
 public:
  // `root` is the whole schema, in which references are looked up. It must outlive the object.
  explicit SchemaBranches(json::Value root);

  // Reads a member of the root: properties, required, a union or a reference. Returns false when it
  // is another member, or a reference to something outside the schema.
  bool read(json::Value member);

  [[nodiscard]] const SchemaProperties& properties() const { return properties_; }
  [[nodiscard]] const SchemaNames& required() const { return demands_.required; }
  // True when reading was given up: a few kilobytes of references to references can stand for any
  // amount of work.
  [[nodiscard]] bool is_too_much() const { return is_too_much_; }

 private:
  // What a schema demands of an object.
  struct Demands {
    bool fits_objects = true;
    SchemaNames required{};
  };
  using Fields = std::unordered_map<std::string_view, json::Value>;

  void read_schema(json::Value schema, bool is_all, Demands& demands);
  void read_member(json::Value member, bool is_all, Demands& demands);
  void read_conditional(json::Value schema, Demands& demands);
  const Demands& demands_of(json::Value schema, bool is_all);
  void add_all(const Demands& more, Demands& demands);
  void add_common(const std::vector<const Demands*>& branches, Demands& demands);
  void add_properties(json::Value properties, bool is_all);
  [[nodiscard]] std::vector<json::Value> branches_of(json::Value list);
  [[nodiscard]] json::Value target(json::Value reference);
  [[nodiscard]] json::Value inside(json::Value container, const std::string& token);
  void count(std::size_t names);

  json::Value root_;
  std::size_t names_left_;
  SchemaProperties properties_;
  Demands demands_;  // the root's
  // The demands of each schema by its address, for `is_all` false and true.
  std::array<std::unordered_map<const char*, Demands>, 2> known_;
  std::unordered_map<const char*, Fields> fields_;  // of objects on the way of a reference
  std::size_t depth_ = 0;
  bool is_too_much_ = false;
};

}  // namespace ccproxy::dialect
