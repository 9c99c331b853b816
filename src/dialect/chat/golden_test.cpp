// Answers of the upstream as files, and what a Chat Completions client must get for them
// (tests/golden/chat_reply/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "dialect/testing/replay.hpp"
#include "json/document.hpp"

namespace ccproxy::dialect {
namespace {

using json::Document;

const std::string kCases = std::string(CCPROXY_SOURCE_DIR) + "/tests/golden/chat_reply/";

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCases))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

ReplyPlan read_plan(const std::string& text) {
  const Document file = json::parse_document(text).value();
  ReplyPlan plan;
  plan.model = file.value("model", "claude-sonnet-5");
  plan.include_usage = file.value("include_usage", false);
  plan.show_reasoning = file.value("show_reasoning", true);
  plan.legacy_functions = file.value("legacy_functions", false);
  plan.custom_as_function = file.value("custom_as_function", false);
  plan.strips_fence = file.value("strips_fence", false);
  plan.wants_json = file.value("wants_json", false);
  plan.text_completion = file.value("text_completion", false);
  for (const Document& tool : file.value("tools", Document::array()))
    plan.tools.push_back({tool.at("upstream").get<std::string>(),
                          tool.at("client").get<std::string>(),
                          tool.value("custom", false) ? ToolShape::kCustom : ToolShape::kFunction});
  return plan;
}

class ChatReplies : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] std::string file(const char* name) const {
    return read_file(kCases + GetParam() + "/" + name).value_or("");
  }
};

TEST_P(ChatReplies, are_the_same_at_every_fragment_size) {
  const std::string events = file("events.sse");
  const std::string stream = file("expected_stream.txt"), whole = file("expected_whole.json");
  ASSERT_FALSE(events.empty());
  ASSERT_FALSE(stream.empty() && whole.empty());
  ReplyPlan plan = read_plan(file("plan.json"));
  for (const std::size_t fragment : test::kFragments) {
    SCOPED_TRACE(testing::Message() << "fragments of " << fragment);
    plan.stream = true;
    if (!stream.empty()) {
      EXPECT_EQ(test::replay(events, plan, fragment), stream);
    }
    plan.stream = false;
    if (!whole.empty()) {
      EXPECT_EQ(test::replay(events, plan, fragment) + "\n", whole);
    }
  }
}

std::string sentence(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Golden, ChatReplies, testing::ValuesIn(case_names()), sentence);

}  // namespace
}  // namespace ccproxy::dialect
