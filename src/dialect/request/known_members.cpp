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

// The kinds of objects that have members. A kOpaque value is not looked into.
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
  kBreakpoint = 1U << 9U,  // a cache breakpoint
  kFormat = 1U << 10U,     // of a custom tool's input
  kLocation = 1U << 11U,   // the location of the user
  kFilters = 1U << 12U,
  kAny = (1U << 13U) - 1,
};

struct Row {
  std::string_view name;
  unsigned holders;             // the kinds that have the member
  Kind inside = kOpaque;        // the kind of its value, or of the elements of that
  bool is_unsupported = false;  // known, but the Messages API has no counterpart
};

constexpr unsigned kInList = kMessage | kItem;  // elements of the conversation
constexpr unsigned kConversation = kInList | kPart;

// Members of the APIs' own replies are here as well, since clients send back what they have
// received.
constexpr NameTable kTable(std::to_array<Row>({
    {"type", kAny},
    {"name", kTool | kConversation | kCallee},
    {"metadata", kAny},
    {"cache_control", kTool | kConversation | kCall | kCallee, kBreakpoint},
    {"prompt_cache_breakpoint", kTool | kConversation | kCall | kCallee, kBreakpoint},
    {"ttl", kBreakpoint},
    {"mode", kBreakpoint},
    {"scope", kBreakpoint},
    {"id", kConversation | kCall},
    {"status", kConversation},
    {"index", kConversation | kCall},
    {"phase", kConversation},
    {"logprobs", kConversation},
    {"annotations", kConversation},
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
    {"user_location", kTool, kLocation},
    {"approximate", kLocation, kLocation},
    {"city", kLocation},
    {"region", kLocation},
    {"country", kLocation},
    {"timezone", kLocation},
    {"filters", kTool, kFilters},
    {"allowed_domains", kTool | kFilters},
    {"blocked_domains", kTool | kFilters, kOpaque, true},
    // Messages and items.
    {"role", kInList},
    {"content", kConversation | kSource, kPart},
    {"refusal", kConversation},
    {"tool_calls", kMessage, kCall},
    {"function_call", kMessage, kCallee},
    {"tool_call_id", kMessage},
    {"is_error", kConversation},
    {"audio", kMessage},
    {"thinking_blocks", kMessage, kPart},
    {"reasoning_details", kMessage},
    {"reasoning_content", kMessage},
    {"reasoning", kInList},
    {"thinking", kConversation},
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
    {"input", kCallee | kConversation},
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

// False for an object that is forwarded as it is, left out as a whole, or refused anyway: its
// members are not looked at.
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

  // The outline is never as deep as the path is long.
  void object(Value object, Kind kind) {
    const Value::Range members = object.children();
    if (members.empty() || found_ == kMaxFound || depth_ + 1 >= path_.size() ||
        !is_read(object, kind))
      return;
    for (const Value member : members) {
      const Row* const row = row_of(member.name(), kind);
      if (row == nullptr || row->is_unsupported) {
        if (!is_as_left_out(member)) report(member.name());
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

  void report(std::string_view name) {
    std::string param;
    for (std::size_t i = 0; i < depth_; ++i) {
      param += path_[i].name;
      if (path_[i].index >= 0) param += fmt::format("[{}]", path_[i].index);
      param += '.';
    }
    report_.ignore(param.append(name));
    ++found_;
  }

  static constexpr std::size_t kMaxFound = 64;  // more than a header lists

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
