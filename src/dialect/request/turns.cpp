#include "dialect/request/turns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>
#include <utility>

#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::string_view kStart = "(conversation start)";
constexpr std::string_view kContinue = "Continue.";
// Messages of earlier responses have numbers from here on; no request has as many messages.
constexpr std::uint32_t kFirstResponse = 1U << 31U;
constexpr std::string_view kNoResult = "No result was provided for this tool call.";

Block text_block(std::string_view text) { return {.kind = Block::Kind::kText, .text = text}; }

bool is_result(const Block& block) { return block.kind == Block::Kind::kToolResult; }
bool is_call(const Block& block) { return block.kind == Block::Kind::kToolUse; }

bool calls_tools(const Turn& turn) {
  return turn.role == Role::kAssistant &&
         std::any_of(turn.blocks.begin(), turn.blocks.end(), is_call);
}

// Appends the content of a result: one that came as a string is one text.
void append_content(std::vector<Block>& out, const Block& result) {
  if (!result.text.empty()) out.push_back(text_block(result.text));
  out.insert(out.end(), result.content.begin(), result.content.end());
}

// The block without its breakpoint.
std::string json_of(Block block) {
  block.cache_control = CacheControl::kNone;
  std::string json;
  append_block(json, block);
  return json;
}

// The results of a turn by the id of their call.
class ResultsById {
 public:
  ResultsById(std::span<Block> blocks, RequestArena& arena) : arena_(arena) {
    for (Block& block : blocks)
      if (is_result(block)) by_id_.emplace_back(block.id, &block);
    std::stable_sort(by_id_.begin(), by_id_.end(),
                     [](const Entry& a, const Entry& b) { return a.first < b.first; });
  }

  // All results of one call, as one; without an id when there is none. Results that are taken lose
  // their id.
  Block take(std::string_view id) {
    const auto first = std::lower_bound(
        by_id_.begin(), by_id_.end(), id,
        [](const Entry& entry, std::string_view wanted) { return entry.first < wanted; });
    const auto last =
        std::find_if(first, by_id_.end(), [&](const Entry& entry) { return entry.first != id; });
    if (first == last) return {.id = {}};
    const Block merged = last - first == 1 ? *first->second : merge({first, last});
    for (auto entry = first; entry != last; ++entry) entry->second->id = {};
    return merged;
  }

 private:
  using Entry = std::pair<std::string_view, Block*>;

  Block merge(std::span<const Entry> entries) {
    Block merged = *entries.front().second;
    std::vector<Block> content;
    std::unordered_set<std::string> seen;
    for (const auto& [id, block] : entries) {
      merged.is_error = merged.is_error || block->is_error;
      merged.cache_control = std::max(merged.cache_control, block->cache_control);
      if (seen.insert(json_of(*block)).second) append_content(content, *block);
    }
    if (seen.size() == 1) return merged;  // the client has repeated it, as it may repeat calls
    merged.text = {};
    merged.content = arena_.store(content);
    return merged;
  }

  RequestArena& arena_;
  std::vector<Entry> by_id_;
};

// Upstream refuses a prefill that ends in white space.
void trim_end(Block& block, RequestArena& arena) {
  std::string plain;
  json::append_decoded(plain, {block.text});
  const auto last = plain.find_last_not_of(" \t\r\n\f\v");
  if (last == std::string::npos || last + 1 == plain.size()) return;
  std::string escaped;
  json::append_escaped(escaped, std::string_view(plain).substr(0, last + 1));
  block.text = arena.store(std::move(escaped));
}

}  // namespace

std::uint32_t Turns::add_response(std::string_view id) {
  responses_.push_back(id);
  return kFirstResponse + static_cast<std::uint32_t>(responses_.size() - 1);
}

void Turns::warn(std::string_view token, std::uint32_t message, Report& report) const {
  if (message < kFirstResponse)
    return report.warn(token, [&] { return element_param(list_, message); });
  report.enter_response(responses_[message - kFirstResponse]);
  report.warn(token, "previous_response_id");
  report.leave_response();
}

void Turns::add(Role role, std::uint32_t message, std::span<const Block> blocks) {
  if (blocks.empty()) return;
  const bool continues = !turns_.empty() && turns_.back().role == role;
  auto& all = continues ? turns_.back().blocks : begin(role, message).blocks;
  all.insert(all.end(), blocks.begin(), blocks.end());
}

Turn& Turns::begin(Role role, std::uint32_t message) {
  return turns_.emplace_back(Turn{role, message, std::pmr::vector<Block>(arena_.memory())});
}

void Turns::join() {
  for (const Turn& turn : std::exchange(turns_, {})) add(turn.role, turn.message, turn.blocks);
}

void Turns::place_system(bool may_stay) {
  const bool is_needed = std::any_of(turns_.begin(), turns_.end(),
                                     [](const Turn& turn) { return turn.role == Role::kSystem; });
  if (!is_needed) return;
  std::vector<Turn> turns = std::exchange(turns_, {});
  for (std::size_t i = 0; i < turns.size(); ++i) {
    Turn& turn = turns[i];
    const bool is_allowed_here = !turns_.empty() && turns_.back().role == Role::kUser &&
                                 (i + 1 == turns.size() || turns[i + 1].role == Role::kAssistant);
    if (turn.role == Role::kSystem && !(may_stay && is_allowed_here)) {
      turn.role = Role::kUser;
      for (Block& block : turn.blocks)
        block.text =
            arena_.store(fmt::format("<system-reminder>\\n{}\\n</system-reminder>", block.text));
    }
    add(turn.role, turn.message, turn.blocks);
  }
}

// A result without a call becomes text of the user.
void Turns::append_orphan(const Block& result, std::vector<Block>& out, Report& report) {
  warn("result_orphan", result.message, report);
  std::vector<Block> content;
  append_content(content, result);
  std::string text = fmt::format("[result of earlier tool call {}]", result.id);
  auto rest = content.begin();
  if (rest != content.end() && rest->kind == Block::Kind::kText)
    text.append("\\n").append((rest++)->text);
  Block header = text_block(arena_.store(std::move(text)));
  header.cache_control = result.cache_control;
  out.push_back(header);
  out.insert(out.end(), rest, content.end());
}

void Turns::append_results(Turn& results, std::vector<Block>& out, Report& report) {
  const Turn& calling = turns_.back();
  ResultsById by_id(results.blocks, arena_);
  for (const Block& call : calling.blocks) {
    if (!is_call(call)) continue;
    Block result = by_id.take(call.id);
    if (result.id.empty()) {
      warn("result_missing", call.message, report);
      result = {.kind = Block::Kind::kToolResult, .is_error = true, .text = kNoResult};
      result.id = call.id;
    }
    out.push_back(result);
  }
}

// True when the turn begins with the results of the one before it, in the order of the calls, and
// has no others: the usual case, in which nothing needs to be moved.
bool Turns::is_paired(std::size_t index) const {
  const auto& blocks = turns_[index].blocks;
  auto result = blocks.begin();
  if (index > 0 && turns_[index - 1].role == Role::kAssistant)
    for (const Block& call : turns_[index - 1].blocks) {
      if (!is_call(call)) continue;
      if (result == blocks.end() || !is_result(*result) || result->id != call.id) return false;
      ++result;
    }
  return std::none_of(result, blocks.end(), is_result);
}

void Turns::pair_results(Report& report) {
  if (!turns_.empty() && calls_tools(turns_.back())) turns_.push_back({});
  std::size_t index = 0;
  while (index < turns_.size() && is_paired(index)) ++index;
  if (index == turns_.size()) return;
  for (Turn& turn : std::exchange(turns_, {})) {
    std::vector<Block> blocks;
    if (!turns_.empty() && turn.role == Role::kUser && calls_tools(turns_.back()))
      append_results(turn, blocks, report);
    for (const Block& block : turn.blocks) {
      if (!is_result(block))
        blocks.push_back(block);
      else if (!block.id.empty())
        append_orphan(block, blocks, report);
    }
    add(turn.role, turn.message, blocks);
  }
}

void Turns::complete_ends(bool may_prefill) {
  if (!turns_.empty() && turns_.front().role == Role::kAssistant)
    turns_.insert(turns_.begin(), Turn{Role::kUser, 0, {text_block(kStart)}});
  if (turns_.empty() || turns_.back().role != Role::kAssistant) return;
  if (!may_prefill) {
    const Block text = text_block(kContinue);
    add(Role::kUser, turns_.back().message, {&text, 1});
    return;
  }
  Block& last = turns_.back().blocks.back();
  if (last.kind == Block::Kind::kText) trim_end(last, arena_);
}

bool Turns::last_call_lacks_thinking() const {
  const auto last = std::find_if(turns_.rbegin(), turns_.rend(),
                                 [](const Turn& turn) { return turn.role == Role::kAssistant; });
  return last != turns_.rend() && calls_tools(*last) &&
         last->blocks.front().kind != Block::Kind::kThinking;
}

}  // namespace ccproxy::dialect
