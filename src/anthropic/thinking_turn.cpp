#include "anthropic/thinking_turn.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "json/canonical.hpp"
#include "json/document.hpp"
#include "json/outline.hpp"

namespace ccproxy::anthropic {

std::size_t ThinkingTurn::bytes() const {
  std::size_t bytes = sizeof(ThinkingTurn) + blocks.size() + text.size();
  for (const ToolCall& call : calls)
    bytes += sizeof(ToolCall) + call.id.size() + call.name.size() + call.input.size();
  return bytes;
}

std::optional<ThinkingTurn> turn_with_calls(std::string blocks, std::uint64_t before) {
  std::string list;
  list.reserve(blocks.size() + 2);
  list.append("[").append(blocks).append("]");
  json::Outline outline;
  if (!outline.read(list, 2)) return std::nullopt;
  ThinkingTurn turn;
  bool has_thinking = false;
  for (const json::Value block : outline.root().children()) {
    const std::string_view type = block["type"].text().escaped;
    if (type == "thinking" || type == "redacted_thinking") {
      has_thinking = true;
    } else if (type == "text") {
      json::append_decoded(turn.text, block["text"].text());
    } else if (type == "tool_use") {
      turn.calls.push_back(
          {block["id"].decoded(), block["name"].decoded(), std::string(block["input"].raw())});
    }
  }
  if (turn.calls.empty()) return std::nullopt;
  if (has_thinking) {
    json::replace_lone_surrogates(blocks);  // the upstream would refuse them
    turn.blocks = std::move(blocks);
  }
  turn.likeness = likeness_of(before, turn.calls);
  return turn;
}

std::optional<ThinkingTurn> thinking_turn(std::string blocks, std::uint64_t before) {
  auto turn = turn_with_calls(std::move(blocks), before);
  if (!turn || turn->blocks.empty()) return std::nullopt;
  return turn;
}

std::uint64_t likeness_of(std::uint64_t before, std::span<const ToolCall> calls) {
  Likeness likeness(before);
  json::Outline scratch;
  for (const ToolCall& call : calls) likeness.add(call.name, json::value_hash(call.input, scratch));
  return likeness.number();
}

Likeness::Likeness(std::uint64_t before) : number_(hash_combine(kHashSeed, before)) {}

void Likeness::add(std::string_view name, std::uint64_t input) {
  number_ = hash_combine(hash_append(number_, name), input);
}

bool has_same_calls(const ThinkingTurn& turn, std::span<const ToolCall> calls) {
  return std::equal(turn.calls.begin(), turn.calls.end(), calls.begin(), calls.end(),
                    [](const ToolCall& ours, const ToolCall& theirs) {
                      return ours.name == theirs.name && json::same_value(ours.input, theirs.input);
                    });
}

}  // namespace ccproxy::anthropic
