#include "dialect/responses/pending_results.hpp"

#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "json/text.hpp"

namespace ccproxy::dialect {

void PendingResults::add_for_tool(const Block& result, std::string_view tool) {
  for_tools_.emplace_back(results_.size(), tool);
  results_.push_back(result);
}

void PendingResults::flush() {
  if (!for_tools_.empty()) match_calls();
  if (!results_.empty()) conversation_.turns().add(Role::kUser, results_.front().message, results_);
  results_.clear();
}

// A result that names a tool belongs to the tool's first call in the turn that has no other result.
// Where there is none, its id becomes the name of the tool, so that a person can read it.
void PendingResults::match_calls() {
  std::unordered_set<std::string_view> matched;
  for (const Block& result : results_) matched.insert(result.id);
  std::unordered_map<std::string_view, std::deque<std::string_view>> open;  // ids by tool
  const std::vector<Turn>& turns = conversation_.turns().all();
  if (!turns.empty() && turns.back().role == Role::kAssistant)
    for (const Block& call : turns.back().blocks)
      if (call.kind == Block::Kind::kToolUse && !matched.contains(call.id))
        open[call.name].push_back(call.id);
  for (const auto& [index, tool] : for_tools_) {
    const ClientCall call{.id = {}, .name = tool, .input = {}};
    auto calls = open.find(conversation_.tools().upstream_of_call(call, nullptr));
    if (calls == open.end()) calls = open.find(tool);
    if (calls == open.end() || calls->second.empty()) {
      std::string escaped;
      json::append_escaped(escaped, tool);
      results_[index].id = conversation_.arena().store(std::move(escaped));
      continue;
    }
    results_[index].id = calls->second.front();
    calls->second.pop_front();
  }
  for_tools_.clear();
}

}  // namespace ccproxy::dialect
