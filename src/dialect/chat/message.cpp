#include "dialect/chat/message.hpp"

#include <algorithm>

#include "dialect/request/cache_control.hpp"
#include "dialect/request/report.hpp"

namespace ccproxy::dialect {

ChatMessage::ChatMessage(json::Value message, std::size_t position) : index(position) {
  for (const json::Value member : message.children()) {
    const std::string_view key = member.name();
    if (key == "role") role = member;
    if (key == "content") content = member;
    if (key == "refusal") refusal = member;
    if (key == "tool_calls") tool_calls = member;
    if (key == "function_call") function_call = member;
    if (key == "name") name = member;
    if (key == "tool_call_id") tool_call_id = member;
    if (key == "is_error") is_error = member;
    if (key == "thinking_blocks") thinking_blocks = member;
    if (key == "reasoning_details") reasoning_details = member;
    if (key == "cache_control" || key == "prompt_cache_breakpoint")
      cache_control = std::max(cache_control, cache_control_of(message));
  }
}

std::string ChatMessage::param(std::string_view inside) const {
  return element_param("messages", index, inside);
}

}  // namespace ccproxy::dialect
