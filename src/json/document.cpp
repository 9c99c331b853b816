#include "json/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "json/canonical.hpp"
#include "json/outline.hpp"
#include "json/text.hpp"

namespace ccproxy::json {
namespace {

bool append_canonical(std::string& out, Value value);

void append_string(std::string& out, std::string_view plain) {
  out += '"';
  append_escaped(out, plain);
  out += '"';
}

// A member with the first bytes of its name as a number, which is quick to compare.
struct Named {
  Named(Value member) : name(member.name()), value(member) {  // NOLINT(google-explicit-constructor)
    for (std::size_t i = 0; i < sizeof first; ++i)
      first = first << 8U | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
  }

  [[nodiscard]] bool is_alike(const Named& other) const {
    return first == other.first && name == other.name;
  }
  bool operator<(const Named& other) const {
    return first != other.first ? first < other.first : name < other.name;
  }

  std::string_view name;
  std::uint64_t first = 0;
  Value value;
};

// Appends the members in the order of their names. Of several members with one name the last
// counts, as in most JSON parsers.
// NOLINTNEXTLINE(misc-no-recursion): no deeper than an outline lists
bool append_members(std::string& out, Value object) {
  const Value::Range all = object.children();
  std::vector<Named> members(all.begin(), all.end());
  if (!std::is_sorted(members.begin(), members.end()))
    std::stable_sort(members.begin(), members.end());
  out += '{';
  for (auto member = members.begin(); member != members.end(); ++member) {
    const auto next = std::next(member);
    if (next != members.end() && next->is_alike(*member)) continue;
    append_string(out, member->name);
    out += ':';
    if (!append_canonical(out, member->value)) return false;
    out += ',';
  }
  out += '}';
  return true;
}

// True for an integer that has only this one notation. `token` must be a number.
bool is_plain_integer(std::string_view token) {
  constexpr std::size_t kMaxDigits = 15;  // that a double represents exactly
  const bool is_negative = token.front() == '-';
  const std::string_view digits = token.substr(is_negative ? 1 : 0);
  return digits.size() <= kMaxDigits && !(is_negative && digits.front() == '0') &&
         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool append_number(std::string& out, Value value) {
  if (is_plain_integer(value.raw())) {
    out += value.raw();
    return true;
  }
  if (const auto integer = value.integer()) {
    out += std::to_string(*integer);
    return true;
  }
  const auto number = value.number();
  if (!number) return false;
  // An integer that is too large for both types is appended as it is written.
  const bool is_plain = value.raw().find_first_of(".eE") == std::string_view::npos;
  out += is_plain ? std::string(value.raw()) : fmt::format("{}", *number);
  return true;
}

// Appends the text that all texts with this value share. It is not JSON, but no two values have the
// same one. Returns false when a number is too large.
// NOLINTNEXTLINE(misc-no-recursion): no deeper than an outline lists
bool append_canonical(std::string& out, Value value) {
  switch (value.kind()) {
    case ValueKind::kObject: return append_members(out, value);
    case ValueKind::kArray:
      out += '[';
      for (const Value element : value.children()) {
        if (!append_canonical(out, element)) return false;
        out += ',';
      }
      if (out.back() == ',')
        out.back() = ']';
      else
        out += ']';
      return true;
    case ValueKind::kString:
      if (is_plainly_escaped(value.text()))
        out += value.raw();
      else
        append_string(out, value.decoded());
      return true;
    case ValueKind::kNumber: return append_number(out, value);
    default: out += value.raw(); return true;
  }
}

// Returns nothing for text that is not JSON.
std::optional<std::string> canonical(std::string_view text, Outline& outline) {
  if (!outline.read(text, Outline::kMaxDepth)) return std::nullopt;
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  if (!append_canonical(out, outline.root())) {
    out.clear();
    append_compact(out, text);
  }
  return out;
}

}  // namespace

std::uint64_t value_hash(std::string_view text) {
  Outline outline;
  return value_hash(text, outline);
}

std::uint64_t value_hash(std::string_view text, Outline& outline) {
  const auto value = canonical(text, outline);
  return value ? hash_append(kHashSeed, *value) : 0;
}

Result<Document> parse_document(std::string_view text) {
  try {
    return Document::parse(text);
  } catch (const Document::parse_error& error) {
    const auto read = text.substr(0, std::min(error.byte == 0 ? 0 : error.byte - 1, text.size()));
    const auto line = 1 + std::count(read.begin(), read.end(), '\n');
    const auto last = read.rfind('\n');
    const auto column = read.size() - (last == std::string_view::npos ? 0 : last + 1) + 1;
    return fail(ErrorKind::kConfiguration,
                fmt::format("not valid JSON at line {}, column {}", line, column));
  } catch (const Document::exception&) {  // 1e999 is JSON, but not a double
    return fail(ErrorKind::kConfiguration, "it holds a number that is too large");
  }
}

bool same_value(std::string_view a, std::string_view b) {
  if (a == b) return true;
  Outline outline;
  const auto first = canonical(a, outline);
  return first && first == canonical(b, outline);
}

std::string canonical_value(std::string_view text) {
  Outline outline;
  return canonical_value(text, outline);
}

std::string canonical_value(std::string_view text, Outline& outline) {
  if (auto value = canonical(text, outline)) return std::move(*value);
  std::string compact;
  append_compact(compact, text);
  return compact;
}

}  // namespace ccproxy::json
