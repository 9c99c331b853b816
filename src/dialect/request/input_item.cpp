#include "dialect/request/input_item.hpp"

#include <array>

#include "dialect/request/cache_control.hpp"
#include "dialect/request/name_table.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr ItemType foreign(std::string_view name) {
  return {.name = name, .kind = ItemKind::kForeign, .is_read = false};
}

constexpr ItemType call(std::string_view name, ItemKind kind, std::string_view prefix = "item") {
  return {.name = name, .kind = kind, .prefix = prefix, .is_call = true, .has_status = true};
}

constexpr ItemType result(std::string_view name, ItemKind kind, std::string_view prefix = "item") {
  return {.name = name, .kind = kind, .prefix = prefix, .has_status = true};
}

constexpr NameTable kTypes(std::to_array<ItemType>({
    {.name = "message", .kind = ItemKind::kMessage, .prefix = "msg", .has_status = true},
    {.name = "item_reference", .kind = ItemKind::kReference},
    {.name = "reasoning", .kind = ItemKind::kReasoning, .prefix = "rs"},
    {.name = "compaction", .kind = ItemKind::kCompaction},
    {.name = "compaction_trigger", .kind = ItemKind::kCompactionTrigger},
    {.name = "configuration_update", .kind = ItemKind::kConfiguration, .is_read = false},
    {.name = "additional_tools", .kind = ItemKind::kTools},
    {.name = "web_search_call", .kind = ItemKind::kSearch, .has_status = true, .is_read = false},
    call("function_call", ItemKind::kFunctionCall, "fc"),
    call("custom_tool_call", ItemKind::kCustomCall, "ctc"),
    call("local_shell_call", ItemKind::kLocalShellCall),
    call("shell_call", ItemKind::kShellCall),
    call("apply_patch_call", ItemKind::kPatchCall),
    call("tool_search_call", ItemKind::kToolSearchCall),
    result("function_call_output", ItemKind::kResult, "fco"),
    result("custom_tool_call_output", ItemKind::kResult, "fco"),
    result("local_shell_call_output", ItemKind::kLocalShellResult),
    result("shell_call_output", ItemKind::kShellResult),
    result("tool_search_output", ItemKind::kToolSearchResult),
    // Its status is its content, so the client writes it and the API adds none.
    {.name = "apply_patch_call_output", .kind = ItemKind::kPatchResult},
    // Items of other providers' tools in a history: upstream has no counterpart.
    foreign("file_search_call"),
    foreign("code_interpreter_call"),
    foreign("image_generation_call"),
    foreign("computer_call"),
    foreign("computer_call_output"),
    foreign("mcp_list_tools"),
    foreign("mcp_call"),
    foreign("mcp_approval_request"),
    foreign("mcp_approval_response"),
    foreign("program"),
    foreign("program_output"),
}));

constexpr ItemType kUntyped{.kind = ItemKind::kUntyped, .prefix = "msg"};
constexpr ItemType kUnknown{.is_read = false};

}  // namespace

const ItemType& item_type_of(std::string_view type) {
  if (type.empty()) return kUntyped;
  const ItemType* const known = kTypes.find(type);
  return known != nullptr ? *known : kUnknown;
}

Item::Item(Value item) : value(item) {
  for (const Value member : item.children())
    if (Value* const field = field_of(member.name())) *field = member;
}

// Compares the length first, since most names differ in it.
Value* Item::field_of(std::string_view member) {
  switch (member.size()) {
    case 2: return member == "id" ? &id : nullptr;
    case 4:
      if (member == "type") return &type;
      if (member == "role") return &role;
      return member == "name" ? &name : nullptr;
    case 6:
      if (member == "output") return &output;
      return member == "status" ? &status : nullptr;
    case 7:
      if (member == "content") return &content;
      return member == "call_id" ? &call_id : nullptr;
    case 9:
      if (member == "arguments") return &arguments;
      return member == "namespace" ? &tool_namespace : nullptr;
    case 13: return member == "cache_control" ? &control : nullptr;
    case 23: return member == "prompt_cache_breakpoint" ? &breakpoint : nullptr;
    default: return nullptr;
  }
}

bool Item::is_reference() const {
  const std::string_view kind = type_name();
  return kind == "item_reference" || (kind.empty() && role.is_absent() && id.is_string());
}

bool Item::is_of_user() const {
  const std::string_view kind = type_name();
  return role.text().escaped == "user" && (kind.empty() || kind == "message");
}

CacheControl Item::cache_control() const { return cache_control_of(control, breakpoint); }

}  // namespace ccproxy::dialect
