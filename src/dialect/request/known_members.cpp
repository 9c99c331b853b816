#include "dialect/request/known_members.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "dialect/request/input_item.hpp"
#include "dialect/request/name_table.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

// What holds a member. kOpaque is not looked into.
enum Kind : unsigned {
  kOpaque = 0,
  kTool = 1U << 0U,  // also the function or custom tool inside one
  kMessage = 1U << 1U,
  kCall = 1U << 2U,
  kCallee = 1U << 3U,  // the function or custom tool of a call
  kPart = 1U << 4U,
  kImage = 1U << 5U,
  kFile = 1U << 6U,
  kSource = 1U << 7U,
  kItem = 1U << 8U,
  kMark = 1U << 9U,     // of a cache
  kFormat = 1U << 10U,  // of a custom tool's input
  kPlace = 1U << 11U,   // of the user
  kFilters = 1U << 12U,
  kAny = (1U << 13U) - 1,
};

struct Row {
  std::string_view name;
  unsigned holders;
  Kind inside = kOpaque;  // of its value, or of the elements of that
  bool is_lost = false;   // known, but without a counterpart
};

constexpr unsigned kSaid = kMessage | kItem;  // what has a role, or may stand beside it
constexpr unsigned kTalk = kSaid | kPart;

// Members that come from an API's own replies are here as well: clients send back what they got.
constexpr NameTable kTable(std::to_array<Row>({
    {"type", kAny},
    {"name", kTool | kTalk | kCallee},
    {"metadata", kAny},
    {"cache_control", kTool | kTalk | kCall | kCallee, kMark},
    {"prompt_cache_breakpoint", kTool | kTalk | kCall | kCallee, kMark},
    {"ttl", kMark},
    {"mode", kMark},
    {"scope", kMark},
    {"id", kTalk | kCall},
    {"status", kTalk},
    {"index", kTalk | kCall},
    {"phase", kTalk},
    {"logprobs", kTalk},
    {"annotations", kTalk},
    // Tools.
    {"description", kTool},
    {"parameters", kTool},
    {"strict", kTool},
    {"input_schema", kTool},
    {"function", kTool, kTool},
    {"custom", kTool, kTool},
    {"tools", kTool | kItem, kTool},
    {"defer_loading", kTool},
    {"allowed_callers", kTool},
    {"input_examples", kTool},
    {"eager_input_streaming", kTool},
    {"output_schema", kTool, kOpaque, true},
    {"async", kTool, kOpaque, true},
    {"format", kTool, kFormat},
    {"syntax", kFormat},
    {"definition", kFormat},
    {"grammar", kFormat, kFormat},
    {"execution", kTool | kItem},
    {"environment", kTool | kItem},
    {"max_uses", kTool},
    {"search_context_size", kTool},
    {"search_content_types", kTool, kOpaque, true},
    {"external_web_access", kTool},
    {"user_location", kTool, kPlace},
    {"approximate", kPlace, kPlace},
    {"city", kPlace},
    {"region", kPlace},
    {"country", kPlace},
    {"timezone", kPlace},
    {"filters", kTool, kFilters},
    {"allowed_domains", kTool | kFilters},
    {"blocked_domains", kTool | kFilters, kOpaque, true},
    // Messages and items.
    {"role", kSaid},
    {"content", kTalk | kSource, kPart},
    {"refusal", kTalk},
    {"tool_calls", kMessage, kCall},
    {"function_call", kMessage, kCallee},
    {"tool_call_id", kMessage},
    {"is_error", kTalk},
    {"audio", kMessage},
    {"thinking_blocks", kMessage, kPart},
    {"reasoning_details", kMessage},
    {"reasoning_content", kMessage},
    {"reasoning", kSaid},
    {"thinking", kTalk},
    {"model", kMessage},
    {"stop_reason", kMessage},
    {"stop_sequence", kMessage},
    {"stop_details", kMessage},
    {"usage", kMessage},
    {"container", kMessage},
    {"context_management", kMessage},
    {"function", kCall, kCallee},
    {"custom", kCall, kCallee},
    {"arguments", kCallee | kItem},
    {"input", kCallee | kTalk},
    {"call_id", kItem},
    {"output", kItem, kPart},
    {"summary", kItem, kPart},
    {"encrypted_content", kItem | kPart},
    {"namespace", kItem},
    {"created_by", kItem},
    {"caller", kItem | kPart},
    {"action", kItem},
    {"operation", kItem},
    {"max_output_length", kItem},
    {"acknowledged_safety_checks", kItem},
    {"text", kItem | kPart},
    {"agent", kItem},
    // Parts.
    {"image_url", kPart, kImage},
    {"url", kImage | kSource | kPart},
    {"detail", kImage | kPart},
    {"file", kPart, kFile},
    {"file_data", kFile | kPart},
    {"file_url", kFile | kPart},
    {"file_id", kFile | kPart | kSource | kImage},
    {"filename", kFile | kPart},
    {"input_audio", kPart},
    {"source", kPart, kSource},
    {"media_type", kSource},
    {"data", kSource | kPart},
    {"title", kPart | kFile},
    {"context", kPart | kFile},
    {"citations", kPart | kFile},
    {"signature", kPart},
    {"tool_use_id", kPart},
    {"tool_name", kPart},
    {"server_name", kPart},
    {"stdout", kPart},
    {"stderr", kPart},
    {"outcome", kPart},
}));

const Row* row_of(std::string_view name, Kind holder) {
  return kTable.find(name, [&](const Row& row) { return (row.holders & holder) != 0; });
}

struct Type {
  std::string_view name;
};

constexpr NameTable kTools(std::to_array<Type>({
    {"function"},
    {"custom"},
    {"namespace"},
    {"web_search"},
    {"web_search_2025_08_26"},
    {"web_search_preview"},
    {"web_search_preview_2025_03_11"},
    {"local_shell"},
    {"shell"},
    {"apply_patch"},
    {"tool_search"},
}));

constexpr NameTable kParts(std::to_array<Type>({
    {"text"},        {"input_text"}, {"output_text"},       {"summary_text"},  {"reasoning_text"},
    {"refusal"},     {"image_url"},  {"input_image"},       {"file"},          {"input_file"},
    {"input_audio"}, {"image"},      {"document"},          {"search_result"}, {"tool_use"},
    {"tool_result"}, {"thinking"},   {"redacted_thinking"}, {"content"},       {"tool_reference"},
}));

// What goes up as it is, is left out as a whole or is refused anyway is not looked into.
bool is_read(Value object, Kind kind) {
  if (kind != kItem && kind != kPart && kind != kTool) return true;
  const std::string_view type = object["type"].text().escaped;
  if (kind == kItem) return item_type_of(type).is_read;
  if (type.empty()) return true;
  if (kind == kPart) return kParts.find(type) != nullptr;
  return kTools.find(type) != nullptr || object["input_schema"].is_object();
}

class Walk {
 public:
  explicit Walk(Report& report) : report_(report) {}

  void list(Value values, std::string_view name, Kind kind) {
    if (!values.is_array()) return;
    path_[depth_++] = {name, 0};
    for (const Value value : values.children()) {
      if (value.is_object()) object(value, kind);
      ++path_[depth_ - 1].index;
    }
    --depth_;
  }

 private:
  struct Step {
    std::string_view name;
    std::ptrdiff_t index = -1;  // in a list
  };

  // The outline ends long before the path does.
  void object(Value object, Kind kind) {
    const Value::Range members = object.children();
    if (members.empty() || found_ == kMaxFound || depth_ + 1 >= path_.size() ||
        !is_read(object, kind))
      return;
    for (const Value member : members) {
      const Row* const row = row_of(member.name(), kind);
      if (row == nullptr || row->is_lost) {
        if (!is_as_left_out(member)) emit(member.name());
      } else if (row->inside != kOpaque) {
        look_into(member, row->inside);
      }
    }
  }

  void look_into(Value member, Kind kind) {
    if (member.is_array()) return list(member, member.name(), kind);
    if (!member.is_object()) return;
    path_[depth_++] = {member.name()};
    object(member, kind);
    --depth_;
  }

  void emit(std::string_view name) {
    std::string param;
    for (std::size_t i = 0; i < depth_; ++i) {
      param += path_[i].name;
      if (path_[i].index >= 0) param += fmt::format("[{}]", path_[i].index);
      param += '.';
    }
    report_.ignore(param.append(name));
    ++found_;
  }

  static constexpr std::size_t kMaxFound = 64;  // more than are told

  Report& report_;
  std::array<Step, json::Outline::kListed + 2> path_{};
  std::size_t depth_ = 0;
  std::size_t found_ = 0;
};

}  // namespace

void report_unknown_members(Value request, Report& report) {
  Walk walk(report);
  walk.list(request["tools"], "tools", kTool);
  walk.list(request["functions"], "functions", kTool);
  const Value messages = request["messages"];
  if (!messages.is_absent()) return walk.list(messages, "messages", kMessage);
  walk.list(request["input"], "input", kItem);
}

}  // namespace ccproxy::dialect
