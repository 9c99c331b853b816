#include "dialect/chat_annotations.hpp"

#include <algorithm>
#include <utility>

namespace ccproxy::dialect {

void ChatAnnotations::cite(const anthropic::CitationDelta& citation) {
  if (citation.type.escaped != "web_search_result_location") return;
  const auto& title = citation.title.empty() ? citation.url : citation.title;
  open_.push_back({std::string(citation.url.escaped), std::string(title.escaped), start_, start_});
}

void ChatAnnotations::end_block(std::size_t position) {
  for (Citation& citation : open_) {
    citation.end = position;
    const bool is_told = std::any_of(told_.begin(), told_.end(), [&](const Citation& told) {
      return told.url == citation.url && told.start == citation.start && told.end == citation.end;
    });
    if (!is_told) told_.push_back(std::move(citation));
  }
  open_.clear();
}

void ChatAnnotations::append_to(std::string& out) const {
  out += '[';
  for (const Citation& citation : told_) {
    if (out.back() != '[') out += ',';
    out += R"({"type":"url_citation","url_citation":{"start_index":)";
    out += std::to_string(citation.start);
    out += R"(,"end_index":)";
    out += std::to_string(citation.end);
    out += R"(,"url":")";
    out += citation.url;
    out += R"(","title":")";
    out += citation.title;
    out += R"("}})";
  }
  out += ']';
}

}  // namespace ccproxy::dialect
