#include "dialect/citations.hpp"

#include <algorithm>
#include <utility>

namespace ccproxy::dialect {
namespace {

void append_members(std::string& out, const Citation& citation) {
  out.append(R"("start_index":)").append(std::to_string(citation.start));
  out.append(R"(,"end_index":)").append(std::to_string(citation.end));
  out.append(R"(,"url":")").append(citation.url);
  out.append(R"(","title":")").append(citation.title).append("\"");
}

}  // namespace

void Citations::cite(const anthropic::CitationDelta& citation) {
  if (citation.type.escaped != "web_search_result_location") return;
  const auto& title = citation.title.empty() ? citation.url : citation.title;
  open_.push_back({std::string(citation.url.escaped), std::string(title.escaped), start_, start_});
}

std::span<const Citation> Citations::end_block(std::size_t position) {
  const std::size_t before = told_.size();
  for (Citation& citation : open_) {
    citation.end = position;
    const bool is_told = std::any_of(told_.begin(), told_.end(), [&](const Citation& told) {
      return told.url == citation.url && told.start == citation.start && told.end == citation.end;
    });
    if (!is_told) told_.push_back(std::move(citation));
  }
  open_.clear();
  return std::span(told_).subspan(before);
}

void append_chat_annotations(std::string& out, const Citations& citations) {
  out += '[';
  for (const Citation& citation : citations.all()) {
    if (out.back() != '[') out += ',';
    out += R"({"type":"url_citation","url_citation":{)";
    append_members(out, citation);
    out += "}}";
  }
  out += ']';
}

void append_annotation(std::string& out, const Citation& citation) {
  out += R"({"type":"url_citation",)";
  append_members(out, citation);
  out += '}';
}

void append_annotations(std::string& out, const Citations& citations) {
  out += '[';
  for (const Citation& citation : citations.all()) {
    if (out.back() != '[') out += ',';
    append_annotation(out, citation);
  }
  out += ']';
}

}  // namespace ccproxy::dialect
