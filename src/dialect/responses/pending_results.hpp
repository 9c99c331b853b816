// The results of the assistant's last turn in a Responses input, held back until the turn has
// ended: a turn with parallel calls may come back as call, result, call, result, and all calls must
// stand before all results upstream.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "dialect/request/conversation_builder.hpp"

namespace ccproxy::dialect {

class PendingResults {
 public:
  // `conversation` must outlive the object.
  explicit PendingResults(ConversationBuilder& conversation) : conversation_(conversation) {}

  [[nodiscard]] bool empty() const { return results_.empty(); }

  void add(const Block& result) { results_.push_back(result); }
  // Adds a result that names its tool instead of its call, as one of a tool that runs beside the
  // conversation may. `tool` is the name that RequestTools knows.
  void add_for_tool(const Block& result, std::string_view tool);

  // Adds the results to the conversation as the user's turn.
  void flush();

 private:
  void match_calls();

  ConversationBuilder& conversation_;
  std::vector<Block> results_;
  std::vector<std::pair<std::size_t, std::string_view>> for_tools_;  // index in results_, tool
};

}  // namespace ccproxy::dialect
