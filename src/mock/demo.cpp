#include "mock/demo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mock/sample.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::size_t kEcho = 80;  // bytes of the question that come back

// The beginning of a text on one line, cut between UTF-8 characters.
std::string beginning_of(const std::string& text) {
  std::string line = text.substr(0, text.find_first_of("\r\n"));
  if (line.size() <= kEcho) return line;
  std::size_t end = kEcho;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  return line.substr(0, end) + "...";
}

std::string speech(const ReceivedRequest& asked) {
  if (asked.has_tool_result)
    return fmt::format("The tool answered \"{}\". Thank you, that is all I wanted to know.",
                       beginning_of(asked.tool_result));
  return fmt::format(
      "Hello from the simulated Claude API! You said: \"{}\". No model was asked and nothing left "
      "this machine: what you see is CCProxy at work, one word at a time.",
      beginning_of(asked.last_text));
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

// Stops a text where the asked number of tokens is used up.
bool cut(std::vector<std::string>& words, std::int64_t most) {
  if (static_cast<std::int64_t>(words.size()) <= most) return false;
  words.resize(static_cast<std::size_t>(most));
  return true;
}

}  // namespace

Message demo_message(const ReceivedRequest& asked) {
  Message answer{"", asked.model};
  std::int64_t thought = 0;
  if (asked.max_tokens == 0) {  // only warms the cache
    answer.stop_reason = "max_tokens";
    answer.usage = make_usage(asked.input_tokens, 0);
    return answer;
  }
  if (asked.thinks) {
    auto words = words_of("The person wants to see whether this works. I should say that it does.");
    thought = static_cast<std::int64_t>(words.size());
    if (!asked.shows_thinking) words.clear();
    answer.content.emplace_back(ThinkingBlock{std::move(words), std::string(kSignature)});
  }
  std::int64_t spoken = 0;
  const bool calls = asked.tool && !asked.has_tool_result && (asked.wants_tool || asked.must_call);
  if (calls) {
    auto words = words_of("Let me ask the tool.");
    spoken = static_cast<std::int64_t>(words.size()) + 16;
    answer.content.emplace_back(TextBlock{std::move(words)});
    answer.content.push_back(tool_call(*asked.tool));
    answer.stop_reason = "tool_use";
  } else {
    auto words = words_of(asked.schema ? text_of(sample_of(*asked.schema, "")) : speech(asked));
    if (cut(words, asked.max_tokens)) answer.stop_reason = "max_tokens";
    spoken = static_cast<std::int64_t>(words.size());
    answer.content.emplace_back(TextBlock{std::move(words)});
  }
  answer.usage = make_usage(asked.input_tokens, thought + spoken);
  if (thought > 0) answer.usage["output_tokens_details"] = {{"thinking_tokens", thought}};
  return answer;
}

}  // namespace ccproxy::mock
