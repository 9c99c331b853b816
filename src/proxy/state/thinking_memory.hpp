// Turns that thought before they called tools, for clients whose dialect has no place for signed
// thinking: when such a client comes back with the results, the thinking goes upstream again.
// Shared by all workers, bounded in bytes and age; what was not used for longest goes first.
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

namespace ccproxy::proxy {

// Whose turns they are: the credential that was in use and the model's family, since signatures
// are bound to both, and the proxy key, since what one key's client has said is no other's to see.
struct ThinkingScope {
  std::string credential;
  std::string family;
  std::string key;  // its name; empty where none is asked for
};

// Safe from every thread.
class ThinkingMemory {
 public:
  using Turn = std::shared_ptr<const anthropic::ThoughtTurn>;

  explicit ThinkingMemory(std::size_t most_bytes) : most_(most_bytes) {}

  // Keeps a turn under the ids of its calls; another one that had one of them is forgotten. A turn
  // that is larger than all the memory is not kept.
  void keep(const ThinkingScope& scope, anthropic::ThoughtTurn turn, Clock::time_point now);

  // The turn that made the call of that id; nullptr when there is none. It is young again.
  [[nodiscard]] Turn recall(const ThinkingScope& scope, std::string_view tool_use_id,
                            Clock::time_point now);

  // The turns of that likeness, for a client that has given its calls other ids. So many of them
  // that nobody could tell which one is meant are none.
  [[nodiscard]] std::vector<Turn> alike(const ThinkingScope& scope, std::uint64_t likeness,
                                        Clock::time_point now);

  // False when there is nothing to be found for anybody of that scope.
  [[nodiscard]] bool holds(const ThinkingScope& scope) const;

  void set_most(std::size_t bytes);
  [[nodiscard]] std::size_t bytes() const;

 private:
  // What it is found by: scope and likeness as one number, and a number that it has alone.
  using Likeness = std::pair<std::uint64_t, std::uint64_t>;
  struct Entry {
    std::string scope;
    std::vector<std::string> keys;  // one for each call's id
    Likeness likeness;
    Turn turn;
    std::size_t bytes;
    Clock::time_point kept;
  };
  using Entries = std::list<Entry>;

  void forget(Entries::iterator entry);
  void make_room();

  mutable std::mutex mutex_;
  std::size_t most_;
  std::size_t bytes_ = 0;
  std::uint64_t kept_so_far_ = 0;
  Entries entries_;  // the one that was used last stands first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
  std::map<Likeness, Entries::iterator> by_likeness_;
  std::unordered_map<std::string, std::size_t> in_scope_;  // how many turns
};

}  // namespace ccproxy::proxy
