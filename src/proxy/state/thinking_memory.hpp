// Turns that thought before they called tools, for clients whose dialect has no place for signed
// thinking: when such a client comes back with the results, the thinking goes upstream again.
// Shared by all workers, bounded in bytes and age; the least recently used turn goes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "anthropic/thinking_turn.hpp"
#include "base/clock.hpp"

namespace ccproxy::config {
struct Config;
}

namespace ccproxy::proxy {

// Whose turns they are. Signatures are bound to the credential that was in use and to the family of
// the model; what one proxy key's client has said is not shown to another's.
struct ThinkingScope {
  std::string credential;
  std::string family;
  std::string key;  // name of the proxy key; empty where none is required
};

// How many bytes a ThinkingMemory may hold by this configuration.
[[nodiscard]] std::size_t thinking_bytes(const config::Config& config);

// Safe from every thread.
class ThinkingMemory {
 public:
  using Turn = std::shared_ptr<const anthropic::ThinkingTurn>;

  explicit ThinkingMemory(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Stores a turn under the ids of its calls, in place of another one that had one of them. A turn
  // that is larger than the whole memory is not stored.
  void remember(const ThinkingScope& scope, anthropic::ThinkingTurn turn, Clock::time_point now);

  // The turn that made the call of that id, which then counts as just used; nullptr when there is
  // none.
  [[nodiscard]] Turn recall(const ThinkingScope& scope, std::string_view tool_use_id,
                            Clock::time_point now);

  // The turns of that likeness, for a client that has given its calls other ids. Empty, too, when
  // there are so many of them that nobody could tell which one is meant.
  [[nodiscard]] std::vector<Turn> alike(const ThinkingScope& scope, std::uint64_t likeness,
                                        Clock::time_point now);

  // False when no turn of that scope is stored.
  [[nodiscard]] bool holds(const ThinkingScope& scope) const;

  void set_max_bytes(std::size_t bytes);
  [[nodiscard]] std::size_t bytes() const;

 private:
  // Scope and likeness as one number, and a number that makes the key unique.
  using LikenessKey = std::pair<std::uint64_t, std::uint64_t>;
  struct Entry {
    std::string scope;
    std::vector<std::string> keys;  // one for each call's id
    LikenessKey likeness;
    Turn turn;
    std::size_t bytes;
    Clock::time_point used;
  };
  using Entries = std::list<Entry>;

  // Both want the mutex locked.
  void forget(Entries::iterator entry);
  void make_room();

  mutable std::mutex mutex_;  // guards what follows
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::uint64_t last_number_ = 0;  // of a LikenessKey
  Entries entries_;                // the most recently used one first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
  std::map<LikenessKey, Entries::iterator> by_likeness_;
  std::unordered_map<std::string, std::size_t> turns_of_scope_;
};

}  // namespace ccproxy::proxy
