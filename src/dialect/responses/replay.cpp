// The half of ResponsesInput that puts back what was kept: answers of responses before this one,
// and items that the input only names (rules B.2, B.7). Blocks go up as upstream wrote
// them, so that what stands before the new input is the same to the byte.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "dialect/responses/input.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {

using json::Value;

namespace {

// Bytes of items that a request only names, each as often as it is named.
constexpr std::size_t kMaxNamed = std::size_t{64} << 20;

}  // namespace

void ResponsesInput::read_history(const HistoryTurn& turn) {
  response_ = turns_.add_response(turn.id);
  report_.enter_response(turn.id);
  read_list(outlined(turn.input));
  replay(turn.answer, "", turn.answer.is_cut);
  report_.leave_response();
  response_.reset();
}

// A list of JSON elements, for as long as this lives.
Value ResponsesInput::outlined(const std::string& elements) {
  json::Outline& outline = history_.emplace_back();
  const std::string_view list = arena_.keep("[" + elements + "]");
  if (outline.read(list, json::Outline::kListed, json::Outline::kMaxKeptDepth))
    return outline.root();
  report_.warn("item_dropped", "input");
  return {};
}

// What was kept says something itself: a name in it is not followed, so that rows which name
// themselves or each other have an end. False when it says nothing.
bool ResponsesInput::read_kept(const std::string& elements) {
  bool has_said = false;
  const CacheControl of_reference = cache_control_;
  for (const Value element : outlined(elements).children()) {
    const Item item(element);
    if (item.is_reference()) continue;
    has_said = true;
    cache_control_ = std::max(of_reference, item.cache_control());
    read_item(item);
    blocks_.clear();
    if (report_.refused()) break;
  }
  return has_said;
}

bool ResponsesInput::may_think_again(const StoredOutput& answer) const {
  const bool is_bound = context_.can.preserved_thinking == anthropic::PreservedThinking::kAccount;
  return answer.family == context_.can.family && (!is_bound || answer.account == context_.account);
}

void ResponsesInput::replay(const StoredOutput& answer, std::string_view key, bool is_cut) {
  if (answer.blocks.empty()) {
    read_kept(answer.items);
    return;
  }
  if (!goes_on(key)) flush_results();
  if (!in_assistant_) open_calls_.clear();
  const bool may_think = may_think_again(answer);
  const CacheControl of_reference = std::exchange(cache_control_, CacheControl::kNone);
  const Value::Range blocks = outlined(answer.blocks).children();
  for (auto at = blocks.begin(); at != blocks.end(); ++at) {
    const bool is_last = std::next(at) == blocks.end();
    replay_block(*at, may_think, is_cut && is_last);
    if (is_last) cache_control_ = of_reference;
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
  const std::string_view name = plain_text(block["name"], arena_);
  ClientCall call{.id = block["id"].text().escaped, .name = name, .input = {block["input"].raw()}};
  if (open_calls_.has(call)) return;
  const std::string_view id = ids_.assign(call.id, {});
  open_calls_.add(call, id);
  called_.push_back(name);
  blocks_.push_back({.kind = Block::Kind::kToolUse,
                     .message = message(),
                     .text = call.input.json,
                     .id = id,
                     .name = name,
                     .content = call_members(block, arena_),
                     .meaning = call.input.meaning});
}

// Thinking that is not kept is left out: the model can do without. Anything else would be missed.
void ResponsesInput::read_reference(const Item& item) {
  const std::string id = item.id.decoded();
  const StoredInputItem* kept = kept_item(id);
  // The words of a summary are for the model to read, not what it has said.
  const bool is_summary = id.starts_with("cmp_");
  if (kept != nullptr && !has_room_for(*kept)) return;
  if (kept != nullptr && kept->is_output && !is_summary && !kept->answer.blocks.empty())
    return replay(kept->answer, key_of(item), is_cut(*kept));
  // All that is left of an erased item may be that somebody named it once.
  if (kept != nullptr && read_kept(kept->json)) return;
  if (id.starts_with("rs_"))
    return report_.warn("item_dropped", [&] { return element_param("input", index_); });
  report_.refuse_missing("input", fmt::format("Item with id '{}' not found.", id.substr(0, 128)));
}

void ResponsesInput::read_search(const Item& item) {
  const StoredInputItem* kept = kept_item(item.id.decoded());
  if (kept == nullptr || !kept->is_output || kept->answer.blocks.empty()) return;
  if (has_room_for(*kept)) replay(kept->answer, key_of(item), false);
}

bool ResponsesInput::is_cut(const StoredInputItem& kept) {
  const Value::Range items = outlined(kept.json).children();
  return std::any_of(items.begin(), items.end(),
                     [](Value item) { return item["status"].text().escaped == "incomplete"; });
}

// A short input can name a long item many times.
bool ResponsesInput::has_room_for(const StoredInputItem& item) {
  named_ += item.json.size() + item.answer.blocks.size();
  if (named_ <= kMaxNamed) return true;
  report_.refuse("input", "invalid_value",
                 fmt::format("The items that the input names have more than {} MiB together.",
                             kMaxNamed >> 20U));
  return false;
}

const StoredInputItem* ResponsesInput::kept_item(const std::string& id) const {
  if (context_.history == nullptr) return nullptr;
  const auto found = context_.history->items.find(id);
  return found == context_.history->items.end() ? nullptr : &found->second;
}

}  // namespace ccproxy::dialect
