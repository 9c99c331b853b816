#include "dialect/request/remembered_turn.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/hash.hpp"
#include "dialect/request/reasoning_tags.hpp"
#include "dialect/request/tool_names.hpp"
#include "json/canonical.hpp"
#include "json/outline.hpp"
#include "json/text.hpp"

namespace ccproxy::dialect {
namespace {

using json::Value;
using Remembered = TurnMemory::Turn;
using Kind = Block::Kind;

bool is_call(const Block& block) { return block.kind == Kind::kToolUse; }
bool is_result(const Block& block) { return block.kind == Kind::kToolResult; }
bool is_unplaced(const Block& block) { return block.is_unplaced; }
bool has_thinking(const Remembered& turn) { return !turn->blocks.empty(); }

// True for blocks that a client may have changed. A turn with any other was stored by the client as
// upstream wrote it, and needs no restoring.
bool is_plain(const Block& block) {
  return is_call(block) || block.kind == Kind::kText || is_unplaced(block);
}

std::string text_in(std::span<const Block> blocks) {
  std::string text;
  for (const Block& block : blocks)
    if (block.kind == Kind::kText) json::append_decoded(text, {block.text});
  return text;
}

std::vector<anthropic::ToolCall> calls_in(std::span<const Block> blocks) {
  std::vector<anthropic::ToolCall> calls;
  for (const Block& block : blocks)
    if (is_call(block))
      calls.push_back({std::string(block.id), std::string(block.name), std::string(block.text)});
  return calls;
}

std::size_t count_calls(std::span<const Block> blocks) {
  return static_cast<std::size_t>(std::count_if(blocks.begin(), blocks.end(), is_call));
}

// The index of the call with that id among the turn's; nothing for a call of another turn.
std::optional<std::size_t> index_of(std::string_view id, const anthropic::ThinkingTurn& turn) {
  for (std::size_t i = 0; i < turn.calls.size(); ++i)
    if (turn.calls[i].id == id) return i;
  return std::nullopt;
}

std::uint64_t hashed_words(std::uint64_t hash, std::string_view escaped) {
  std::string text;
  json::append_decoded(text, {escaped});
  for (const char c : text)
    if (c != ' ' && (c < '\t' || c > '\r')) hash = hash_append(hash, c);
  return hash;
}

// Neither ids count, since a client that renames calls renames results, nor white space and the way
// a text is divided into parts.
std::uint64_t hashed_block(std::uint64_t hash, const Block& block) {
  switch (block.kind) {
    case Kind::kText: return hashed_words(hash, block.text);
    case Kind::kToolResult:
      hash = hashed_words(hash_append(hash, '\0'), block.text);
      for (const Block& part : block.content) hash = hashed_block(hash, part);
      return hash;
    default: return hash_append(hash, block.text);
  }
}

std::uint64_t hashed_turn(const Turn& turn) {
  const bool has_results = std::any_of(turn.blocks.begin(), turn.blocks.end(), is_result);
  std::uint64_t hash = kHashSeed;
  for (const Block& block : turn.blocks)
    if (!has_results || is_result(block)) hash = hashed_block(hash, block);
  return hash;
}

// Restores the assistant turns of one conversation (restore_turns()).
class Restoration {
 public:
  Restoration(const TurnMemory* memory, TurnForm form, Turns& turns, Report& report,
              RequestArena& arena)
      : memory_(memory),
        form_(form),
        all_(turns),
        turns_(turns.all()),
        report_(report),
        arena_(arena) {}

  void run() {
    if (memory_ != nullptr) join_split();
    for (Turn& turn : turns_) {
      if (turn.role == Role::kUser) {
        question_ = &turn;
        question_hash_.reset();
      }
      if (turn.role == Role::kAssistant) restore(turn);
    }
    if (renamed_.empty()) return;
    for (Turn& turn : turns_)
      for (Block& block : turn.blocks)
        if (const auto id = renamed_.find(block.id); is_result(block) && id != renamed_.end())
          block.id = id->second;
  }

 private:
  // Calls of a turn of the client's that are of one remembered turn.
  struct Group {
    std::size_t first, count;  // in call_indices_
    Remembered by_id;          // nullptr when no id of them is known
  };

  void join_split() {
    std::size_t end = 0;  // of the turns that have been joined
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      if (end >= 2 && is_split(turns_[end - 2], turns_[end - 1], turns_[i])) {
        append(turns_[end - 2], turns_[i]);
        if (i + 1 < turns_.size() && turns_[i + 1].role == Role::kUser)
          append(turns_[end - 1], turns_[++i]);
        continue;
      }
      if (end != i) turns_[end] = std::move(turns_[i]);
      ++end;
    }
    turns_.erase(turns_.begin() + static_cast<std::ptrdiff_t>(end), turns_.end());
  }

  static void append(Turn& turn, const Turn& more) {
    turn.blocks.insert(turn.blocks.end(), more.blocks.begin(), more.blocks.end());
  }

  // True when `next` continues the calls that `calling` has begun, and there is thinking to be put
  // back. Any other history stays as the client wrote it.
  [[nodiscard]] bool is_split(const Turn& calling, const Turn& results, const Turn& next) const {
    if (calling.role != Role::kAssistant || results.role != Role::kUser ||
        next.role != Role::kAssistant)
      return false;
    const auto last = std::find_if(calling.blocks.rbegin(), calling.blocks.rend(), is_call);
    const auto first = std::find_if(next.blocks.begin(), next.blocks.end(), is_call);
    if (last == calling.blocks.rend() || first == next.blocks.end()) return false;
    if (!std::all_of(results.blocks.begin(), results.blocks.end(), is_result)) return false;
    const Remembered turn = memory_->by_id(last->id);
    return turn && has_thinking(turn) && index_of(last->id, *turn) < index_of(first->id, *turn);
  }

  void restore(Turn& turn) {
    const std::span<const Block> blocks(turn.blocks);
    find_calls(blocks);
    if (call_indices_.empty()) return;
    if (memory_ == nullptr && std::none_of(blocks.begin(), blocks.end(), is_unplaced)) return;
    out_.clear();
    message_ = turn.message;
    std::size_t begin = 0;
    find_groups(blocks);
    for (const Group& group : groups_) {
      const std::size_t last = group.first + group.count;
      const std::size_t end =
          last == call_indices_.size() ? blocks.size() : call_indices_[last - 1] + 1;
      restore(blocks.subspan(begin, end - begin), group.by_id);
      begin = end;
    }
    copy(blocks.subspan(begin));
    turn.blocks.assign(out_.begin(), out_.end());
  }

  void find_calls(std::span<const Block> blocks) {
    call_indices_.clear();
    for (std::size_t i = 0; i < blocks.size(); ++i)
      if (is_call(blocks[i])) call_indices_.push_back(i);
  }

  // Divides the calls of the turn into groups, in order; usually there is one. Groups whose ids are
  // known are found first; the calls between two of them are one group.
  void find_groups(std::span<const Block> blocks) {
    groups_.clear();
    std::size_t open = 0;  // first call without a group
    for (std::size_t i = 0; memory_ != nullptr && i < call_indices_.size();) {
      Remembered turn = memory_->by_id(blocks[call_indices_[i]].id);
      const std::size_t index = turn ? index_of(blocks[call_indices_[i]].id, *turn).value_or(0) : 0;
      if (!turn) {
        ++i;
        continue;
      }
      const std::size_t first = i - std::min(index, i - open);
      const std::size_t count =
          std::min(i - first + turn->calls.size() - index, call_indices_.size() - first);
      if (first > open) groups_.push_back({open, first - open, nullptr});
      groups_.push_back({first, count, std::move(turn)});
      i = open = first + count;
    }
    if (open < call_indices_.size())
      groups_.push_back({open, call_indices_.size() - open, nullptr});
  }

  void restore(std::span<const Block> window, const Remembered& by_id) {
    const bool may_be_known =
        memory_ != nullptr && std::all_of(window.begin(), window.end(), is_plain);
    if (!may_be_known) return copy(window);
    const auto candidates = by_id ? std::vector<Remembered>{by_id} : alike(window);
    if (std::none_of(candidates.begin(), candidates.end(), has_thinking)) return copy(window);
    const std::vector<anthropic::ToolCall> calls = calls_in(window);
    std::span<const Block> own;  // the part of the window that is of the turn
    Remembered found;
    for (const Remembered& turn : candidates) {
      const auto fitting = fitting_part(*turn, window, calls);
      if (fitting.empty()) continue;
      if (found) return miss(window);
      found = turn;
      own = fitting;
    }
    if (!found) return miss(window);
    if (!has_thinking(found)) return copy(window);
    // It is looked up by its id as well, so that the memory knows it was used.
    if (!by_id) static_cast<void>(memory_->by_id(found->calls.front().id));
    const auto begin = static_cast<std::size_t>(own.data() - window.data());
    copy(window.first(begin));
    put_back(*found, own);
    copy(window.subspan(begin + own.size()));
  }

  [[nodiscard]] std::vector<Remembered> alike(std::span<const Block> window) {
    if (!question_hash_)
      question_hash_ = question_ != nullptr ? hashed_turn(*question_) : kHashSeed;
    anthropic::Likeness likeness(*question_hash_);
    for (const Block& block : window) {
      if (!is_call(block)) continue;
      likeness.add(block.name, block.input_hash != 0 ? block.input_hash
                                                     : json::value_hash(block.text, scratch_));
    }
    return memory_->alike(likeness.number());
  }

  // The part of the window that has the text and the calls of the turn; empty without one. A client
  // may have dropped the text. Where several messages have become one turn, only those with the
  // calls may be of the model's turn.
  [[nodiscard]] std::span<const Block> fitting_part(const anthropic::ThinkingTurn& turn,
                                                    std::span<const Block> window,
                                                    std::span<const anthropic::ToolCall> calls) {
    if (!has_same_calls(turn, calls)) return {};
    const auto fits = [&turn](std::span<const Block> part) {
      const std::string text = text_in(part);
      return has_same_text("", text) || has_same_text(turn.text, text);
    };
    if (fits(window)) return window;
    if (form_ == TurnForm::kItems) return {};
    const auto own = messages_with_calls(window);
    return own.size() < window.size() && fits(own) ? own : std::span<const Block>();
  }

  static std::span<const Block> messages_with_calls(std::span<const Block> window) {
    const auto first = std::find_if(window.begin(), window.end(), is_call);
    const auto last = std::find_if(window.rbegin(), window.rend(), is_call);
    const auto is_within = [&](const Block& block) {
      return block.message >= first->message && block.message <= last->message;
    };
    const auto begin = std::find_if(window.begin(), window.end(), is_within);
    const auto end = std::find_if_not(begin, window.end(), is_within);
    return {begin, end};
  }

  // A client that brings its own thinking along loses nothing.
  void miss(std::span<const Block> window) {
    if (std::none_of(window.begin(), window.end(), is_unplaced)) warn_dropped();
    copy(window);
  }

  void warn_dropped() { all_.warn("thinking_dropped", message_, report_); }

  // Copies what the client wrote. Unplaced thinking is dropped from a message with several calls
  // and several pieces of thinking, since only the first piece is known to have stood first.
  void copy(std::span<const Block> window) {
    while (!window.empty()) {
      const auto end = std::find_if(window.begin(), window.end(), [&](const Block& block) {
        return block.message != window.front().message;
      });
      const auto message = window.first(static_cast<std::size_t>(end - window.begin()));
      const bool is_unclear = std::count_if(message.begin(), message.end(), is_unplaced) > 1 &&
                              count_calls(message) > 1;
      if (is_unclear) warn_dropped();
      for (const Block& block : message)
        if (!(is_unclear && is_unplaced(block))) out_.push_back(block);
      window = window.subspan(message.size());
    }
  }

  // Writes the turn's own blocks, with the client's breakpoints, and with the client's thinking
  // where it has brought along all of it.
  void put_back(const anthropic::ThinkingTurn& turn, std::span<const Block> window) {
    const std::string_view list = arena_.store("[" + turn.blocks + "]");
    if (!scratch_.read(list, 2)) return copy(window);
    const Value::Range blocks = scratch_.root().children();
    const auto type_of = [](Value block) { return block["type"].text().escaped; };
    const auto thoughts = std::count_if(blocks.begin(), blocks.end(),
                                        [&](Value block) { return is_thinking(type_of(block)); });
    const bool brings_them = std::count_if(window.begin(), window.end(), is_unplaced) == thoughts;
    auto thought = std::find_if(window.begin(), window.end(), is_unplaced);
    auto call = std::find_if(window.begin(), window.end(), is_call);
    for (const Value block : blocks) {
      const std::string_view type = type_of(block);
      if (type == "text" && json::is_blank(block["text"].text())) continue;
      if (type == "tool_use") {
        put_back_call(block, *call);
        call = std::find_if(std::next(call), window.end(), is_call);
      } else if (is_thinking(type) && brings_them) {
        out_.push_back(*thought);
        thought = std::find_if(std::next(thought), window.end(), is_unplaced);
      } else {
        out_.push_back({.kind = is_thinking(type) ? Kind::kThinking : Kind::kVerbatim});
        out_.back().text = block.raw();
      }
    }
    if (!out_.empty())
      out_.back().cache_control = std::max(out_.back().cache_control, text_breakpoint(window));
  }

  // A breakpoint of the client's behind a text moves behind the turn, which has the text now.
  static CacheControl text_breakpoint(std::span<const Block> window) {
    CacheControl cache_control = CacheControl::kNone;
    for (const Block& block : window)
      if (block.kind == Kind::kText) cache_control = std::max(cache_control, block.cache_control);
    return cache_control;
  }

  void put_back_call(Value block, const Block& client_call) {
    Block call = client_call;
    call.text = block["input"].raw();
    call.input_hash = 0;
    call.content = call_members(block, arena_);
    call.id = own_id(block["id"].decoded(), client_call.id);
    out_.push_back(call);
  }

  // The id that the call had upstream, unless another call of the request has it now. The results
  // of the call are renamed with it.
  std::string_view own_id(const std::string& id, std::string_view client) {
    if (id == client || !is_tool_name(id)) return client;
    if (ids_.empty())
      for (const Turn& turn : turns_)
        for (const Block& block : turn.blocks)
          if (is_call(block)) ids_.insert(block.id);
    const std::string_view own = arena_.store(std::string_view(id));
    if (!ids_.insert(own).second) return client;
    renamed_.emplace(client, own);
    return own;
  }

  const TurnMemory* memory_;
  TurnForm form_;
  const Turns& all_;
  std::vector<Turn>& turns_;  // the same
  Report& report_;
  RequestArena& arena_;
  const Turn* question_ = nullptr;                // the user's turn before the one at hand
  std::optional<std::uint64_t> question_hash_{};  // of that, once it is needed
  // Of the assistant's turn at hand:
  std::uint32_t message_ = 0;
  std::vector<std::size_t> call_indices_;  // indices of the blocks that are calls
  std::vector<Group> groups_;
  std::vector<Block> out_;                                          // its blocks as restored
  std::unordered_set<std::string_view> ids_;                        // of all calls
  std::unordered_map<std::string_view, std::string_view> renamed_;  // from the client's id to ours
  json::Outline scratch_;
};

}  // namespace

void restore_turns(const TurnMemory* memory, TurnForm form, Turns& turns, Report& report,
                   RequestArena& arena) {
  Restoration(memory, form, turns, report, arena).run();
}

std::uint64_t question_hash(const std::vector<Turn>& turns) {
  const auto last = std::find_if(turns.rbegin(), turns.rend(),
                                 [](const Turn& turn) { return turn.role == Role::kUser; });
  return last != turns.rend() ? hashed_turn(*last) : kHashSeed;
}

}  // namespace ccproxy::dialect
