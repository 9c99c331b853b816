#include "json/document.hpp"

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace ccproxy::json
