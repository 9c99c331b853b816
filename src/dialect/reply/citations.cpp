#include "dialect/reply/citations.hpp"

#include <fmt/format.h>

#include <utility>

namespace ccproxy::dialect {
namespace {

void append_page(std::string& out, const Citation& page) {
  out.append(R"("start_index":)").append(std::to_string(page.start));
  out.append(R"(,"end_index":)").append(std::to_string(page.end));
  out.append(R"(,"url":")").append(page.source);
  out.append(R"(","title":")").append(page.title).append("\"");
}

bool is_document_location(std::string_view type) {
  return type == "char_location" || type == "page_location" || type == "content_block_location";
}

}  // namespace

bool Citations::cite(const anthropic::CitationDelta& citation) {
  const std::string_view type = citation.type.escaped;
  const bool is_document = takes_documents_ && is_document_location(type);
  const bool is_result = type == "search_result_location";
  if (!is_document && !is_result && type != "web_search_result_location") return false;
  Citation cited{.start = start_, .end = start_};
  if (is_document) {
    cited.kind = Citation::Kind::kDocument;
    cited.source = citation.file_id.escaped;
    cited.title = citation.document_title.escaped;
  } else {
    cited.source = is_result ? citation.source.escaped : citation.url.escaped;
    cited.title = citation.title.empty() ? cited.source : std::string(citation.title.escaped);
  }
  open_.push_back(std::move(cited));
  return true;
}

std::span<const Citation> Citations::end_block(std::size_t position) {
  const std::size_t before = all_.size();
  if (range_ != std::pair(start_, position)) sources_.clear();
  range_ = {start_, position};
  for (Citation& citation : open_) {
    citation.end = position;
    // Escaped text holds no line end, so the key is unambiguous.
    std::string source = citation.kind == Citation::Kind::kPage
                             ? citation.source
                             : fmt::format("{}\n{}", citation.source, citation.title);
    if (sources_.insert(std::move(source)).second) all_.push_back(std::move(citation));
  }
  open_.clear();
  return std::span(all_).subspan(before);
}

void append_chat_annotations(std::string& out, const Citations& citations) {
  out += '[';
  for (const Citation& citation : citations.all()) {
    if (out.back() != '[') out += ',';
    out += R"({"type":"url_citation","url_citation":{)";
    append_page(out, citation);
    out += "}}";
  }
  out += ']';
}

void append_annotation(std::string& out, const Citation& citation) {
  if (citation.kind == Citation::Kind::kDocument) {
    out.append(R"({"type":"file_citation","file_id":")").append(citation.source);
    out.append(R"(","filename":")").append(citation.title);
    out.append(R"(","index":)").append(std::to_string(citation.end)).append("}");
    return;
  }
  out += R"({"type":"url_citation",)";
  append_page(out, citation);
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
