#include "dialect/chat/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kNoId = "(none)";

std::string message_param(std::size_t index, std::string_view inside = {}) {
  return fmt::format("messages[{}]{}", index, inside);
}

}  // namespace

ChatMessages::ChatMessages(const MessageTools& with, std::vector<Block>& system, Turns& turns)
    : context_(with.context),
      report_(with.report),
      arena_(with.arena),
      tools_(with.tools),
      content_(with.report, with.arena, with.betas),
      ids_(with.arena),
      system_(system),
      turns_(turns),
      open_calls_(with.arena) {}

void ChatMessages::read(Value messages) {
  if (messages.is_absent() || (messages.is_array() && messages.children().empty()))
    return report_.refuse("messages", "missing_required_parameter",
                          "'messages' must have at least one message.");
  if (!messages.is_array()) return report_.refuse_type("messages", "an array");
  const Value::Range all = messages.children();
  turns_.expect(static_cast<std::size_t>(std::distance(all.begin(), all.end())));
  std::size_t index = 0;
  for (const Value message : all) {
    if (!message.is_object()) return report_.refuse_type(message_param(index), "an object");
    blocks_.clear();
    read_message(fields_of(message, index++));
    if (report_.refused()) return;
  }
}

ChatMessages::Message ChatMessages::fields_of(Value message, std::size_t index) {
  Message fields{.index = index};
  for (const Value member : message.children()) {
    const std::string_view name = member.name();
    if (name == "role") fields.role = member;
    if (name == "content") fields.content = member;
    if (name == "refusal") fields.refusal = member;
    if (name == "tool_calls") fields.tool_calls = member;
    if (name == "function_call") fields.function_call = member;
    if (name == "name") fields.name = member;
    if (name == "tool_call_id") fields.tool_call_id = member;
    if (name == "is_error") fields.is_error = member;
    if (name == "thinking_blocks") fields.thinking_blocks = member;
    if (name == "reasoning_details") fields.reasoning_details = member;
    if (name == "cache_control" || name == "prompt_cache_breakpoint")
      fields.cache_control = std::max(fields.cache_control, cache_control_of(message));
  }
  return fields;
}

void ChatMessages::read_message(const Message& message) {
  if (message.role.is_absent())
    return report_.refuse(message_param(message.index, ".role"), "missing_required_parameter",
                          "A message needs a role.");
  if (!message.role.is_string())
    return report_.refuse_type(message_param(message.index, ".role"), "a string");
  const std::string_view role = message.role.text().escaped;
  if (role == "system" || role == "developer") return read_system(message);
  is_leading_ = false;
  if (role == "user") return read_user(message);
  if (role == "assistant") return read_assistant(message);
  if (role == "tool") return read_tool(message);
  if (role == "function") return read_function(message);
  report_.refuse(message_param(message.index, ".role"), "invalid_value",
                 "A role is one of system, developer, user, assistant, tool and function.");
}

void ChatMessages::add(Role role, const Message& message, std::span<Block> blocks) {
  if (blocks.empty()) return;
  set_last_cache_control(blocks, message.cache_control);
  if (role == Role::kUser) in_assistant_ = false;
  turns_.add(role, static_cast<std::uint32_t>(message.index), blocks);
}

void ChatMessages::read_content(Value content, std::size_t index, bool allows_files,
                                std::vector<Block>& out) {
  if (content.is_string()) return Content::add_text(content.text(), CacheControl::kNone, out);
  if (content.is_absent()) return;
  if (!content.is_array())
    return report_.refuse_type(message_param(index, ".content"), "a string or an array");
  ParamPath place{index, 0};
  for (const Value part : content.children()) {
    content_.read_part(part, place, allows_files, out);
    if (report_.refused()) return;
    ++place.part;
  }
}

void ChatMessages::read_system(const Message& message) {
  read_content(message.content, message.index, false, blocks_);
  if (!is_leading_) return add(Role::kSystem, message, blocks_);
  set_last_cache_control(blocks_, message.cache_control);
  std::move(blocks_.begin(), blocks_.end(), std::back_inserter(system_));
}

void ChatMessages::read_user(const Message& message) {
  if (!message.name.is_absent() && !message.name.is_string())
    return report_.refuse_type(message_param(message.index, ".name"), "a string");
  if (!message.content.is_array()) {
    read_content(message.content, message.index, true, blocks_);
    return add_named(message);
  }
  ParamPath place{message.index, 0};
  for (const Value part : message.content.children()) {
    if (part["type"].text().escaped == "tool_result")
      add_result_part(part, message.index, blocks_);
    else
      content_.read_part(part, place, true, blocks_);
    if (report_.refused()) return;
    ++place.part;
  }
  add_named(message);
}

// Upstream has no place for who says it.
void ChatMessages::add_named(const Message& message) {
  const std::string_view name = message.name.text().escaped;
  if (!blocks_.empty() && !json::is_blank({name})) {
    Block from{.kind = Block::Kind::kText};
    from.text = arena_.keep(fmt::format("[message from {}]", name));
    blocks_.insert(blocks_.begin(), from);
  }
  add(Role::kUser, message, blocks_);
}

// A result in Anthropic's shape, among the parts of what a user says.
void ChatMessages::add_result_part(Value part, std::size_t index, std::vector<Block>& out) {
  Message inner{.index = index};
  inner.is_error = part["is_error"];
  inner.cache_control = cache_control_of(part);
  add_result(open_calls_.answered(part["tool_use_id"].text().escaped), part["content"], inner, out);
  out.back().cache_control = inner.cache_control;
}

void ChatMessages::read_tool(const Message& message) {
  add_result(open_calls_.answered(message.tool_call_id.text().escaped), message.content, message,
             blocks_);
  add(Role::kUser, message, blocks_);
}

// The legacy form of a result: it names the function, not the call.
void ChatMessages::read_function(const Message& message) {
  const std::string_view name = plain_text(message.name, arena_);
  std::string_view id = name.empty() ? kNoId : message.name.text().escaped;
  if (const auto open = open_functions_.find(name);
      open != open_functions_.end() && !open->second.empty()) {
    id = open->second.back();
    open->second.pop_back();
  }
  add_result(id, message.content, message, blocks_);
  add(Role::kUser, message, blocks_);
}

void ChatMessages::add_result(std::string_view id, Value content, const Message& message,
                              std::vector<Block>& out) {
  Block result{.kind = Block::Kind::kToolResult, .id = id};
  result.message = static_cast<std::uint32_t>(message.index);
  result.is_error = message.is_error.boolean().value_or(false);
  if (content.is_string()) {
    result.text = content.text().escaped;
  } else {
    parts_.clear();
    read_content(content, message.index, true, parts_);
    result.content = arena_.keep(parts_);
  }
  out.push_back(result);
}

}  // namespace ccproxy::dialect
