#include "dialect/request/schema_branches.hpp"

#include <algorithm>
#include <iterator>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;
using json::ValueKind;

// No person or generator writes more than these.
constexpr std::size_t kMaxBranches = 256;  // of one union
constexpr std::size_t kMaxSchemas = 1024;  // that are read
constexpr std::size_t kMaxDepth = 256;     // of nesting, by reference or by place
// Names that may be collected, beside one for each byte of the schema.
constexpr std::size_t kMinNames = 1024;

bool is_object_value(Value value) { return value.is_object(); }

// False for a schema that no object can fit by its own keywords.
bool admits_objects(Value schema) {
  const auto is_object_name = [](Value name) { return name.text().escaped == "object"; };
  const Value type = schema["type"], fixed = schema["const"], values = schema["enum"];
  if (type.is_string() && !is_object_name(type)) return false;
  const auto types = type.children(), choices = values.children();
  if (type.is_array() && std::none_of(types.begin(), types.end(), is_object_name)) return false;
  if (values.is_array() && std::none_of(choices.begin(), choices.end(), is_object_value))
    return false;
  return fixed.kind() == ValueKind::kMissing || fixed.is_object();
}

// Decodes a token of a JSON pointer (RFC 6901).
std::string unescaped(std::string_view token) {
  std::string plain;
  for (std::size_t at = 0; at < token.size(); ++at) {
    const bool is_escape =
        token[at] == '~' && at + 1 < token.size() && (token[at + 1] == '0' || token[at + 1] == '1');
    plain += is_escape ? (token[++at] == '0' ? '~' : '/') : token[at];
  }
  return plain;
}

// The fragment of a reference, percent-decoded; a plus sign stands for itself in it.
std::string fragment_of(std::string_view reference) {
  std::string text;
  for (const char c : reference.substr(1))
    if (c == '+')
      text += "%2B";
    else
      text += c;
  return percent_decoded(text);
}

}  // namespace

void SchemaNames::intersect(const SchemaNames& other) {
  std::erase_if(list_, [&](std::string_view name) { return !other.known_.contains(name); });
  known_ = {list_.begin(), list_.end()};
}

void SchemaProperties::add(Value schema, bool is_all) {
  const auto [index, is_new] = indices_.try_emplace(schema.name(), entries_.size());
  if (is_new) entries_.push_back({schema.name(), is_all});
  Entry& entry = entries_[index->second];
  entry.is_all = entry.is_all && is_all;
  if (entry.known.insert(schema.raw()).second) entry.schemas.push_back(schema.raw());
}

std::string SchemaProperties::json() const {
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
    out.append(entry.is_all ? R"({"allOf":[)" : R"({"anyOf":[)");
    for (std::size_t i = 0; i < entry.schemas.size(); ++i)
      out.append(i == 0 ? "" : ",").append(entry.schemas[i]);
    out += "]}";
  }
  return out += '}';
}

SchemaBranches::SchemaBranches(Value root)
    : root_(root), names_left_(kMinNames + root.raw().size()) {
  for (auto& known : known_)
    known.try_emplace(root.raw().data());  // so that a reference to it ends
}

bool SchemaBranches::read(Value member) {
  const std::string_view name = member.name();
  if (name == "properties") {
    add_properties(member, false);
    return true;
  }
  const bool is_reference = name == "$ref" && target(member).is_object();
  const bool is_union = name == "anyOf" || name == "oneOf" || name == "allOf";
  if (name != "required" && !is_union && !is_reference) return false;
  read_member(member, true, demands_);
  return true;
}

void SchemaBranches::count(std::size_t names) {
  is_too_much_ = is_too_much_ || names > names_left_;
  names_left_ -= std::min(names, names_left_);
}

void SchemaBranches::add_properties(Value properties, bool is_all) {
  for (const Value property : properties.children()) {
    count(1);
    if (is_too_much_) return;
    properties_.add(property, is_all);
  }
}

// Reads each schema once. A circle comes back to a schema that is being read, and finds that it
// demands nothing yet.
const SchemaBranches::Demands& SchemaBranches::demands_of(Value schema, bool is_all) {
  static const Demands kAnything{}, kNoObject{.fits_objects = false};
  if (schema.boolean() == false) return kNoObject;
  if (!schema.is_object()) return kAnything;
  auto& known = known_[is_all ? 1 : 0];
  const auto [entry, is_new] = known.try_emplace(schema.raw().data());
  Demands& result = entry->second;
  if (!is_new) return result;
  is_too_much_ = is_too_much_ || known.size() > kMaxSchemas || depth_ == kMaxDepth;
  if (is_too_much_) return result;
  Demands demands;
  ++depth_;
  read_schema(schema, is_all, demands);
  --depth_;
  return result = std::move(demands);
}

void SchemaBranches::read_schema(Value schema, bool is_all, Demands& demands) {
  demands.fits_objects = admits_objects(schema);
  if (!demands.fits_objects) return;
  for (const Value member : schema.children()) read_member(member, is_all, demands);
  read_conditional(schema, demands);
}

void SchemaBranches::read_member(Value member, bool is_all, Demands& demands) {
  const std::string_view name = member.name();
  if (name == "properties") {
    add_properties(member, is_all);
  } else if (name == "required") {
    for (const Value required : member.children()) {
      count(1);
      if (!is_too_much_) demands.required.add(required.raw());
    }
  } else if (name == "$ref") {
    add_all(demands_of(target(member), is_all), demands);
  } else if (name == "allOf") {
    for (const Value branch : branches_of(member)) add_all(demands_of(branch, is_all), demands);
  } else if (name == "anyOf" || name == "oneOf") {
    std::vector<const Demands*> branches;
    for (const Value branch : branches_of(member)) branches.push_back(&demands_of(branch, false));
    add_common(branches, demands);
  } else if (name == "dependentSchemas") {
    for (const Value branch : branches_of(member)) (void)demands_of(branch, false);
  }
}

// Either `then` or `else` holds; one that is missing demands nothing.
void SchemaBranches::read_conditional(Value schema, Demands& demands) {
  if (schema["if"].kind() == ValueKind::kMissing) return;
  add_common({&demands_of(schema["then"], false), &demands_of(schema["else"], false)}, demands);
}

void SchemaBranches::add_all(const Demands& more, Demands& demands) {
  count(more.required.list().size());
  demands.fits_objects = demands.fits_objects && more.fits_objects;
  if (!is_too_much_) demands.required.add(more.required);
}

// Adds what all branches demand. Those that no object fits do not count, unless there are no
// others.
void SchemaBranches::add_common(const std::vector<const Demands*>& branches, Demands& demands) {
  std::optional<SchemaNames> common;
  for (const Demands* branch : branches) {
    if (!branch->fits_objects) continue;
    count(branch->required.list().size());
    if (is_too_much_) return;
    if (common)
      common->intersect(branch->required);
    else
      common = branch->required;
  }
  if (common) return demands.required.add(*common);
  if (!branches.empty()) demands.fits_objects = false;
}

std::vector<Value> SchemaBranches::branches_of(Value list) {
  const auto branches = list.children();
  const auto count = static_cast<std::size_t>(std::distance(branches.begin(), branches.end()));
  is_too_much_ = is_too_much_ || count > kMaxBranches;
  if (is_too_much_) return {};
  return {branches.begin(), branches.end()};
}

// The part of the schema that a reference means; kMissing when it is elsewhere or does not exist.
Value SchemaBranches::target(Value reference) {
  const std::string text = reference.decoded();
  if (!text.starts_with('#')) return {};
  const std::string pointer = fragment_of(text);
  Value at = root_;
  for (std::size_t begin = 0; begin < pointer.size();) {
    if (pointer[begin] != '/') return {};
    const std::size_t end = std::min(pointer.find('/', begin + 1), pointer.size());
    at = inside(at, unescaped(std::string_view(pointer).substr(begin + 1, end - begin - 1)));
    begin = end;
  }
  return at;
}

// Members are found by a table, since a schema can have thousands of definitions and references.
Value SchemaBranches::inside(Value container, const std::string& token) {
  if (container.is_array()) {
    auto index = parse_decimal(token).value_or(kMaxBranches);
    if (index >= kMaxBranches) return {};
    for (const Value element : container.children())
      if (index-- == 0) return element;
    return {};
  }
  const auto [fields, is_new] = fields_.try_emplace(container.raw().data());
  if (is_new)
    for (const Value member : container.children())
      fields->second.insert_or_assign(member.name(), member);
  const auto found = fields->second.find(token);
  return found == fields->second.end() ? Value() : found->second;
}

}  // namespace ccproxy::dialect
