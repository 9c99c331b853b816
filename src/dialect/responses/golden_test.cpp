// Answers of the upstream as files, and what a Responses client must get for them
// (tests/golden/responses_reply/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "dialect/testing/replay.hpp"
#include "dialect/testing/response_plan.hpp"

namespace ccproxy::dialect {
namespace {

const std::string kCases = std::string(CCPROXY_SOURCE_DIR) + "/tests/golden/responses_reply/";

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCases))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

class ResponsesReplies : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] std::string file(const char* name) const {
    return read_file(kCases + GetParam() + "/" + name).value_or("");
  }
};

TEST_P(ResponsesReplies, are_the_same_at_every_fragment_size) {
  const std::string events = file("events.sse");
  const std::string stream = file("expected_stream.txt"), whole = file("expected_whole.json");
  ASSERT_FALSE(events.empty() || stream.empty() || whole.empty());
  ReplyPlan plan = test::response_plan(file("plan.json"));
  for (const std::size_t fragment : test::kFragments) {
    SCOPED_TRACE(testing::Message() << "fragments of " << fragment);
    plan.stream = true;
    EXPECT_EQ(test::replay_response(events, plan, fragment), stream);
    plan.stream = false;
    EXPECT_EQ(test::replay_response(events, plan, fragment) + "\n", whole);
  }
}

std::string sentence(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Golden, ResponsesReplies, testing::ValuesIn(case_names()), sentence);

}  // namespace
}  // namespace ccproxy::dialect
