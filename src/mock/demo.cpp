#include "mock/demo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mock/sample.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::size_t kMaxEchoedBytes = 80;  // bytes of the user's text that are repeated

// Returns the first line of a text, cut between UTF-8 characters.
std::string beginning_of(const std::string& text) {
  std::string line = text.substr(0, text.find_first_of("\r\n"));
  if (line.size() <= kMaxEchoedBytes) return line;
  std::size_t end = kMaxEchoedBytes;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  return line.substr(0, end) + "...";
}

std::string demo_text(const ReceivedRequest& request) {
  if (request.has_tool_result)
    return fmt::format("The tool answered \"{}\". Thank you, that is all I wanted to know.",
                       beginning_of(request.tool_result));
  return fmt::format(
      "Hello from the simulated Claude API! You said: \"{}\". No model was asked and nothing left "
      "this machine: what you see is CCProxy at work, one word at a time.",
      beginning_of(request.last_text));
}

Block tool_call(const Document& tool) {
  const auto schema = tool.find("input_schema");
  const Document input = schema == tool.end() ? Document::object() : sample_of(*schema, "");
  const std::string text = input.is_object() ? text_of(input) : "{}";
  const std::size_t middle = text.size() / 2;
  ToolUseBlock call{"", tool["name"].get<std::string>(), {}};
  if (text != "{}") call.fragments = {text.substr(0, middle), text.substr(middle)};
  return call;
}

// Cuts a text to `limit` words; true when that shortened it.
bool truncate(std::vector<std::string>& words, std::int64_t limit) {
  if (static_cast<std::int64_t>(words.size()) <= limit) return false;
  words.resize(static_cast<std::size_t>(limit));
  return true;
}

}  // namespace

Message demo_message(const ReceivedRequest& request) {
  Message message{"", request.model};
  std::int64_t thinking_tokens = 0;
  if (request.max_tokens == 0) {  // a request that only warms the cache
    message.stop_reason = "max_tokens";
    message.usage = make_usage(request.input_tokens, 0);
    return message;
  }
  if (request.thinks) {
    auto words = words_of("The person wants to see whether this works. I should say that it does.");
    thinking_tokens = static_cast<std::int64_t>(words.size());
    if (!request.shows_thinking) words.clear();
    message.content.emplace_back(ThinkingBlock{std::move(words), std::string(kSignature)});
  }
  std::int64_t text_tokens = 0;
  const bool calls_tool =
      request.tool && !request.has_tool_result && (request.wants_tool || request.must_call);
  if (calls_tool) {
    auto words = words_of("Let me ask the tool.");
    text_tokens = static_cast<std::int64_t>(words.size()) + 16;
    message.content.emplace_back(TextBlock{std::move(words)});
    message.content.push_back(tool_call(*request.tool));
    message.stop_reason = "tool_use";
  } else {
    auto words =
        words_of(request.schema ? text_of(sample_of(*request.schema, "")) : demo_text(request));
    if (truncate(words, request.max_tokens)) message.stop_reason = "max_tokens";
    text_tokens = static_cast<std::int64_t>(words.size());
    message.content.emplace_back(TextBlock{std::move(words)});
  }
  message.usage = make_usage(request.input_tokens, thinking_tokens + text_tokens);
  if (thinking_tokens > 0)
    message.usage["output_tokens_details"] = {{"thinking_tokens", thinking_tokens}};
  return message;
}

}  // namespace ccproxy::mock
