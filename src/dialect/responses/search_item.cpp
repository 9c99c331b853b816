#include "dialect/responses/search_item.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// Returns the pages that a result lists, as elements of a JSON array.
std::string sources_of(Value pages) {
  std::string sources;
  for (const Value page : pages.children()) {
    if (!page["url"].is_string()) continue;
    if (!sources.empty()) sources += ',';
    sources.append(R"({"type":"url","url":)").append(page["url"].raw()).append("}");
  }
  return sources;
}

}  // namespace

void SearchItem::open(ResponseEvents& events, std::string& out) {
  events.add("output_item.added",
             {ref_.item_member(), R"({"id":")", ref_.id,
              R"(","type":"web_search_call","status":"in_progress",)",
              R"("action":{"type":"search","query":"","queries":[]}})"},
             out);
  events.add("web_search_call.in_progress", {ref_.reference()}, out);
}

void SearchItem::end_input(ResponseEvents& events, std::string& out) {
  json::Outline outline;
  if (outline.read(input_) && outline.root()["query"].is_string())
    query_ = outline.root()["query"].raw();
  events.add("web_search_call.searching", {ref_.reference()}, out);
}

void SearchItem::take_result(Value block, ResponseEvents& events, std::string& out) {
  const Value content = block["content"];
  if (!content.is_array()) return close(ItemStatus::kFailed, "", events, out);  // an error object
  events.add("web_search_call.completed", {ref_.reference()}, out);
  close(ItemStatus::kCompleted, sources_of(content), events, out);
}

void SearchItem::give_up(ResponseEvents& events, std::string& out) {
  close(ItemStatus::kFailed, "", events, out);
}

void SearchItem::close(ItemStatus status, std::string_view sources, ResponseEvents& events,
                       std::string& out) {
  json_.append(R"({"id":")").append(ref_.id).append(R"(","type":"web_search_call","status":")");
  json_.append(status_name(status)).append(R"(","action":{"type":"search","query":)");
  json_.append(query_).append(R"(,"queries":[)").append(query_).append("]");
  if (shows_sources_) json_.append(R"(,"sources":[)").append(sources).append("]");
  json_ += "}}";
  events.add("output_item.done", {ref_.item_member(), json_}, out);
}

}  // namespace ccproxy::dialect
