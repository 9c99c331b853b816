#include "dialect/remembered_turn.hpp"

#include <string>
#include <string_view>

#include "json/text.hpp"

namespace ccproxy::dialect {

using json::Value;

bool restore_turn(const Recall& recall, FunctionRef<std::string()> said,
                  std::span<const Block> calls, MadeTexts& made, json::Outline& scratch,
                  std::vector<Block>& out) {
  if (calls.empty()) return false;
  const auto turn = recall(calls.front().id);
  if (!turn) return false;
  std::vector<anthropic::ToolCall> claimed;
  for (const Block& call : calls)
    claimed.push_back({std::string(call.id), std::string(call.name), std::string(call.text)});
  if (!says_the_same(*turn, said(), claimed)) return false;
  const std::string_view list = made.keep("[" + turn->blocks + "]");
  if (!scratch.read(list, 2)) return false;
  out.clear();
  auto call = calls.begin();
  for (const Value block : scratch.root().children()) {
    const std::string_view type = block["type"].text().escaped;
    if (type == "text" && json::is_blank(block["text"].text())) continue;
    if (type == "tool_use") {
      out.push_back(*call++);
      out.back().text = block["input"].raw();
      out.back().more = more_of_call(block, made);
      continue;
    }
    out.push_back({.kind = is_thought(type) ? Block::Kind::kThinking : Block::Kind::kVerbatim});
    out.back().text = block.raw();
  }
  return true;
}

}  // namespace ccproxy::dialect
