// The half of ChatMessages that reads what the assistant said, thought and called.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dialect/chat/messages.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;
using json::ValueKind;

bool is_signed(Value block) {
  const std::string_view type = block["type"].text().escaped;
  if (type == "thinking") return !block["signature"].text().empty();
  return type == "redacted_thinking" && !block["data"].text().empty();
}

bool is_call(Value part) { return part["type"].text().escaped == "tool_use"; }

// What is read of a call or of the function in it, gathered in one walk over either.
struct CallMembers {
  explicit CallMembers(Value holder) {
    for (const Value member : holder.children()) {
      if (member.is_named("id")) id = member;
      if (member.is_named("type")) type = member;
      if (member.is_named("function")) function = member;
      if (member.is_named("custom")) custom = member;
      if (member.is_named("name")) name = member;
      if (member.is_named("arguments")) arguments = member;
      if (member.is_named("input")) input = member;
      if (member.is_named("cache_control")) control = member;
      if (member.is_named("prompt_cache_breakpoint")) breakpoint = member;
    }
  }

  [[nodiscard]] CacheControl cache_control() const { return cache_control_of(control, breakpoint); }

  Value id{}, type{}, function{}, custom{}, name{}, arguments{}, input{};
  Value control{}, breakpoint{};
};

// {"type":"reasoning.text","text","signature"} and {"type":"reasoning.encrypted","data"}, as
// OpenRouter's clients keep them.
std::string thought_of_detail(Value detail) {
  const std::string_view type = detail["type"].text().escaped;
  const std::string_view signature = detail["signature"].text().escaped;
  if (type == "reasoning.text" && !signature.empty())
    return fmt::format(R"({{"type":"thinking","thinking":"{}","signature":"{}"}})",
                       detail["text"].text().escaped, signature);
  const std::string_view data = detail["data"].text().escaped;
  if (type == "reasoning.encrypted" && !data.empty())
    return fmt::format(R"({{"type":"redacted_thinking","data":"{}"}})", data);
  return {};
}

}  // namespace

void ChatMessages::read_assistant(const Message& message) {
  if (!in_assistant_) open_calls_.clear();
  in_assistant_ = true;
  thoughts_.clear();
  calls_.clear();
  read_signed_thoughts(message, thoughts_);
  read_said(message);
  read_calls(message);
  blocks_.insert(blocks_.begin(), thoughts_.begin(), thoughts_.end());
  blocks_.insert(blocks_.end(), calls_.begin(), calls_.end());
  for (Block& block : blocks_) block.message = static_cast<std::uint32_t>(message.index);
  add(Role::kAssistant, message, blocks_);
}

void ChatMessages::read_said(const Message& message) {
  if (message.content.is_array()) {
    ParamPath place{message.index, 0};
    const Value::Range parts = message.content.children();
    has_call_parts_ = std::any_of(parts.begin(), parts.end(), is_call);
    for (const Value part : parts) {
      if (!read_own_part(part, place)) content_.read_part(part, place, false, blocks_);
      if (report_.refused()) return;
      ++place.part;
    }
  } else {
    read_content(message.content, message.index, false, blocks_);
  }
  if (blocks_.empty() && message.refusal.is_string())
    Content::add_text(message.refusal.text(), CacheControl::kNone, blocks_);
}

// Parts that only the assistant has. False for all others.
bool ChatMessages::read_own_part(Value part, ParamPath place) {
  const std::string_view type = part["type"].text().escaped;
  if (type == "refusal") {
    Content::add_text(part["refusal"].text(), cache_control_of(part), blocks_);
  } else if (is_thought(type)) {
    if (is_signed(part))
      add_thought(without_cache_control(part, arena_), has_call_parts_,
                  has_call_parts_ ? blocks_ : thoughts_);
  } else if (type == "tool_use") {
    const Value name = part["name"], input = part["input"];
    if (!name.is_string() || name.text().empty()) {
      report_.refuse(place.param(".name"), "missing_required_parameter",
                     "A tool call needs the name of its tool.");
      return true;
    }
    CallSaid said{.call = {.id = part["id"].text().escaped,
                           .name = plain_text(name, arena_),
                           .input = {input.is_object() ? input.raw() : "{}"}},
                  .message = place.message,
                  .position = static_cast<std::size_t>(place.part),
                  .cache_control = cache_control_of(part)};
    if (const Value caller = part["caller"]; caller.is_object())
      said.members = call_members(fmt::format(R"(,"caller":{})", caller.raw()), arena_);
    add_call(said, blocks_);
  } else {
    return false;
  }
  return true;
}

// Thinking that a client kept for us, in one of the two ways that are in use.
void ChatMessages::read_signed_thoughts(const Message& message, std::vector<Block>& out) {
  for (const Value block : message.thinking_blocks.children())
    if (is_signed(block)) add_thought(without_cache_control(block, arena_), false, out);
  if (!out.empty()) return;
  for (const Value detail : message.reasoning_details.children()) {
    std::string thought = thought_of_detail(detail);
    if (thought.empty()) continue;
    add_thought(arena_.keep(std::move(thought)), false, out);
  }
}

void ChatMessages::read_calls(const Message& message) {
  const Value calls = message.tool_calls;
  if (!calls.is_absent() && !calls.is_array())
    return report_.refuse_type(fmt::format("messages[{}].tool_calls", message.index), "an array");
  std::size_t position = 0;
  for (const Value call : calls.children()) read_call(call, message.index, position++);
  if (message.function_call.is_object()) read_legacy_call(message);
}

void ChatMessages::read_call(Value call, std::size_t index, std::size_t position) {
  const CallMembers envelope(call);
  const bool is_custom = envelope.type.text().escaped == "custom" && envelope.custom.is_object();
  const CallMembers function(is_custom ? envelope.custom : envelope.function);
  const std::string_view id = envelope.id.text().escaped;
  const Value name = function.name;
  if (!name.is_string() || name.text().empty())
    return report_.refuse(fmt::format("messages[{}].tool_calls[{}].{}.name", index, position,
                                      is_custom ? "custom" : "function"),
                          "missing_required_parameter", "A tool call needs the name of its tool.");
  const std::string_view tool = plain_text(name, arena_);
  CallInput input;
  if (is_custom) {
    input.json = text_input_of(function.input, arena_);
  } else if (tools_.is_custom(tool)) {  // told as a function, because its client knows no other
    input.json = text_input_of(function.arguments, arena_);
  } else {
    input = open_calls_.input_of(function.arguments, id);
  }
  add_call({.call = {.id = id, .name = tool, .input = input},
            .message = index,
            .position = position,
            .cache_control = std::max(envelope.cache_control(), function.cache_control())},
           calls_);
}

void ChatMessages::read_legacy_call(const Message& message) {
  const Value name = message.function_call["name"];
  if (!name.is_string() || name.text().empty())
    return report_.refuse(fmt::format("messages[{}].function_call.name", message.index),
                          "missing_required_parameter", "A function call needs a name.");
  const std::string_view id = ids_.assign({}, fmt::format("call_fn_{}", legacy_calls_++));
  const std::string_view tool = plain_text(name, arena_);
  open_functions_[tool].push_back(id);
  add_block({.call = {.id = id,
                      .name = tool,
                      .input = open_calls_.input_of(message.function_call["arguments"], id)},
             .message = message.index},
            id, calls_);
}

// Where in the turn it stood is known only among parts that are calls.
void ChatMessages::add_thought(std::string_view block, bool has_place, std::vector<Block>& out) {
  out.push_back({.kind = Block::Kind::kThinking, .floats = !has_place, .text = block});
}

void ChatMessages::add_call(CallSaid said, std::vector<Block>& out) {
  if (open_calls_.has(said.call)) return;
  const std::string_view id = said.call.id.empty()
                                  ? ids_.assign({}, made_call_id(said.message, said.position))
                                  : ids_.assign(said.call.id, {});
  add_block(said, id, out);
}

void ChatMessages::add_block(CallSaid said, std::string_view id, std::vector<Block>& out) {
  open_calls_.add(said.call, id);
  called_.push_back(said.call.name);
  out.push_back({.kind = Block::Kind::kToolUse,
                 .cache_control = said.cache_control,
                 .message = static_cast<std::uint32_t>(said.message),
                 .text = said.call.input.json,
                 .id = id,
                 .name = tools_.upstream_of_call(said.call, context_.memory),
                 .content = said.members,
                 .meaning = said.call.input.meaning});
}

}  // namespace ccproxy::dialect
