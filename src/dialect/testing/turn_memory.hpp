// A memory of turns for tests.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dialect/request/remembered_turn.hpp"

namespace ccproxy::dialect::test {

class TurnsInMemory final : public TurnMemory {
 public:
  void remember(anthropic::ThinkingTurn turn) {
    const auto shared = std::make_shared<const anthropic::ThinkingTurn>(std::move(turn));
    for (const anthropic::ToolCall& call : shared->calls) by_id_[call.id] = shared;
    by_likeness_.emplace(shared->likeness, shared);
  }

  [[nodiscard]] Turn by_id(std::string_view tool_use_id) const override {
    const auto found = by_id_.find(tool_use_id);
    return found == by_id_.end() ? nullptr : found->second;
  }

  [[nodiscard]] std::vector<Turn> alike(std::uint64_t likeness) const override {
    std::vector<Turn> turns;
    const auto [first, last] = by_likeness_.equal_range(likeness);
    for (auto at = first; at != last; ++at) turns.push_back(at->second);
    return turns;
  }

 private:
  std::map<std::string, Turn, std::less<>> by_id_;
  std::multimap<std::uint64_t, Turn> by_likeness_;
};

}  // namespace ccproxy::dialect::test
