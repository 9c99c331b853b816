#include "dialect/past.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
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
void append_text_part(std::string& json, Value text, bool is_said) {
  json.append(is_said ? R"([{"type":"output_text","annotations":[],"text":)"
                      : R"([{"type":"input_text","text":)")
      .append(text.raw())
      .append("}]");
}

std::string text_message(std::string_view id, Value text) {
  std::string json = R"({"id":")";
  json.append(id).append(R"(","type":"message","role":"user","content":)");
  append_text_part(json, text, false);
  return json += '}';
}

// What an item is told by, looked up once: a request may have hundreds of thousands of items.
struct Told {
  explicit Told(Value item) {
    for (const Value member : item.children()) {
      const std::string_view name = member.name();
      if (name == "id") id = member;
      if (name == "type") type = member;
      if (name == "role") role = member;
    }
  }

  [[nodiscard]] bool is_reference() const {
    const std::string_view kind = type.text().escaped;
    return kind == "item_reference" || (kind.empty() && role.is_absent() && id.is_string());
  }

  Value id{}, type{}, role{};
};

std::string made_id(std::string_view type, const std::string& key, std::size_t index) {
  constexpr std::size_t kForMore = 32;  // bytes of prefix and number
  std::string id;
  id.reserve(key.size() + kForMore);
  return id.append(prefix_of(type))
      .append("_in_")
      .append(key)
      .append("_")
      .append(std::to_string(index));
}

// The item with its id and type, whether it came with them or not.
InputItem named(Value item, const std::string& key, std::size_t index) {
  constexpr std::size_t kForMore = 96;  // bytes of what it may get beside its id
  const Told told(item);
  const bool has_id = !told.id.text().empty();
  InputItem made{has_id ? told.id.decoded() : made_id(told.type.text().escaped, key, index), ""};
  std::string& json = made.json;
  json.reserve(item.raw().size() + made.id.size() + kForMore);
  json = R"({"id":")";
  if (has_id)
    json::append_escaped(json, made.id);
  else
    json += made.id;
  json += '"';
  if (told.type.is_absent() && told.role.is_string()) json += R"(,"type":"message")";
  if (told.type.is_absent() && told.is_reference()) json += R"(,"type":"item_reference")";
  for (const Value member : item.children()) {
    const std::string_view name = member.name();
    if (name == "id" || (name == "type" && member.is_absent())) continue;
    json += ",\"";
    json::append_escaped(json, name);
    json += "\":";
    if (name == "content" && member.is_string())
      append_text_part(json, member, told.role.text().escaped == "assistant");
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

bool is_reference(Value item) { return Told(item).is_reference(); }

// A search is replayed as it was where it is kept, and left out where it is not.
void append_references(Value items, std::vector<std::string>& ids) {
  for (const Value item : items.children()) {
    const Told told(item);
    if (told.id.is_string() &&
        (told.is_reference() || told.type.text().escaped == "web_search_call"))
      ids.push_back(told.id.decoded());
  }
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
  const auto given = input.children();
  items.reserve(static_cast<std::size_t>(std::distance(given.begin(), given.end())));
  for (const Value item : given) items.push_back(named(item, key, items.size()));
  return items;
}

InputItem input_item_of(Value item, const std::string& key, std::size_t index) {
  return named(item, key, index);
}

}  // namespace ccproxy::dialect
