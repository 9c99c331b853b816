// What the branches of a schema's unions say of one object: anyOf, oneOf, allOf, $ref, if with then
// and else, one inside the other. Their properties are collected in one list, since upstream takes
// no unions at the root of a tool's schema (rule A.4.2).
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

// Names as they are written, with their quotes, in order and each once.
class SchemaNames {
 public:
  void add(std::string_view name) {
    if (known_.insert(name).second) list_.push_back(name);
  }
  void add(const SchemaNames& more) {
    for (const std::string_view name : more.list_) add(name);
  }
  void keep_common(const SchemaNames& other);
  [[nodiscard]] const std::vector<std::string_view>& list() const { return list_; }

 private:
  std::vector<std::string_view> list_;
  std::unordered_set<std::string_view> known_;
};

// Properties by their name as it is written, in the order they were first seen. One that has
// several schemas has to fit all of them where only allOf brought them together, else any.
class SchemaProperties {
 public:
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
  std::unordered_map<std::string_view, std::size_t> places_;
};

class SchemaBranches {
 public:
  // The whole schema, which references are looked up in. It must outlive this.
  explicit SchemaBranches(json::Value root);

  // Takes a member of the root: properties, required, a union or a reference. False when it is
  // something else, or refers to what is not here.
  bool take(json::Value member);

  [[nodiscard]] const SchemaProperties& properties() const { return properties_; }
  [[nodiscard]] const SchemaNames& required() const { return demands_.required; }
  // True when there was so much to look into that it was given up: a few kilobytes of references to
  // references can mean anything.
  [[nodiscard]] bool is_too_much() const { return is_too_much_; }

 private:
  // What an object that fits a schema has to have.
  struct Demands {
    bool fits_objects = true;
    SchemaNames required{};
  };
  using Fields = std::unordered_map<std::string_view, json::Value>;

  void read(json::Value schema, bool is_all, Demands& demands);
  void read_member(json::Value member, bool is_all, Demands& demands);
  void read_conditional(json::Value schema, Demands& demands);
  const Demands& demands_of(json::Value schema, bool is_all);
  void take_all(const Demands& more, Demands& demands);
  void take_common(const std::vector<const Demands*>& branches, Demands& demands);
  void add_properties(json::Value properties, bool is_all);
  [[nodiscard]] std::vector<json::Value> branches_of(json::Value list);
  [[nodiscard]] json::Value target(json::Value reference);
  [[nodiscard]] json::Value inside(json::Value container, const std::string& token);
  void count(std::size_t names);

  json::Value root_;
  std::size_t names_left_;
  SchemaProperties properties_;
  Demands demands_;  // the root's
  // What is known of each schema by where it stands, apart for what all objects must fit.
  std::array<std::unordered_map<const char*, Demands>, 2> known_;
  std::unordered_map<const char*, Fields> fields_;  // of the objects that references lead through
  std::size_t depth_ = 0;
  bool is_too_much_ = false;
};

}  // namespace ccproxy::dialect
