// The half of ResponsesInput that puts back what was kept: answers of responses before this one,
// and items that the input only names (translation.md B.2, B.7). Blocks go up as upstream wrote
// them, so that what stands before the new input is the same to the byte.
#include <fmt/format.h>

#include <iterator>

#include "dialect/responses_input.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {

using json::Value;

void ResponsesInput::read_past(const PastTurn& turn) {
  read_list(outlined(turn.input));
  replay(turn.answer, "");
}

// A list of JSON elements, for as long as this lives.
Value ResponsesInput::outlined(const std::string& elements) {
  json::Outline& outline = past_.emplace_back();
  const std::string_view list = made_.keep("[" + elements + "]");
  return outline.read(list) ? outline.root() : Value();
}

bool ResponsesInput::may_think_again(const PastAnswer& answer) const {
  const bool is_bound = context_.can.preserved_thinking == anthropic::PreservedThinking::kAccount;
  return answer.family == context_.can.family && (!is_bound || answer.account == context_.account);
}

void ResponsesInput::replay(const PastAnswer& answer, std::string_view key) {
  if (answer.blocks.empty()) return read_list(outlined(answer.items));
  if (!goes_on(key)) flush_results();
  if (!in_assistant_) open_calls_.clear();
  const bool may_think = may_think_again(answer);
  const Value::Range blocks = outlined(answer.blocks).children();
  for (auto at = blocks.begin(); at != blocks.end(); ++at) {
    const bool is_last = std::next(at) == blocks.end();
    replay_block(*at, may_think, answer.is_cut && is_last);
    if (!blocks_.empty()) add_said(key);
    blocks_.clear();
  }
}

void ResponsesInput::replay_block(Value block, bool may_think, bool is_cut) {
  const std::string_view type = block["type"].text().escaped;
  if (is_thought(type)) {
    if (may_think) thoughts_.push_back({.kind = Block::Kind::kThinking, .text = block.raw()});
    return;
  }
  if (type == "text" && json::is_blank(block["text"].text())) return;
  if (type != "tool_use")
    return blocks_.push_back({.kind = Block::Kind::kVerbatim, .text = block.raw()});
  if (is_cut) return;
  const std::string_view name = plain_text(block["name"], made_);
  const std::string_view client = block["id"].text().escaped;
  const std::string_view id = ids_.assign(client, {});
  open_calls_.add(client, id);
  called_.push_back(name);
  blocks_.push_back({.kind = Block::Kind::kToolUse,
                     .text = block["input"].raw(),
                     .id = id,
                     .name = name,
                     .more = more_of_call(block, made_)});
}

// Thinking that is not kept is left out: the model can do without. Anything else would be missed.
void ResponsesInput::read_reference(Value item) {
  const std::string id = item["id"].decoded();
  const PastItem* kept = kept_item(id);
  // The words of a summary are for the model to read, not what it has said.
  const bool is_summary = id.starts_with("cmp_");
  if (kept != nullptr && kept->is_output && !is_summary) return replay(kept->answer, key_of(item));
  if (kept != nullptr) {
    // All that is left of an erased item may be that somebody named it once.
    for (const Value each : outlined(kept->json).children())
      if (each["type"].text().escaped != "item_reference") return read_item(each);
  }
  if (id.starts_with("rs_")) return report_.warn("item_dropped", fmt::format("input[{}]", index_));
  report_.refuse_missing("input", fmt::format("Item with id '{}' not found.", id.substr(0, 128)));
}

void ResponsesInput::read_search(Value item) {
  if (const PastItem* kept = kept_item(item["id"].decoded()); kept != nullptr && kept->is_output)
    if (!kept->answer.blocks.empty()) replay(kept->answer, key_of(item));
}

const PastItem* ResponsesInput::kept_item(const std::string& id) const {
  if (context_.past == nullptr) return nullptr;
  const auto found = context_.past->items.find(id);
  return found == context_.past->items.end() ? nullptr : &found->second;
}

}  // namespace ccproxy::dialect
