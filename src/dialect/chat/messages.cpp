#include "dialect/chat/messages.hpp"

#include <fmt/format.h>

#include <iterator>

#include "dialect/request/cache_control.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

constexpr std::string_view kNoId = "(none)";

}  // namespace

ChatMessages::ChatMessages(ConversationBuilder& conversation)
    : conversation_(conversation),
      report_(conversation.report()),
      arena_(conversation.arena()),
      assistant_(conversation) {}

void ChatMessages::read(Value messages) {
  if (messages.is_absent() || (messages.is_array() && messages.children().empty()))
    return report_.refuse("messages", "missing_required_parameter",
                          "'messages' must have at least one message.");
  if (!messages.is_array()) return report_.refuse_type("messages", "an array");
  const Value::Range all = messages.children();
  conversation_.turns().reserve(static_cast<std::size_t>(std::distance(all.begin(), all.end())));
  std::size_t index = 0;
  for (const Value message : all) {
    if (!message.is_object())
      return report_.refuse_type(element_param("messages", index), "an object");
    blocks_.clear();
    read_message(ChatMessage(message, index++));
    if (report_.refused()) return;
  }
}

void ChatMessages::read_message(const ChatMessage& message) {
  if (message.role.is_absent())
    return report_.refuse(message.param(".role"), "missing_required_parameter",
                          "A message needs a role.");
  if (!message.role.is_string()) return report_.refuse_type(message.param(".role"), "a string");
  const std::string_view role = message.role.text().escaped;
  if (role == "system" || role == "developer") return read_system(message);
  if (role == "user") return read_user(message);
  if (role == "assistant") return assistant_.read(message);
  if (role == "tool") return read_tool(message);
  if (role == "function") return read_function(message);
  report_.refuse(message.param(".role"), "invalid_value",
                 "A role is one of system, developer, user, assistant, tool and function.");
}

void ChatMessages::read_system(const ChatMessage& message) {
  conversation_.read_content(message.content, {message.index}, false, blocks_);
  set_last_cache_control(blocks_, message.cache_control);
  conversation_.add_system(message.number(), blocks_);
}

void ChatMessages::read_user(const ChatMessage& message) {
  if (!message.name.is_absent() && !message.name.is_string())
    return report_.refuse_type(message.param(".name"), "a string");
  conversation_.read_content(message.content, {message.index}, blocks_,
                             [&](Value part, const ParamPath& path, std::vector<Block>& out) {
                               if (part["type"].text().escaped == "tool_result")
                                 return add_result_part(part, message);
                               conversation_.read_part(part, path, true, out);
                             });
  add_sender(message);
  add_user(message);
}

// The Messages API has no member for the sender's name, so the text begins with it.
void ChatMessages::add_sender(const ChatMessage& message) {
  const std::string_view name = message.name.text().escaped;
  if (blocks_.empty() || json::is_blank({name})) return;
  Block sender{.kind = Block::Kind::kText};
  sender.text = arena_.store(fmt::format("[message from {}]", name));
  blocks_.insert(blocks_.begin(), sender);
}

void ChatMessages::add_user(const ChatMessage& message) {
  set_last_cache_control(blocks_, message.cache_control);
  conversation_.add_user(message.number(), blocks_);
}

void ChatMessages::read_tool(const ChatMessage& message) {
  add_result(conversation_.take_result_id(message.tool_call_id.text().escaped), message.content,
             message.is_error, message);
  add_user(message);
}

// The legacy form of a result names the function instead of the call.
void ChatMessages::read_function(const ChatMessage& message) {
  const std::string_view name = plain_text(message.name, arena_);
  std::string_view id = assistant_.take_legacy_call(name);
  if (id.empty()) id = name.empty() ? kNoId : message.name.text().escaped;
  add_result(id, message.content, message.is_error, message);
  add_user(message);
}

// A result in Anthropic's shape, among the parts of a user's message.
void ChatMessages::add_result_part(Value part, const ChatMessage& message) {
  add_result(conversation_.take_result_id(part["tool_use_id"].text().escaped), part["content"],
             part["is_error"], message);
  blocks_.back().cache_control = cache_control_of(part);
}

void ChatMessages::add_result(std::string_view id, Value content, Value is_error,
                              const ChatMessage& message) {
  Block result{.kind = Block::Kind::kToolResult, .id = id};
  result.message = message.number();
  result.is_error = is_error.boolean().value_or(false);
  conversation_.read_result(content, {message.index}, result,
                            [&](Value part, const ParamPath& path, std::vector<Block>& out) {
                              conversation_.read_part(part, path, true, out);
                            });
  blocks_.push_back(result);
}

}  // namespace ccproxy::dialect
