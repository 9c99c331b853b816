#include "proxy/thinking_memory.hpp"

#include <utility>

namespace ccproxy::proxy {
namespace {

constexpr std::chrono::hours kLongest{1};
constexpr std::size_t kOverhead = 256;  // of an entry, about

std::string key_of(const ThinkingScope& scope, std::string_view tool_use_id) {
  std::string key;
  key.reserve(scope.key.size() + scope.credential.size() + scope.family.size() +
              tool_use_id.size() + 3);
  return key.append(scope.key)
      .append(1, '\0')
      .append(scope.credential)
      .append(1, '\0')
      .append(scope.family)
      .append(1, '\0')
      .append(tool_use_id);
}

}  // namespace

void ThinkingMemory::keep(const ThinkingScope& scope, anthropic::ThoughtTurn turn,
                          Clock::time_point now) {
  std::string key = key_of(scope, turn.calls.front().id);
  const std::size_t bytes = turn.bytes() + key.size() + kOverhead;
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) forget(found->second);
  if (bytes > most_) return;
  entries_.push_front({std::move(key),
                       std::make_shared<const anthropic::ThoughtTurn>(std::move(turn)), bytes,
                       now});
  by_key_.emplace(entries_.front().key, entries_.begin());
  bytes_ += bytes;
  make_room();
}

std::shared_ptr<const anthropic::ThoughtTurn> ThinkingMemory::recall(const ThinkingScope& scope,
                                                                     std::string_view tool_use_id,
                                                                     Clock::time_point now) {
  const std::string key = key_of(scope, tool_use_id);
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const auto entry = found->second;
  if (now - entry->kept > kLongest) {
    forget(entry);
    return nullptr;
  }
  entry->kept = now;
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->turn;
}

void ThinkingMemory::set_most(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  most_ = bytes;
  make_room();
}

std::size_t ThinkingMemory::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void ThinkingMemory::forget(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

void ThinkingMemory::make_room() {
  while (bytes_ > most_) forget(std::prev(entries_.end()));
}

}  // namespace ccproxy::proxy
