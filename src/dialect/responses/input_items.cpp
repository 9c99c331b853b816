#include "dialect/responses/input_items.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// Content that came as one text is stored as a list with one part, which is what clients read.
constexpr std::string_view kOutputTextPart = R"([{"type":"output_text","annotations":[],"text":)";
constexpr std::string_view kInputTextPart = R"([{"type":"input_text","text":)";
constexpr std::string_view kPartEnd = "}]";

std::string text_message(std::string_view id, Value text) {
  std::string json = R"({"id":")";
  json.append(id).append(R"(","type":"message","role":"user","content":)");
  json.append(kInputTextPart).append(text.raw()).append(kPartEnd);
  return json += '}';
}

// The type that an item without one gets; empty for an item with a type.
std::string_view default_type(const Item& item) {
  if (!item.type.is_absent()) return {};
  if (item.role.is_string()) return "message";
  return item.is_reference() ? "item_reference" : "";
}

// --- Items as JSON -------------------------------------------------------------------------------

// Appends a value as it is, or without the white space that a client has left in it.
using Copy = void (*)(std::string& json, std::string_view value);

void append_raw(std::string& json, std::string_view value) { json += value; }

void append_name(std::string& json, std::string_view name) {
  if (json.back() != '{') json += ',';
  json += '"';
  json::append_escaped(json, name);
  json += '"';
  json += ':';
}

// Writes the ids of items: their own, or `msg_in_<key>_<index>`.
class ItemIds {
 public:
  explicit ItemIds(const std::string& key) : middle_("_in_" + key + "_") {}

  void append(std::string& out, const Item& item, std::size_t index) const {
    if (!item.id.text().empty()) return json::append_decoded(out, item.id.text());
    const fmt::format_int number(index);
    out.append(item_type_of(item.type_name()).prefix)
        .append(middle_)
        .append(number.data(), number.size());
  }

 private:
  std::string middle_;
};

// Begins an item with its id and, where the client wrote none, with its type.
void begin_item(std::string& json, const Item& item, std::string_view id) {
  json += R"({"id":")";
  json::append_escaped(json, id);
  json += '"';
  if (const auto type = default_type(item); !type.empty())
    json.append(R"(,"type":")").append(type).append("\"");
}

// True for a member that begin_item() has written, and for a type that is null.
bool is_in_beginning(const Item& item, Value member) {
  return member.is_named("id") ||
         (member.is_named("type") && (member.is_absent() || item.type.is_absent()));
}

// Appends the value of a member as it is stored: without white space, which only lists and objects
// can have, and a `content` of one text as a part.
void append_stored(std::string& json, const Item& item, std::string_view name, Value member) {
  if (member.is_array() || member.is_object()) return json::append_compact(json, member.raw());
  if (!member.is_string() || name != "content") return append_raw(json, member.raw());
  const bool is_output = item.role.text().escaped == "assistant";
  json.append(is_output ? kOutputTextPart : kInputTextPart).append(member.raw()).append(kPartEnd);
}

void append_stored(InputItems& stored, const Item& item, const ItemIds& ids) {
  const std::size_t index = stored.ids.count();
  ids.append(stored.ids.next_text(), item, index);
  stored.ids.end_text();
  std::string& json = stored.items.next_text();
  begin_item(json, item, stored.ids[index]);
  for (const Value member : item.value.children()) {
    if (is_in_beginning(item, member)) continue;
    const std::string_view name = member.name();
    append_name(json, name);
    append_stored(json, item, name, member);
  }
  json += '}';
  stored.items.end_text();
}

// --- Items as the API lists them -----------------------------------------------------------------

void append_default(std::string& json, Value value, std::string_view member) {
  if (value.is_absent()) json.append(",").append(member);
}

void append_listed_part(std::string& json, Value part, Copy copy) {
  if (!part.is_object()) return copy(json, part.raw());
  // A member that is null counts as missing, and gets its default below.
  constexpr std::array<std::string_view, 3> kOptional = {"annotations", "logprobs", "detail"};
  json += '{';
  for (const Value member : part.children()) {
    if (member.is_absent() &&
        std::find(kOptional.begin(), kOptional.end(), member.name()) != kOptional.end())
      continue;
    append_name(json, member.name());
    copy(json, member.raw());
  }
  const std::string_view type = part["type"].text().escaped;
  if (type == "output_text") {
    append_default(json, part["annotations"], R"("annotations":[])");
    append_default(json, part["logprobs"], R"("logprobs":[])");
  }
  if (type == "input_image") append_default(json, part["detail"], R"("detail":"auto")");
  json += '}';
}

// Appends the members behind the beginning of an item. `is_of_request`: the client wrote the item,
// and it is listed as it will be stored. May end once there are more than `max` bytes.
void append_listed(std::string& json, const Item& item, bool is_of_request, std::size_t max) {
  const Copy copy = is_of_request ? &json::append_compact : &append_raw;
  for (const Value member : item.value.children()) {
    const std::string_view name = member.name();
    if (is_of_request && is_in_beginning(item, member)) continue;
    if (name == "status" && member.is_absent()) continue;
    append_name(json, name);
    if (is_of_request && !member.is_array()) {
      append_stored(json, item, name, member);
    } else if (!member.is_array() || (name != "content" && name != "output")) {
      copy(json, member.raw());
    } else {
      json += '[';
      for (const Value part : member.children()) {
        if (json.size() > max) return;
        if (json.back() != '[') json += ',';
        append_listed_part(json, part, copy);
      }
      json += ']';
    }
  }
  const std::string_view type =
      is_of_request && item.type.is_absent() ? default_type(item) : item.type_name();
  if (item_type_of(type).has_status) append_default(json, item.status, R"("status":"completed")");
  json += '}';
}

}  // namespace

std::string listed_item(std::string_view item) {
  json::Outline outline;
  if (!outline.read(item, 3, json::Outline::kMaxComposedDepth) || !outline.root().is_object())
    return std::string(item);
  return listed_item(Item(outline.root()), std::string::npos);
}

std::string listed_item(const Item& item, std::size_t max) {
  std::string json = "{";
  append_listed(json, item, false, max);
  return json;
}

std::string listed_item(const Item& item, const std::string& key, std::size_t index,
                        std::size_t max) {
  std::string json, id;
  ItemIds(key).append(id, item, index);
  begin_item(json, item, id);
  append_listed(json, item, true, max);
  return json;
}

References references_of(Value request) {
  References references;
  references.previous = request["previous_response_id"].decoded();
  append_references(request["input"], references.items);
  return references;
}

// A search counts as a reference, since it is replayed where it is stored, and left out where it is
// not.
void append_references(Value items, std::vector<std::string>& ids) {
  for (const Value each : items.children()) {
    if (!each["id"].is_string()) continue;  // most have none, and need no other look
    const Item item(each);
    if (item.is_reference() || item.type_name() == "web_search_call")
      ids.push_back(item.id.decoded());
  }
}

InputItems input_items_of(Value request, const std::string& key) {
  const Value input = request["input"];
  InputItems stored;
  if (input.is_string()) {
    stored.ids.add("msg_in_" + key + "_0");
    stored.items.add(text_message(stored.ids[0], input));
    return stored;
  }
  const ItemIds ids(key);
  const auto items = input.children();
  const auto count = static_cast<std::size_t>(std::distance(items.begin(), items.end()));
  stored.ids.reserve(count, 0);
  stored.items.reserve(count, input.raw().size());
  for (const Value item : items) append_stored(stored, Item(item), ids);
  return stored;
}

}  // namespace ccproxy::dialect
