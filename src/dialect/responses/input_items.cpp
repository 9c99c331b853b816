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

// Content that is one text, as the list of parts that clients read.
constexpr std::string_view kSaidPart = R"([{"type":"output_text","annotations":[],"text":)";
constexpr std::string_view kGivenPart = R"([{"type":"input_text","text":)";
constexpr std::string_view kPartEnd = "}]";

std::string text_message(std::string_view id, Value text) {
  std::string json = R"({"id":")";
  json.append(id).append(R"(","type":"message","role":"user","content":)");
  json.append(kGivenPart).append(text.raw()).append(kPartEnd);
  return json += '}';
}

// The type that it gets where it came without one.
std::string_view made_type(const Item& item) {
  if (!item.type.is_absent()) return {};
  if (item.role.is_string()) return "message";
  return item.is_reference() ? "item_reference" : "";
}

// --- Items as JSON -------------------------------------------------------------------------------

// A value as it stands, or without the blanks that a client has left in it.
using Copy = void (*)(std::string& json, std::string_view value);

void append_as_it_is(std::string& json, std::string_view value) { json += value; }

void append_name(std::string& json, std::string_view name) {
  if (json.back() != '{') json += ',';
  json += '"';
  json::append_escaped(json, name);
  json += '"';
  json += ':';
}

// The ids of items: their own, or `msg_in_<key>_<index>`.
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

// Begins an item with its id and type, whether it came with them or not.
void begin_named(std::string& json, const Item& item, std::string_view id) {
  json += R"({"id":")";
  json::append_escaped(json, id);
  json += '"';
  if (const auto type = made_type(item); !type.empty())
    json.append(R"(,"type":")").append(type).append("\"");
}

// True for what stands in that beginning, and for a type that is none.
bool is_begun(const Item& item, Value member) {
  return member.is_named("id") ||
         (member.is_named("type") && (member.is_absent() || item.type.is_absent()));
}

// The value of a member that an item is kept with. Only lists and objects have blanks in them.
void append_kept(std::string& json, const Item& item, std::string_view name, Value member) {
  if (member.is_array() || member.is_object()) return json::append_compact(json, member.raw());
  if (!member.is_string() || name != "content") return append_as_it_is(json, member.raw());
  const bool is_said = item.role.text().escaped == "assistant";
  json.append(is_said ? kSaidPart : kGivenPart).append(member.raw()).append(kPartEnd);
}

void append_kept(InputItems& kept, const Item& item, const ItemIds& ids) {
  const std::size_t index = kept.ids.count();
  ids.append(kept.ids.next_text(), item, index);
  kept.ids.end_text();
  std::string& json = kept.items.next_text();
  begin_named(json, item, kept.ids[index]);
  for (const Value member : item.value.children()) {
    if (is_begun(item, member)) continue;
    const std::string_view name = member.name();
    append_name(json, name);
    append_kept(json, item, name, member);
  }
  json += '}';
  kept.items.end_text();
}

// --- Items as the API lists them -----------------------------------------------------------------

void append_missing(std::string& json, Value given, std::string_view member) {
  if (given.is_absent()) json.append(",").append(member);
}

void append_listed_part(std::string& json, Value part, Copy copy) {
  if (!part.is_object()) return copy(json, part.raw());
  // One that is null counts as missing, so it is left out for the one that takes its place.
  constexpr std::array<std::string_view, 3> kGiven = {"annotations", "logprobs", "detail"};
  json += '{';
  for (const Value member : part.children()) {
    if (member.is_absent() &&
        std::find(kGiven.begin(), kGiven.end(), member.name()) != kGiven.end())
      continue;
    append_name(json, member.name());
    copy(json, member.raw());
  }
  const std::string_view type = part["type"].text().escaped;
  if (type == "output_text") {
    append_missing(json, part["annotations"], R"("annotations":[])");
    append_missing(json, part["logprobs"], R"("logprobs":[])");
  }
  if (type == "input_image") append_missing(json, part["detail"], R"("detail":"auto")");
  json += '}';
}

// What stands behind the beginning of an item. `is_given`: a client has written it, and it is
// listed as it will be kept. With more than `most` bytes it is of no use, so it ends there.
void append_listed(std::string& json, const Item& item, bool is_given, std::size_t most) {
  const Copy copy = is_given ? &json::append_compact : &append_as_it_is;
  for (const Value member : item.value.children()) {
    const std::string_view name = member.name();
    if (is_given && is_begun(item, member)) continue;
    if (name == "status" && member.is_absent()) continue;
    append_name(json, name);
    if (is_given && !member.is_array()) {
      append_kept(json, item, name, member);
    } else if (!member.is_array() || (name != "content" && name != "output")) {
      copy(json, member.raw());
    } else {
      json += '[';
      for (const Value part : member.children()) {
        if (json.size() > most) return;
        if (json.back() != '[') json += ',';
        append_listed_part(json, part, copy);
      }
      json += ']';
    }
  }
  const std::string_view type =
      is_given && item.type.is_absent() ? made_type(item) : item.type_name();
  if (item_type_of(type).has_status) append_missing(json, item.status, R"("status":"completed")");
  json += '}';
}

}  // namespace

std::string listed_item(std::string_view item) {
  json::Outline outline;
  if (!outline.read(item, 3, json::Outline::kMaxKeptDepth) || !outline.root().is_object())
    return std::string(item);
  return listed_item(Item(outline.root()), std::string::npos);
}

std::string listed_item(const Item& item, std::size_t most) {
  std::string json = "{";
  append_listed(json, item, false, most);
  return json;
}

std::string listed_item(const Item& item, const std::string& key, std::size_t index,
                        std::size_t most) {
  std::string json, id;
  ItemIds(key).append(id, item, index);
  begin_named(json, item, id);
  append_listed(json, item, true, most);
  return json;
}

References references_of(Value request) {
  References references;
  references.previous = request["previous_response_id"].decoded();
  append_references(request["input"], references.items);
  return references;
}

// A search is replayed as it was where it is kept, and left out where it is not.
void append_references(Value items, std::vector<std::string>& ids) {
  for (const Value each : items.children()) {
    if (!each["id"].is_string()) continue;  // as most are, and all else need not be looked up
    const Item item(each);
    if (item.is_reference() || item.type_name() == "web_search_call")
      ids.push_back(item.id.decoded());
  }
}

InputItems input_items_of(Value request, const std::string& key) {
  const Value input = request["input"];
  InputItems kept;
  if (input.is_string()) {
    kept.ids.add("msg_in_" + key + "_0");
    kept.items.add(text_message(kept.ids[0], input));
    return kept;
  }
  const ItemIds ids(key);
  const auto given = input.children();
  const auto count = static_cast<std::size_t>(std::distance(given.begin(), given.end()));
  kept.ids.reserve(count, 0);
  kept.items.reserve(count, input.raw().size());
  for (const Value item : given) append_kept(kept, Item(item), ids);
  return kept;
}

}  // namespace ccproxy::dialect
