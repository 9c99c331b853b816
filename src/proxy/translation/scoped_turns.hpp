// The thinking memory as a decoder sees it: the turns of one scope.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "dialect/request/remembered_turn.hpp"
#include "proxy/state/thinking_memory.hpp"

namespace ccproxy::proxy {

class ScopedTurns final : public dialect::TurnMemory {
 public:
  // Both must outlive it.
  ScopedTurns(ThinkingMemory& memory, const ThinkingScope& scope)
      : memory_(memory), scope_(scope) {}

  [[nodiscard]] Turn by_id(std::string_view tool_use_id) const override {
    return memory_.recall(scope_, tool_use_id, Clock::now());
  }
  [[nodiscard]] std::vector<Turn> alike(std::uint64_t likeness) const override {
    return memory_.alike(scope_, likeness, Clock::now());
  }

 private:
  ThinkingMemory& memory_;
  const ThinkingScope& scope_;
};

}  // namespace ccproxy::proxy
