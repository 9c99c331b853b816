#include "json/document.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "json/outline.hpp"

namespace ccproxy::json {

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
  using Unordered = nlohmann::json;
  const Unordered first = Unordered::parse(a, nullptr, false);
  const Unordered second = Unordered::parse(b, nullptr, false);
  return !first.is_discarded() && !second.is_discarded() && first == second;
}

}  // namespace ccproxy::json
