#include "dialect/past.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "base/function_ref.hpp"
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

// Kinds that have a status. Of a patch's result the status is what it says, so it is the client's.
constexpr std::array<std::string_view, 13> kWithStatus = {"message",
                                                          "function_call",
                                                          "function_call_output",
                                                          "custom_tool_call",
                                                          "custom_tool_call_output",
                                                          "local_shell_call",
                                                          "local_shell_call_output",
                                                          "shell_call",
                                                          "shell_call_output",
                                                          "apply_patch_call",
                                                          "tool_search_call",
                                                          "tool_search_output",
                                                          "web_search_call"};

void append_missing(std::string& json, Value holder, std::string_view name,
                    std::string_view value) {
  if (holder[name].is_absent()) json.append(",\"").append(name).append("\":").append(value);
}

// A member that is null counts as missing, so it is left out for the one that takes its place.
void append_members(std::string& json, Value holder, std::initializer_list<std::string_view> given,
                    FunctionRef<void(Value)> append_value) {
  json += '{';
  const std::size_t begin = json.size();
  for (const Value member : holder.children()) {
    if (member.is_absent() && std::find(given.begin(), given.end(), member.name()) != given.end())
      continue;
    if (json.size() > begin) json += ',';
    json += '"';
    json::append_escaped(json, member.name());
    json += "\":";
    append_value(member);
  }
}

void append_listed_part(std::string& json, Value part) {
  if (!part.is_object()) {
    json += part.raw();
    return;
  }
  const auto as_it_is = [&](Value member) { json += member.raw(); };
  append_members(json, part, {"annotations", "logprobs", "detail"}, as_it_is);
  const std::string_view type = part["type"].text().escaped;
  if (type == "output_text") {
    append_missing(json, part, "annotations", "[]");
    append_missing(json, part, "logprobs", "[]");
  }
  if (type == "input_image") append_missing(json, part, "detail", R"("auto")");
  json += '}';
}

}  // namespace

std::string listed_item(std::string_view item) {
  json::Outline outline;
  if (!outline.read(item, 3, json::Outline::kMostKeptDepth) || !outline.root().is_object())
    return std::string(item);
  const Value root = outline.root();
  std::string json;
  append_members(json, root, {"status"}, [&](Value member) {
    const bool has_parts = member.name() == "content" || member.name() == "output";
    if (!has_parts || !member.is_array()) {
      json += member.raw();
      return;
    }
    json += '[';
    for (const Value part : member.children()) {
      if (json.back() != '[') json += ',';
      append_listed_part(json, part);
    }
    json += ']';
  });
  const std::string_view type = root["type"].text().escaped;
  if (std::find(kWithStatus.begin(), kWithStatus.end(), type) != kWithStatus.end())
    append_missing(json, root, "status", R"("completed")");
  return json += '}';
}

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
