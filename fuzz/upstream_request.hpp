// What the Messages API refuses at once, whatever the model: a request that goes up must not have
// it.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "dialect/request/tool_names.hpp"
#include "json/outline.hpp"

namespace ccproxy::fuzz {

// The arguments of a call are JSON of their own, so a body may nest deeper than an outline goes.
inline std::string fault_of_json(std::string_view text) {
  json::Outline outline;
  const auto read = outline.read(text);
  if (read || read.error().message.find("nests deeper") != std::string::npos) return "";
  return "not JSON: " + read.error().message;
}

// The messages in their order: who speaks, and that each call has its result right behind it.
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
    Texts made;
    for (const json::Value block : message["content"].children()) {
      std::string fault = fault_of_block(block, role, made);
      if (!fault.empty()) return fault;
    }
    if (!calls_.empty()) return "a call without its result: " + *calls_.begin();
    calls_ = std::move(made);
    return "";
  }

  std::string fault_of_block(const json::Value& block, std::string_view role, Texts& made) {
    const std::string type = block["type"].decoded();
    if (type == "text" && json::is_blank(block["text"].text())) return "a text that is blank";
    if (type == "tool_use") {
      const std::string id = block["id"].decoded();
      if (role != "assistant") return "a call that is not the assistant's";
      if (!dialect::is_tool_name(block["name"].decoded())) return "a bad name of a tool";
      if (!is_id(id)) return "a bad id of a call: " + id;
      if (!block["input"].is_object()) return "an input that is no object";
      if (!seen_.insert(id).second) return "the id of a call twice: " + id;
      made.insert(id);
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
  Texts calls_;    // of the turn before, still without their results
  Texts results_;  // of this turn
  Texts seen_;
};

inline std::string fault_of_tools(const json::Value& tools) {
  std::set<std::string> names;
  for (const json::Value tool : tools.children()) {
    const std::string name = tool["name"].decoded();
    const bool is_hosted = !tool["type"].is_absent();  // its name is the client's own affair
    if (!is_hosted && !dialect::is_tool_name(name)) return "a bad name of a tool: " + name;
    if (!names.insert(name).second) return "two tools of one name: " + name;
  }
  return "";
}

inline unsigned cache_marks(const json::Value& blocks) {
  unsigned breakpoints = 0;
  for (const json::Value block : blocks.children())
    breakpoints += (block["cache_control"].is_object() ? 1U : 0U) + cache_marks(block["content"]);
  return breakpoints;
}

inline std::string fault_of_cache_marks(const json::Value& root) {
  constexpr unsigned kMax = 4;
  const unsigned breakpoints = cache_marks(root["tools"]) + cache_marks(root["system"]) +
                               cache_marks(root["messages"]) +
                               (root["cache_control"].is_object() ? 1U : 0U);
  return breakpoints <= kMax ? "" : "more than four marks of the cache";
}

inline std::string fault_of_upstream_request(std::string_view body, std::int64_t least_tokens = 1) {
  if (std::string fault = fault_of_json(body); !fault.empty()) return fault;
  json::Outline outline;
  if (!outline.read(body)) return "";  // it nests too deep to be looked into
  const json::Value root = outline.root();
  std::set<std::string> names;
  for (const json::Value member : root.children())
    if (!names.insert(std::string(member.name())).second)
      return "a member twice: " + std::string(member.name());
  const auto max_tokens = root["max_tokens"].integer();
  if (!max_tokens || *max_tokens < least_tokens) return "no max_tokens";
  const auto budget = root["thinking"]["budget_tokens"].integer();
  if (budget && (*budget < 1024 || *budget >= *max_tokens)) return "a budget that cannot be";
  if (std::string fault = fault_of_tools(root["tools"]); !fault.empty()) return fault;
  if (std::string fault = fault_of_cache_marks(root); !fault.empty()) return fault;
  return TurnRules().fault_of(root["messages"]);
}

}  // namespace ccproxy::fuzz
