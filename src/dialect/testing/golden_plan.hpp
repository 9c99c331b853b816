// Reads a plan.json of tests/golden/chat_reply or responses_reply (README.md there).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "dialect/reply_plan.hpp"
#include "json/document.hpp"

namespace ccproxy::dialect::test {

inline ToolShape tool_shape_of(const std::string& name) {
  if (name == "custom") return ToolShape::kCustom;
  if (name == "local_shell") return ToolShape::kLocalShell;
  if (name == "shell") return ToolShape::kShell;
  if (name == "apply_patch") return ToolShape::kApplyPatch;
  return name == "tool_search" ? ToolShape::kToolSearch : ToolShape::kFunction;
}

inline RefusalStyle refusal_style_of(const std::string& name) {
  if (name == "text") return RefusalStyle::kText;
  return name == "incomplete" ? RefusalStyle::kIncomplete : RefusalStyle::kPart;
}

// A member that nobody reads would be a case that tests something else than it says.
inline void expect_known_members(const json::Document& object,
                                 std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items())
    EXPECT_NE(std::find(known.begin(), known.end(), name), known.end()) << "unknown: " << name;
}

// `text` is the file's content. A member that it lacks is as for a plain request, where
// `show_reasoning` differs between the dialects.
inline ReplyPlan golden_plan(const std::string& text, bool show_reasoning) {
  const json::Document file = json::parse_document(text).value();
  expect_known_members(
      file, {"model", "include_usage", "show_reasoning", "legacy_functions", "custom_as_function",
             "strips_fence", "wants_json", "text_completion", "echo", "family", "account",
             "shows_sources", "refusal_style", "tools"});
  ReplyPlan plan;
  plan.model = file.value("model", "claude-sonnet-5");
  plan.include_usage = file.value("include_usage", false);
  plan.show_reasoning = file.value("show_reasoning", show_reasoning);
  plan.legacy_functions = file.value("legacy_functions", false);
  plan.custom_as_function = file.value("custom_as_function", false);
  plan.strips_fence = file.value("strips_fence", false);
  plan.wants_json = file.value("wants_json", false);
  plan.text_completion = file.value("text_completion", false);
  plan.responses.echo = file.value("echo", R"(,"tools":[])");
  plan.responses.family = file.value("family", "sonnet-5");
  plan.responses.account = file.value("account", "");
  plan.responses.shows_sources = file.value("shows_sources", false);
  plan.responses.refusal_style = refusal_style_of(file.value("refusal_style", "part"));
  for (const json::Document& tool : file.value("tools", json::Document::array())) {
    expect_known_members(tool, {"upstream", "client", "shape", "tool_namespace"});
    plan.tools.push_back(
        {tool.at("upstream").get<std::string>(), tool.at("client").get<std::string>(),
         tool_shape_of(tool.value("shape", "function")), tool.value("tool_namespace", "")});
  }
  return plan;
}

}  // namespace ccproxy::dialect::test
