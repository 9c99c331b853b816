// Turns that thought before they called tools, for clients whose dialect has no place for signed
// thinking: when such a client comes back with the results, the thinking goes upstream again.
// Shared by all workers, bounded in bytes and age; what was not used for longest goes first.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "anthropic/thought_turn.hpp"
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
  explicit ThinkingMemory(std::size_t most_bytes) : most_(most_bytes) {}

  // Keeps a turn under its first call; it must have one. A turn that is larger than all the memory
  // is not kept.
  void keep(const ThinkingScope& scope, anthropic::ThoughtTurn turn, Clock::time_point now);

  // The turn whose first call had that id; nullptr when there is none.
  [[nodiscard]] std::shared_ptr<const anthropic::ThoughtTurn> recall(const ThinkingScope& scope,
                                                                     std::string_view tool_use_id,
                                                                     Clock::time_point now);

  void set_most(std::size_t bytes);
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const anthropic::ThoughtTurn> turn;
    std::size_t bytes;
    Clock::time_point kept;
  };
  using Entries = std::list<Entry>;

  void forget(Entries::iterator entry);
  void make_room();

  mutable std::mutex mutex_;
  std::size_t most_;
  std::size_t bytes_ = 0;
  Entries entries_;  // the one that was used last stands first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
};

}  // namespace ccproxy::proxy
