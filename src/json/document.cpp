#include "json/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/hash.hpp"
#include "json/outline.hpp"
#include "json/text.hpp"

namespace ccproxy::json {
namespace {

std::uint64_t hash_of(Value value);

// The sum does not know the order of its parts.
std::uint64_t hash_of_members(Value object) {
  std::uint64_t sum = 0;
  for (const Value member : object.children())
    sum += mixed(hashed(kHashStart, member.name()), hash_of(member));
  return mixed(kHashStart, sum);
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than an outline lists
std::uint64_t hash_of(Value value) {
  std::uint64_t hash = mixed(kHashStart, static_cast<std::uint64_t>(value.kind()));
  switch (value.kind()) {
    case ValueKind::kObject: return hash_of_members(value);
    case ValueKind::kArray:
      for (const Value element : value.children()) hash = mixed(hash, hash_of(element));
      return hash;
    case ValueKind::kString: return hashed(hash, value.decoded());
    case ValueKind::kNumber:  // 0 and -0 are one number
      return mixed(hash, std::bit_cast<std::uint64_t>(value.number().value_or(0) + 0.0));
    default: return hashed(hash, value.raw());
  }
}

}  // namespace

std::uint64_t value_hash(std::string_view text) {
  Outline outline;
  return outline.read(text, Outline::kMostDepth) ? hash_of(outline.root()) : 0;
}

using Unordered = nlohmann::json;

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
  } catch (const Document::exception&) {  // 1e999 is JSON, but no number for this program
    return fail(ErrorKind::kConfiguration, "it holds a number that is too large");
  }
}

bool same_value(std::string_view a, std::string_view b) {
  if (a == b) return true;
  Outline outline;  // keeps the recursion of a comparison within bounds
  if (!outline.read(a, 0) || !outline.read(b, 0)) return false;
  const Unordered first = Unordered::parse(a, nullptr, false);
  const Unordered second = Unordered::parse(b, nullptr, false);
  return !first.is_discarded() && !second.is_discarded() && first == second;
}

std::string canonical_value(std::string_view text) {
  constexpr std::size_t kMostRead = 65'536;             // a tree takes many times as much
  constexpr double kMostExact = 9'007'199'254'740'992;  // 2^53
  std::string compact;
  append_compact(compact, text);
  Outline outline;
  if (text.size() > kMostRead || !outline.read(text, 0)) return compact;
  const auto without_fraction = [](int, Unordered::parse_event_t, Unordered& value) {
    if (!value.is_number_float()) return true;
    const double number = value.get<double>();
    if (std::abs(number) <= kMostExact && std::trunc(number) == number)
      value = static_cast<std::int64_t>(number);
    return true;
  };
  const Unordered value = Unordered::parse(text, without_fraction, false);
  return value.is_discarded() ? compact : value.dump();
}

}  // namespace ccproxy::json
