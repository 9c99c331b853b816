// A plan.json of tests/golden/responses_reply (README.md there).
#pragma once

#include <string>

#include "dialect/reply_plan.hpp"
#include "json/document.hpp"

namespace ccproxy::dialect::test {

inline ToolShape shape_of(const std::string& name) {
  if (name == "custom") return ToolShape::kCustom;
  if (name == "local_shell") return ToolShape::kLocalShell;
  if (name == "shell") return ToolShape::kShell;
  if (name == "apply_patch") return ToolShape::kApplyPatch;
  return name == "tool_search" ? ToolShape::kToolSearch : ToolShape::kFunction;
}

inline RefusalStyle style_of(const std::string& name) {
  if (name == "text") return RefusalStyle::kText;
  return name == "incomplete" ? RefusalStyle::kIncomplete : RefusalStyle::kPart;
}

inline ReplyPlan response_plan(const std::string& text) {
  const json::Document file = json::parse_document(text).value();
  ReplyPlan plan;
  plan.model = file.value("model", "claude-sonnet-5");
  plan.show_reasoning = file.value("show_reasoning", false);
  plan.strips_fence = file.value("strips_fence", false);
  plan.wants_json = file.value("wants_json", false);
  plan.responses.echo = file.value("echo", R"(,"tools":[])");
  plan.responses.family = file.value("family", "sonnet-5");
  plan.responses.account = file.value("account", "");
  plan.responses.shows_sources = file.value("shows_sources", false);
  plan.responses.refusal_style = style_of(file.value("refusal_style", "part"));
  for (const json::Document& tool : file.value("tools", json::Document::array()))
    plan.tools.push_back({tool.at("upstream").get<std::string>(),
                          tool.at("client").get<std::string>(),
                          shape_of(tool.value("shape", "function")), tool.value("space", "")});
  return plan;
}

}  // namespace ccproxy::dialect::test
