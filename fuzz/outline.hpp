// Compares the outline of a JSON text with nlohmann's tree of it: both must accept the same texts
// and read the same values, except where the outline differs on purpose.
#pragma once

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "dialect/testing/fold.hpp"
#include "json/document.hpp"
#include "json/outline.hpp"

namespace ccproxy::fuzz {

using Tree = nlohmann::json;

// Collects how deep a text nests, and whether nlohmann refuses a number in it as too large.
struct Verdict final : nlohmann::json_sax<Tree> {
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(std::int64_t) override { return true; }
  bool number_unsigned(std::uint64_t) override { return true; }
  bool number_float(double, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(Tree::binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(std::string&) override { return true; }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    constexpr int kNumberOutOfRange = 406;
    is_big_number = e.id == kNumberOutOfRange;
    return false;
  }

  bool open() {
    deepest = std::max(deepest, ++depth);
    return true;
  }
  bool close() {
    --depth;
    return true;
  }

  unsigned depth = 0, deepest = 0;
  bool is_big_number = false;
};

inline bool is_surrogate(std::string_view escape) {
  return escape.size() == 6 && (escape.starts_with("\\ud") || escape.starts_with("\\uD")) &&
         escape.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
}

// Returns the JSON with the escapes of surrogates turned into plain text: the outline passes half a
// pair on unchanged, while a parser that builds a tree refuses it. Equal texts stay equal.
inline std::string spelled_out(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t at = 0; at < json.size(); ++at) {
    out += json[at];
    if (json[at] != '\\' || at + 1 == json.size()) continue;
    if (is_surrogate(json.substr(at, 6))) out += '\\';
    out += json[++at];
  }
  return out;
}

// Returns the tree of the outline's values.
inline Tree tree_of(const json::Value& value, unsigned level = 0) {
  const bool is_listed = level < json::Outline::kListed;
  if (value.is_object() && is_listed) {
    Tree tree = Tree::object();
    for (const json::Value member : value.children())
      tree[std::string(member.name())] = tree_of(member, level + 1);
    return tree;
  }
  if (value.is_array() && is_listed) {
    Tree tree = Tree::array();
    for (const json::Value element : value.children()) tree.push_back(tree_of(element, level + 1));
    return tree;
  }
  return Tree::parse(value.raw(), nullptr, false);
}

inline std::string fault_of_string(const json::Value& value) {
  const std::string plain = value.decoded();
  std::string escaped = "\"";
  json::append_escaped(escaped, plain);
  escaped += '"';
  json::Outline again;
  if (!json::is_utf8(plain) || !again.read(escaped) || again.root().decoded() != plain)
    return "a string changes when it is decoded and escaped: " + std::string(value.raw());
  const Tree tree = Tree::parse(value.raw(), nullptr, false);
  if (tree.is_string() && tree.get_ref<const std::string&>() != plain)
    return "a string has another value: " + std::string(value.raw());
  if (json::code_points(value.text()) !=
      json::code_points({std::string_view(escaped).substr(1, escaped.size() - 2)}))
    return "the count of code points is wrong: " + std::string(value.raw());
  return "";
}

inline std::string fault_of_number(const json::Value& value) {
  const Tree tree = Tree::parse(value.raw(), nullptr, false);
  const auto number = value.number();
  const auto integer = value.integer();
  if (tree.is_discarded()) return number || integer ? "a number that is none" : "";
  if (number && *number != tree.get<double>()) return "another number: " + std::string(value.raw());
  if (integer && static_cast<double>(*integer) != tree.get<double>())
    return "another integer: " + std::string(value.raw());
  if (!integer && tree.is_number_integer() && tree.get<double>() < 9e18)
    return "an integer is missed: " + std::string(value.raw());
  return "";
}

// Checks a value and all values in it that the outline lists.
inline std::string fault_of_value(const json::Value& value, std::string_view around) {
  const std::string_view raw = value.raw();
  if (raw.empty() || raw.data() < around.data() ||
      raw.data() + raw.size() > around.data() + around.size())
    return "a value lies outside of its parent";
  json::Outline alone;
  if (!alone.read(raw) || alone.root().kind() != value.kind() || alone.root().raw() != raw)
    return "a value is not one by itself: " + std::string(raw);
  if (value.is_string()) return fault_of_string(value);
  if (value.kind() == json::ValueKind::kNumber) return fault_of_number(value);
  if (value.kind() == json::ValueKind::kBool && value.boolean() != (raw == "true"))
    return "another boolean: " + std::string(raw);
  for (const json::Value child : value.children()) {
    if (value.is_object() && value[child.name()].raw().data() < child.raw().data())
      return "a member is not found, or not the last of its name: " + std::string(child.name());
    if (std::string fault = fault_of_value(child, raw); !fault.empty()) return fault;
  }
  return "";
}

inline std::string fault_of_verdict(std::string_view text, bool is_accepted) {
  if (text.find('\0') != std::string_view::npos) return is_accepted ? "a NUL is accepted" : "";
  const std::string spelled = spelled_out(text);
  Verdict verdict;
  const bool is_json = Tree::sax_parse(spelled, &verdict);
  if (verdict.is_big_number) return "";  // nlohmann has not read the rest
  if (verdict.deepest > json::Outline::kMaxDepth)
    return is_accepted ? "accepted though it nests too deep" : "";
  if (is_json == is_accepted) return "";
  return is_json ? "JSON is refused" : "accepted, though it is not JSON";
}

inline std::string fault_of_outline(std::string_view text) {
  json::Outline outline;
  const auto read = outline.read(text);
  if (!read && (read.error().message.empty() || outline.root().kind() != json::ValueKind::kMissing))
    return "refused without a message, or not cleared";
  if (std::string fault = fault_of_verdict(text, read.has_value()); !fault.empty() || !read)
    return fault;
  if (std::string fault =
          fault_of_value(outline.root(), outline.is_repaired() ? outline.root().raw() : text);
      !fault.empty())
    return fault;
  const Tree whole = Tree::parse(outline.root().raw(), nullptr, false);
  if (whole.is_discarded()) return "";  // a number that is too big
  return tree_of(outline.root()) == whole ? "" : "the outline is another tree";
}

}  // namespace ccproxy::fuzz
