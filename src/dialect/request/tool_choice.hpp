// Which tools the model may or must call: what `tool_choice`, `function_call` and
// `parallel_tool_calls` of a request ask for, as far as upstream can do it (rule A.5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "anthropic/capabilities.hpp"
#include "dialect/request/block.hpp"
#include "dialect/request/report.hpp"
#include "dialect/request/tool.hpp"
#include "json/outline.hpp"

namespace ccproxy::dialect {

inline constexpr std::string_view kCallNoTool = R"({"type":"none"})";

struct ToolChoice {
  std::string json{};  // `tool_choice` to send; empty to leave it out
  // A sentence for the model where upstream cannot force it to call a tool; empty without.
  std::string hint{};
  bool is_forced = false;  // upstream makes the model call a tool
};

class ToolChooser {
 public:
  // All must outlive the object. `is_legacy`: the tools came as `functions`.
  ToolChooser(const anthropic::Capabilities& can, std::vector<Tool>& tools,
              const SharedToolNames& shared_names, bool is_legacy, Report& report,
              RequestArena& arena)
      : can_(can),
        tools_(tools),
        shared_names_(shared_names),
        is_legacy_(is_legacy),
        report_(report),
        arena_(arena) {}

  // Drops the tools that may not be called. Errors go to the report. Call once.
  [[nodiscard]] ToolChoice choose(json::Value request);

 private:
  void read(json::Value request);
  void choose_named(std::string_view name, std::string_view kind, std::string_view param);
  void choose_tool(const Tool& tool, std::string_view param);
  void choose_allowed(json::Value allowed);
  void force_any();
  void set(std::string_view type, std::string_view name = {});
  [[nodiscard]] bool can_force() const {
    return can_.forced_tool_choice != anthropic::ForcedToolChoice::kNo;
  }
  // True when a choice of that kind cannot mean the tool, since it means another of its name.
  [[nodiscard]] bool is_other(const Tool& tool, std::string_view kind) const;

  const anthropic::Capabilities& can_;
  std::vector<Tool>& tools_;
  const SharedToolNames& shared_names_;
  const bool is_legacy_;
  Report& report_;
  RequestArena& arena_;
  bool is_serial_ = false;  // no parallel calls
  ToolChoice choice_;
};

}  // namespace ccproxy::dialect
