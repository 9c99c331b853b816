#include "proxy/state/thinking_memory.hpp"

#include <utility>

#include "base/hash.hpp"
#include "config/config.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::hours kMaxAge{1};     // since the last use
constexpr std::size_t kEntryOverhead = 448;  // bytes of an entry and its likeness, about
constexpr std::size_t kKeyOverhead = 128;    // bytes of each id that it is found by, about
constexpr std::size_t kMaxAlike = 64;

std::string name_of(const ThinkingScope& scope) {
  std::string name;
  name.reserve(scope.key.size() + scope.credential.size() + scope.family.size() + 2);
  return name.append(scope.key)
      .append(1, '\0')
      .append(scope.credential)
      .append(1, '\0')
      .append(scope.family);
}

std::string key_of(std::string scope, std::string_view tool_use_id) {
  return scope.append(1, '\0').append(tool_use_id);
}

}  // namespace

std::size_t thinking_bytes(const config::Config& config) { return config.thinking_memory_mb << 20; }

void ThinkingMemory::remember(const ThinkingScope& scope, anthropic::ThinkingTurn turn,
                              Clock::time_point now) {
  Entry entry{
      .scope = name_of(scope), .keys = {}, .likeness = {}, .turn = {}, .bytes = 0, .used = now};
  entry.bytes = turn.bytes() + entry.scope.size() + kEntryOverhead;
  for (const anthropic::ToolCall& call : turn.calls) {
    entry.keys.push_back(key_of(entry.scope, call.id));
    entry.bytes += entry.keys.back().size() + kKeyOverhead;
  }
  entry.likeness.first = hash_append(turn.likeness, entry.scope);
  entry.turn = std::make_shared<const anthropic::ThinkingTurn>(std::move(turn));
  const std::lock_guard lock(mutex_);
  for (const std::string& key : entry.keys)
    if (const auto found = by_key_.find(key); found != by_key_.end()) forget(found->second);
  if (entry.bytes > max_bytes_) return;
  entry.likeness.second = ++last_number_;
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  const auto first = entries_.begin();
  for (const std::string& key : first->keys) by_key_.emplace(key, first);
  by_likeness_.emplace(first->likeness, first);
  ++turns_of_scope_[first->scope];
  make_room();
}

ThinkingMemory::Turn ThinkingMemory::recall(const ThinkingScope& scope,
                                            std::string_view tool_use_id, Clock::time_point now) {
  const std::string key = key_of(name_of(scope), tool_use_id);
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const auto entry = found->second;
  if (now - entry->used > kMaxAge) {
    forget(entry);
    return nullptr;
  }
  entry->used = now;
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->turn;
}

std::vector<ThinkingMemory::Turn> ThinkingMemory::alike(const ThinkingScope& scope,
                                                        std::uint64_t likeness,
                                                        Clock::time_point now) {
  const std::string name = name_of(scope);
  const std::uint64_t wanted = hash_append(likeness, name);
  std::vector<Turn> turns;
  const std::lock_guard lock(mutex_);
  for (auto at = by_likeness_.lower_bound({wanted, 0});
       at != by_likeness_.end() && at->first.first == wanted;) {
    const auto entry = at++->second;
    if (now - entry->used > kMaxAge) {
      forget(entry);
    } else if (entry->scope == name) {
      if (turns.size() == kMaxAlike) return {};
      turns.push_back(entry->turn);
    }
  }
  return turns;
}

bool ThinkingMemory::holds(const ThinkingScope& scope) const {
  const std::string name = name_of(scope);
  const std::lock_guard lock(mutex_);
  return turns_of_scope_.contains(name);
}

void ThinkingMemory::set_max_bytes(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  max_bytes_ = bytes;
  make_room();
}

std::size_t ThinkingMemory::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void ThinkingMemory::forget(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  for (const std::string& key : entry->keys) by_key_.erase(key);
  by_likeness_.erase(entry->likeness);
  if (const auto count = turns_of_scope_.find(entry->scope); --count->second == 0)
    turns_of_scope_.erase(count);
  entries_.erase(entry);
}

void ThinkingMemory::make_room() {
  while (bytes_ > max_bytes_) forget(std::prev(entries_.end()));
}

}  // namespace ccproxy::proxy
