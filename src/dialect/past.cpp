#include "dialect/past.hpp"

#include <string_view>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// The prefix that ids of such items begin with.
std::string_view prefix_of(std::string_view type) {
  if (type == "function_call") return "fc";
  if (type == "custom_tool_call") return "ctc";
  if (type == "reasoning") return "rs";
  if (type == "function_call_output" || type == "custom_tool_call_output") return "fco";
  return type == "message" || type.empty() ? "msg" : "item";
}

// Content that is one text, as the list of parts that clients read.
std::string text_part(Value text, bool is_said) {
  std::string list = is_said ? R"([{"type":"output_text","annotations":[],"text":)"
                             : R"([{"type":"input_text","text":)";
  return list.append(text.raw()).append("}]");
}

std::string text_message(std::string_view id, Value text) {
  return R"({"id":")" + std::string(id) + R"(","type":"message","role":"user","content":)" +
         text_part(text, false) + "}";
}

// The item with its id and type, whether it came with them or not.
InputItem named(Value item, std::string otherwise) {
  const Value type = item["type"];
  const bool has_id = item["id"].is_string() && !item["id"].text().empty();
  InputItem made{has_id ? item["id"].decoded() : std::move(otherwise), ""};
  std::string& json = made.json;
  json = R"({"id":")";
  json::append_escaped(json, made.id);
  json += '"';
  if (type.is_absent() && item["role"].is_string()) json += R"(,"type":"message")";
  if (type.is_absent() && is_reference(item)) json += R"(,"type":"item_reference")";
  for (const Value member : item.children()) {
    if (member.name() == "id" || (member.name() == "type" && member.is_absent())) continue;
    json += ",\"";
    json::append_escaped(json, member.name());
    json += "\":";
    if (member.name() == "content" && member.is_string())
      json += text_part(member, item["role"].text().escaped == "assistant");
    else
      json::append_compact(json, member.raw());
  }
  json += '}';
  return made;
}

}  // namespace

References references_of(Value request) {
  References references;
  references.previous = request["previous_response_id"].decoded();
  append_references(request["input"], references.items);
  return references;
}

bool is_reference(Value item) {
  const std::string_view type = item["type"].text().escaped;
  return type == "item_reference" ||
         (type.empty() && item["role"].is_absent() && item["id"].is_string());
}

// A search is replayed as it was where it is kept, and left out where it is not.
void append_references(Value items, std::vector<std::string>& ids) {
  for (const Value item : items.children())
    if (item["id"].is_string() &&
        (is_reference(item) || item["type"].text().escaped == "web_search_call"))
      ids.push_back(item["id"].decoded());
}

bool is_background(Value request) { return request["background"].boolean().value_or(false); }

std::vector<InputItem> input_items_of(Value request, const std::string& key) {
  const Value input = request["input"];
  std::vector<InputItem> items;
  if (input.is_string()) {
    std::string id = "msg_in_" + key + "_0";
    std::string json = text_message(id, input);
    items.push_back({std::move(id), std::move(json)});
    return items;
  }
  for (const Value item : input.children()) {
    std::string id(prefix_of(item["type"].text().escaped));
    id.append("_in_").append(key).append("_").append(std::to_string(items.size()));
    items.push_back(named(item, std::move(id)));
  }
  return items;
}

}  // namespace ccproxy::dialect
