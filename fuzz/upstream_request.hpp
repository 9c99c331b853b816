// What the Messages API refuses whatever the model: a request that goes upstream must not have it.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "dialect/request/tool_names.hpp"
#include "json/outline.hpp"

namespace ccproxy::fuzz {

// Checks that the text is JSON. The arguments of a call are JSON inside of it, so a body may nest
// deeper than an outline reads.
inline std::string fault_of_json(std::string_view text) {
  json::Outline outline;
  const auto read = outline.read(text);
  if (read || read.error().message.find("nests deeper") != std::string::npos) return "";
  return "not JSON: " + read.error().message;
}

// Checks the order of messages: which roles they have, and that the results of calls follow at
// once.
class TurnRules {
 public:
  [[nodiscard]] std::string fault_of(const json::Value& messages) {
    for (const json::Value message : messages.children()) {
      std::string fault = fault_of_turn(message);
      if (!fault.empty()) return fault;
    }
    if (is_first_) return "no messages";
    return calls_.empty() ? "" : "a call without its result at the end";
  }

 private:
  using Texts = std::set<std::string, std::less<>>;

  std::string fault_of_turn(const json::Value& message) {
    const std::string role = message["role"].decoded();
    if (role != "user" && role != "assistant" && role != "system") return "no such role: " + role;
    if (is_first_ && role != "user") return "the first turn is not the user's";
    is_first_ = false;
    if (message["content"].children().empty()) return "a turn without content";
    results_.clear();
    Texts calls;
    for (const json::Value block : message["content"].children()) {
      std::string fault = fault_of_block(block, role, calls);
      if (!fault.empty()) return fault;
    }
    if (!calls_.empty()) return "a call without its result: " + *calls_.begin();
    calls_ = std::move(calls);
    return "";
  }

  std::string fault_of_block(const json::Value& block, std::string_view role, Texts& calls) {
    const std::string type = block["type"].decoded();
    if (type == "text" && json::is_blank(block["text"].text())) return "a text that is blank";
    if (type == "tool_use") {
      const std::string id = block["id"].decoded();
      if (role != "assistant") return "a call that is not the assistant's";
      if (!dialect::is_tool_name(block["name"].decoded())) return "a bad name of a tool";
      if (!is_id(id)) return "a bad id of a call: " + id;
      if (!block["input"].is_object()) return "an input that is no object";
      if (!seen_.insert(id).second) return "the id of a call twice: " + id;
      calls.insert(id);
    }
    if (type != "tool_result") return "";
    const std::string id = block["tool_use_id"].decoded();
    if (role != "user") return "a result that is not the user's";
    if (!results_.insert(id).second) return "two results of one call: " + id;
    return calls_.erase(id) == 1 ? "" : "a result without its call: " + id;
  }

  static bool is_id(std::string_view id) {
    return !id.empty() && id.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789_-") == std::string_view::npos;
  }

  bool is_first_ = true;
  Texts calls_;    // of the turn before, as far as their results are missing
  Texts results_;  // of this turn
  Texts seen_;
};

inline std::string fault_of_tools(const json::Value& tools) {
  std::set<std::string> names;
  for (const json::Value tool : tools.children()) {
    const std::string name = tool["name"].decoded();
    const bool is_hosted = !tool["type"].is_absent();  // the client chooses its name
    if (!is_hosted && !dialect::is_tool_name(name)) return "a bad name of a tool: " + name;
    if (!names.insert(name).second) return "two tools of one name: " + name;
  }
  return "";
}

inline unsigned cache_breakpoints(const json::Value& blocks) {
  unsigned breakpoints = 0;
  for (const json::Value block : blocks.children())
    breakpoints +=
        (block["cache_control"].is_object() ? 1U : 0U) + cache_breakpoints(block["content"]);
  return breakpoints;
}

inline std::string fault_of_cache_breakpoints(const json::Value& root) {
  constexpr unsigned kMaxBreakpoints = 4;
  const unsigned breakpoints =
      cache_breakpoints(root["tools"]) + cache_breakpoints(root["system"]) +
      cache_breakpoints(root["messages"]) + (root["cache_control"].is_object() ? 1U : 0U);
  return breakpoints <= kMaxBreakpoints ? "" : "more than four cache breakpoints";
}

inline std::string fault_of_upstream_request(std::string_view body, std::int64_t min_tokens = 1) {
  if (std::string fault = fault_of_json(body); !fault.empty()) return fault;
  json::Outline outline;
  if (!outline.read(body)) return "";  // it nests too deep to be checked
  const json::Value root = outline.root();
  std::set<std::string> names;
  for (const json::Value member : root.children())
    if (!names.insert(std::string(member.name())).second)
      return "a member twice: " + std::string(member.name());
  const auto max_tokens = root["max_tokens"].integer();
  if (!max_tokens || *max_tokens < min_tokens) return "no max_tokens";
  const auto budget = root["thinking"]["budget_tokens"].integer();
  if (budget && (*budget < 1024 || *budget >= *max_tokens))
    return "a thinking budget out of its range";
  if (std::string fault = fault_of_tools(root["tools"]); !fault.empty()) return fault;
  if (std::string fault = fault_of_cache_breakpoints(root); !fault.empty()) return fault;
  return TurnRules().fault_of(root["messages"]);
}

}  // namespace ccproxy::fuzz
