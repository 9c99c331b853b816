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
bool floats(const Block& block) { return block.floats; }
bool has_thought(const Remembered& turn) { return !turn->blocks.empty(); }

// What a client's version of a turn is made of; anything else was kept as it was.
bool is_plain(const Block& block) {
  return is_call(block) || block.kind == Kind::kText || floats(block);
}

std::string said_in(std::span<const Block> blocks) {
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

// Where in the turn the call of that id stands; nothing where it is none of the turn's.
std::optional<std::size_t> place_of(std::string_view id, const anthropic::ThoughtTurn& turn) {
  for (std::size_t i = 0; i < turn.calls.size(); ++i)
    if (turn.calls[i].id == id) return i;
  return std::nullopt;
}

std::uint64_t hashed_words(std::uint64_t hash, std::string_view escaped) {
  std::string text;
  json::append_decoded(text, {escaped});
  for (const char c : text)
    if (c != ' ' && (c < '\t' || c > '\r')) hash = hashed(hash, c);
  return hash;
}

// Ids do not count, since a client that renames calls renames results; nor does how a text is cut
// into parts.
std::uint64_t hashed_block(std::uint64_t hash, const Block& block) {
  switch (block.kind) {
    case Kind::kText: return hashed_words(hash, block.text);
    case Kind::kToolResult:
      hash = hashed_words(hashed(hash, '\0'), block.text);
      for (const Block& part : block.content) hash = hashed_block(hash, part);
      return hash;
    default: return hashed(hash, block.text);
  }
}

std::uint64_t hashed_turn(const Turn& turn) {
  const bool answers = std::any_of(turn.blocks.begin(), turn.blocks.end(), is_result);
  std::uint64_t hash = kHashStart;
  for (const Block& block : turn.blocks)
    if (!answers || is_result(block)) hash = hashed_block(hash, block);
  return hash;
}

class Restoration {
 public:
  Restoration(const TurnMemory* memory, Telling telling, Turns& turns, Report& report,
              RequestArena& arena)
      : memory_(memory),
        telling_(telling),
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
  // Calls of a turn that belong together, and what they may be: a place in its list of calls.
  struct Group {
    std::size_t first, count;
    Remembered by_id;
  };

  void join_split() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < turns_.size(); ++i) {
      if (kept >= 2 && is_split(turns_[kept - 2], turns_[kept - 1], turns_[i])) {
        append(turns_[kept - 2], turns_[i]);
        if (i + 1 < turns_.size() && turns_[i + 1].role == Role::kUser)
          append(turns_[kept - 1], turns_[++i]);
        continue;
      }
      if (kept != i) turns_[kept] = std::move(turns_[i]);
      ++kept;
    }
    turns_.erase(turns_.begin() + static_cast<std::ptrdiff_t>(kept), turns_.end());
  }

  static void append(Turn& turn, const Turn& more) {
    turn.blocks.insert(turn.blocks.end(), more.blocks.begin(), more.blocks.end());
  }

  // True when `next` only goes on with the calls that `asking` has begun, and there is thinking to
  // be put back: any other history stays as the client tells it.
  [[nodiscard]] bool is_split(const Turn& asking, const Turn& results, const Turn& next) const {
    if (asking.role != Role::kAssistant || results.role != Role::kUser ||
        next.role != Role::kAssistant)
      return false;
    const auto last = std::find_if(asking.blocks.rbegin(), asking.blocks.rend(), is_call);
    const auto first = std::find_if(next.blocks.begin(), next.blocks.end(), is_call);
    if (last == asking.blocks.rend() || first == next.blocks.end()) return false;
    if (!std::all_of(results.blocks.begin(), results.blocks.end(), is_result)) return false;
    const Remembered turn = memory_->by_id(last->id);
    return turn && has_thought(turn) && place_of(last->id, *turn) < place_of(first->id, *turn);
  }

  void restore(Turn& turn) {
    const std::span<const Block> blocks(turn.blocks);
    find_calls(blocks);
    if (places_.empty()) return;
    if (memory_ == nullptr && std::none_of(blocks.begin(), blocks.end(), floats)) return;
    out_.clear();
    message_ = turn.message;
    std::size_t begin = 0;
    find_groups(blocks);
    for (const Group& group : groups_) {
      const std::size_t last = group.first + group.count;
      const std::size_t end = last == places_.size() ? blocks.size() : places_[last - 1] + 1;
      restore(blocks.subspan(begin, end - begin), group.by_id);
      begin = end;
    }
    keep(blocks.subspan(begin));
    turn.blocks.assign(out_.begin(), out_.end());
  }

  void find_calls(std::span<const Block> blocks) {
    places_.clear();
    for (std::size_t i = 0; i < blocks.size(); ++i)
      if (is_call(blocks[i])) places_.push_back(i);
  }

  // In order, all calls of the turn: usually it is one group. What is known by its ids is found
  // first, and what is left between is one group each.
  void find_groups(std::span<const Block> blocks) {
    groups_.clear();
    std::size_t open = 0;  // the first call that is in no group yet
    for (std::size_t i = 0; memory_ != nullptr && i < places_.size();) {
      Remembered turn = memory_->by_id(blocks[places_[i]].id);
      const std::size_t place = turn ? place_of(blocks[places_[i]].id, *turn).value_or(0) : 0;
      if (!turn) {
        ++i;
        continue;
      }
      const std::size_t first = i - std::min(place, i - open);
      const std::size_t count =
          std::min(i - first + turn->calls.size() - place, places_.size() - first);
      if (first > open) groups_.push_back({open, first - open, nullptr});
      groups_.push_back({first, count, std::move(turn)});
      i = open = first + count;
    }
    if (open < places_.size()) groups_.push_back({open, places_.size() - open, nullptr});
  }

  void restore(std::span<const Block> window, const Remembered& by_id) {
    const bool may_be_known =
        memory_ != nullptr && std::all_of(window.begin(), window.end(), is_plain);
    if (!may_be_known) return keep(window);
    const auto candidates = by_id ? std::vector<Remembered>{by_id} : alike(window);
    if (std::none_of(candidates.begin(), candidates.end(), has_thought)) return keep(window);
    const std::vector<anthropic::ToolCall> calls = calls_in(window);
    std::span<const Block> own;  // what of the window the turn stands for
    Remembered found;
    for (const Remembered& turn : candidates) {
      const auto fitting = fitting_part(*turn, window, calls);
      if (fitting.empty()) continue;
      if (found) return miss(window);
      found = turn;
      own = fitting;
    }
    if (!found) return miss(window);
    if (!has_thought(found)) return keep(window);
    if (!by_id) (void)memory_->by_id(found->calls.front().id);  // it was used
    const auto begin = static_cast<std::size_t>(own.data() - window.data());
    keep(window.first(begin));
    put_back(*found, own);
    keep(window.subspan(begin + own.size()));
  }

  [[nodiscard]] std::vector<Remembered> alike(std::span<const Block> window) {
    if (!question_hash_)
      question_hash_ = question_ != nullptr ? hashed_turn(*question_) : kHashStart;
    anthropic::Likeness likeness(*question_hash_);
    for (const Block& block : window) {
      if (!is_call(block)) continue;
      likeness.add(block.name,
                   block.meaning != 0 ? block.meaning : json::value_hash(block.text, scratch_));
    }
    return memory_->alike(likeness.number());
  }

  // The part of the window that says and does the same as the turn; empty without one. A text that
  // is missing is a text that the client has dropped. Of several messages that have become one turn
  // only those with the calls may be of the model's turn.
  [[nodiscard]] std::span<const Block> fitting_part(const anthropic::ThoughtTurn& turn,
                                                    std::span<const Block> window,
                                                    std::span<const anthropic::ToolCall> calls) {
    if (!calls_the_same(turn, calls)) return {};
    const auto fits = [&turn](std::span<const Block> part) {
      const std::string told = said_in(part);
      return says_the_same("", told) || says_the_same(turn.text, told);
    };
    if (fits(window)) return window;
    if (telling_ == Telling::kInItems) return {};
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

  // Who brings its own thinking along misses nothing.
  void miss(std::span<const Block> window) {
    if (std::none_of(window.begin(), window.end(), floats)) emit_dropped();
    keep(window);
  }

  void emit_dropped() { all_.warn("thinking_dropped", message_, report_); }

  // As the client tells it. Of thinking without a place only what must have stood first stays: each
  // message is looked at by itself.
  void keep(std::span<const Block> window) {
    while (!window.empty()) {
      const auto end = std::find_if(window.begin(), window.end(), [&](const Block& block) {
        return block.message != window.front().message;
      });
      const auto message = window.first(static_cast<std::size_t>(end - window.begin()));
      const bool is_unclear =
          std::count_if(message.begin(), message.end(), floats) > 1 && count_calls(message) > 1;
      if (is_unclear) emit_dropped();
      for (const Block& block : message)
        if (!(is_unclear && floats(block))) out_.push_back(block);
      window = window.subspan(message.size());
    }
  }

  // The turn's own blocks, but for what is the client's to say: breakpoints, and thinking that it
  // has brought along.
  void put_back(const anthropic::ThoughtTurn& turn, std::span<const Block> window) {
    const std::string_view list = arena_.keep("[" + turn.blocks + "]");
    if (!scratch_.read(list, 2)) return keep(window);
    const Value::Range blocks = scratch_.root().children();
    const auto type_of = [](Value block) { return block["type"].text().escaped; };
    const auto thoughts = std::count_if(blocks.begin(), blocks.end(),
                                        [&](Value block) { return is_thought(type_of(block)); });
    const bool brings_them = std::count_if(window.begin(), window.end(), floats) == thoughts;
    auto thought = std::find_if(window.begin(), window.end(), floats);
    auto call = std::find_if(window.begin(), window.end(), is_call);
    for (const Value block : blocks) {
      const std::string_view type = type_of(block);
      if (type == "text" && json::is_blank(block["text"].text())) continue;
      if (type == "tool_use") {
        put_back_call(block, *call);
        call = std::find_if(std::next(call), window.end(), is_call);
      } else if (is_thought(type) && brings_them) {
        out_.push_back(*thought);
        thought = std::find_if(std::next(thought), window.end(), floats);
      } else {
        out_.push_back({.kind = is_thought(type) ? Kind::kThinking : Kind::kVerbatim});
        out_.back().text = block.raw();
      }
    }
    if (!out_.empty())
      out_.back().cache_control = std::max(out_.back().cache_control, mark_of_text(window));
  }

  // A breakpoint of the client's behind a text counts behind the turn that has the text now.
  static CacheControl mark_of_text(std::span<const Block> window) {
    CacheControl cache_control = CacheControl::kNone;
    for (const Block& block : window)
      if (block.kind == Kind::kText) cache_control = std::max(cache_control, block.cache_control);
    return cache_control;
  }

  void put_back_call(Value block, const Block& told) {
    Block call = told;
    call.text = block["input"].raw();
    call.meaning = 0;
    call.content = call_members(block, arena_);
    call.id = own_id(block["id"].decoded(), told.id);
    out_.push_back(call);
  }

  // The id that the call had, unless another call of the request has it now. Results go with it.
  std::string_view own_id(const std::string& id, std::string_view told) {
    if (id == told || !is_tool_name(id)) return told;
    if (ids_.empty())
      for (const Turn& turn : turns_)
        for (const Block& block : turn.blocks)
          if (is_call(block)) ids_.insert(block.id);
    const std::string_view own = arena_.keep(std::string_view(id));
    if (!ids_.insert(own).second) return told;
    renamed_.emplace(told, own);
    return own;
  }

  const TurnMemory* memory_;
  Telling telling_;
  const Turns& all_;
  std::vector<Turn>& turns_;  // the same
  Report& report_;
  RequestArena& arena_;
  const Turn* question_ = nullptr;                // what the turn at hand has answered
  std::optional<std::uint64_t> question_hash_{};  // of that, when it was asked for
  std::uint32_t message_ = 0;                     // where it stands
  std::vector<std::size_t> places_;               // of its calls
  std::vector<Group> groups_;                     // of them
  std::vector<Block> out_;                        // what becomes of it
  std::unordered_set<std::string_view> ids_;      // of all calls
  std::unordered_map<std::string_view, std::string_view> renamed_;  // the client's to ours
  json::Outline scratch_;
};

}  // namespace

void restore_turns(const TurnMemory* memory, Telling telling, Turns& turns, Report& report,
                   RequestArena& arena) {
  Restoration(memory, telling, turns, report, arena).run();
}

std::uint64_t what_is_answered(const std::vector<Turn>& turns) {
  const auto last = std::find_if(turns.rbegin(), turns.rend(),
                                 [](const Turn& turn) { return turn.role == Role::kUser; });
  return last != turns.rend() ? hashed_turn(*last) : kHashStart;
}

}  // namespace ccproxy::dialect
