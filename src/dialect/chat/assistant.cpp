#include "dialect/chat/assistant.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "dialect/request/cache_control.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;

bool is_signed(Value block) {
  const std::string_view type = block["type"].text().escaped;
  if (type == "thinking") return !block["signature"].text().empty();
  return type == "redacted_thinking" && !block["data"].text().empty();
}

bool is_call(Value part) { return part["type"].text().escaped == "tool_use"; }

// The members of a call, or of the function in it, found in one walk over either.
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

// The thinking block of an element of `reasoning_details`, as OpenRouter's clients store it:
// {"type":"reasoning.text","text","signature"} or {"type":"reasoning.encrypted","data"}. Empty for
// others.
std::string thinking_of_detail(Value detail) {
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

// `is_unplaced`: the place of the thinking among the turn's calls is not known.
Block thinking_block(std::string_view json, bool is_unplaced) {
  return {.kind = Block::Kind::kThinking, .is_unplaced = is_unplaced, .text = json};
}

}  // namespace

AssistantReader::AssistantReader(ConversationBuilder& conversation)
    : conversation_(conversation), report_(conversation.report()), arena_(conversation.arena()) {}

void AssistantReader::read(const ChatMessage& message) {
  conversation_.begin_calls();
  thinking_.clear();
  content_.clear();
  calls_.clear();
  read_signed_thinking(message);
  read_content(message);
  read_calls(message);
  std::vector<Block>& blocks = content_;
  blocks.insert(blocks.begin(), thinking_.begin(), thinking_.end());
  blocks.insert(blocks.end(), calls_.begin(), calls_.end());
  for (Block& block : blocks) block.message = message.number();
  set_last_cache_control(blocks, message.cache_control);
  conversation_.add_assistant(message.number(), blocks);
}

void AssistantReader::read_content(const ChatMessage& message) {
  bool has_call_parts = false;
  if (message.content.is_array()) {
    const Value::Range parts = message.content.children();
    has_call_parts = std::any_of(parts.begin(), parts.end(), is_call);
  }
  conversation_.read_content(message.content, {message.index}, content_,
                             [&](Value part, const ParamPath& path, std::vector<Block>& out) {
                               if (!read_own_part(part, path, has_call_parts))
                                 conversation_.read_part(part, path, false, out);
                             });
  if (content_.empty() && message.refusal.is_string())
    Content::add_text(message.refusal.text(), CacheControl::kNone, content_);
}

// Where thinking stood in its turn is only known where the calls are parts as well.
bool AssistantReader::read_own_part(Value part, const ParamPath& path, bool has_call_parts) {
  const std::string_view type = part["type"].text().escaped;
  if (type == "refusal") {
    Content::add_text(part["refusal"].text(), cache_control_of(part), content_);
  } else if (is_thinking(type)) {
    if (is_signed(part))
      (has_call_parts ? content_ : thinking_)
          .push_back(thinking_block(without_cache_control(part, arena_), !has_call_parts));
  } else if (type == "tool_use") {
    read_call_part(part, path);
  } else {
    return false;
  }
  return true;
}

void AssistantReader::read_call_part(Value part, const ParamPath& path) {
  const Value name = part["name"], input = part["input"];
  if (!name.is_string() || name.text().empty())
    return report_.refuse(path.param(".name"), "missing_required_parameter",
                          "A tool call needs the name of its tool.");
  const HistoryCall call{.call = {.id = part["id"].text().escaped,
                                  .name = plain_text(name, arena_),
                                  .input = {input.is_object() ? input.raw() : "{}"}},
                         .message = static_cast<std::uint32_t>(path.message),
                         .index = path.message,
                         .position = static_cast<std::size_t>(path.part),
                         .cache_control = cache_control_of(part)};
  if (!conversation_.add_call(call, content_)) return;
  if (const Value caller = part["caller"]; caller.is_object())
    content_.back().content = call_members(fmt::format(R"(,"caller":{})", caller.raw()), arena_);
}

// Thinking that a client has stored beside the content, in one of the two ways that are in use.
void AssistantReader::read_signed_thinking(const ChatMessage& message) {
  for (const Value block : message.thinking_blocks.children())
    if (is_signed(block))
      thinking_.push_back(thinking_block(without_cache_control(block, arena_), true));
  if (!thinking_.empty()) return;
  for (const Value detail : message.reasoning_details.children()) {
    std::string block = thinking_of_detail(detail);
    if (block.empty()) continue;
    thinking_.push_back(thinking_block(arena_.store(std::move(block)), true));
  }
}

void AssistantReader::read_calls(const ChatMessage& message) {
  const Value calls = message.tool_calls;
  if (!calls.is_absent() && !calls.is_array())
    return report_.refuse_type(message.param(".tool_calls"), "an array");
  std::size_t position = 0;
  for (const Value call : calls.children()) read_call(call, message, position++);
  if (message.function_call.is_object()) read_legacy_call(message);
}

void AssistantReader::read_call(Value call, const ChatMessage& message, std::size_t position) {
  const CallMembers envelope(call);
  const bool is_custom = envelope.type.text().escaped == "custom" && envelope.custom.is_object();
  const CallMembers function(is_custom ? envelope.custom : envelope.function);
  const std::string_view id = envelope.id.text().escaped;
  const Value name = function.name;
  if (!name.is_string() || name.text().empty())
    return report_.refuse(message.param(fmt::format(".tool_calls[{}].{}.name", position,
                                                    is_custom ? "custom" : "function")),
                          "missing_required_parameter", "A tool call needs the name of its tool.");
  const std::string_view tool = plain_text(name, arena_);
  const CallInput input = is_custom ? CallInput{text_input_of(function.input, arena_)}
                                    : conversation_.function_input(tool, function.arguments, id);
  conversation_.add_call(
      {.call = {.id = id, .name = tool, .input = input},
       .message = message.number(),
       .index = message.index,
       .position = position,
       .cache_control = std::max(envelope.cache_control(), function.cache_control())},
      calls_);
}

void AssistantReader::read_legacy_call(const ChatMessage& message) {
  const Value name = message.function_call["name"];
  if (!name.is_string() || name.text().empty())
    return report_.refuse(message.param(".function_call.name"), "missing_required_parameter",
                          "A function call needs a name.");
  const std::string_view id = conversation_.new_call_id(fmt::format("call_fn_{}", legacy_count_++));
  const std::string_view tool = plain_text(name, arena_);
  legacy_calls_[tool].push_back(id);
  const CallInput input = conversation_.json_input(message.function_call["arguments"], id);
  conversation_.add_new_call({.call = {.id = id, .name = tool, .input = input},
                              .message = message.number(),
                              .index = message.index},
                             calls_);
}

std::string_view AssistantReader::take_legacy_call(std::string_view function) {
  const auto calls = legacy_calls_.find(function);
  if (calls == legacy_calls_.end() || calls->second.empty()) return {};
  const std::string_view id = calls->second.back();
  calls->second.pop_back();
  return id;
}

}  // namespace ccproxy::dialect
