#include "anthropic/thought_turn.hpp"

#include <utility>

#include "json/document.hpp"
#include "json/outline.hpp"

namespace ccproxy::anthropic {

std::size_t ThoughtTurn::bytes() const {
  std::size_t bytes = sizeof(ThoughtTurn) + blocks.size() + text.size();
  for (const ToolCall& call : calls)
    bytes += sizeof(ToolCall) + call.id.size() + call.name.size() + call.input.size();
  return bytes;
}

std::optional<ThoughtTurn> thought_turn(std::string blocks) {
  const std::string list = "[" + blocks + "]";
  json::Outline outline;
  if (!outline.read(list, 2)) return std::nullopt;
  ThoughtTurn turn;
  bool has_thought = false;
  for (const json::Value block : outline.root().children()) {
    const std::string_view type = block["type"].text().escaped;
    if (type == "thinking" || type == "redacted_thinking") {
      has_thought = true;
    } else if (type == "text") {
      json::append_decoded(turn.text, block["text"].text());
    } else if (type == "tool_use") {
      turn.calls.push_back(
          {block["id"].decoded(), block["name"].decoded(), std::string(block["input"].raw())});
    }
  }
  if (!has_thought || turn.calls.empty()) return std::nullopt;
  turn.blocks = std::move(blocks);
  return turn;
}

bool says_the_same(const ThoughtTurn& turn, std::string_view text,
                   const std::vector<ToolCall>& calls) {
  if (turn.text != text || turn.calls.size() != calls.size()) return false;
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (turn.calls[i].id != calls[i].id || turn.calls[i].name != calls[i].name ||
        !json::same_value(turn.calls[i].input, calls[i].input))
      return false;
  return true;
}

}  // namespace ccproxy::anthropic
