// The folders of tests/golden as parameters of tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "dialect/testing/replay.hpp"

namespace ccproxy::dialect::test {

inline const std::string kGolden = std::string(CCPROXY_SOURCE_DIR) + "/tests/golden/";

// Returns the cases of these folders in order, such as chat_reply/text-and-usage-p34.
inline std::vector<std::string> golden_cases(std::initializer_list<std::string> folders) {
  std::vector<std::string> cases;
  for (const std::string& folder : folders)
    for (const auto& entry : std::filesystem::directory_iterator(kGolden + folder))
      if (entry.is_directory()) cases.push_back(folder + "/" + entry.path().filename().string());
  std::sort(cases.begin(), cases.end());
  return cases;
}

// A test for each case.
class GoldenTest : public testing::TestWithParam<std::string> {
 protected:
  // Returns the content of a file of the case; "" when there is no such file.
  [[nodiscard]] static std::string file(const char* name) {
    return read_file(kGolden + GetParam() + "/" + name).value_or("");
  }
};

// A test for each case of a reply: the upstream's events, and what the client must get for them.
class GoldenReplyTest : public GoldenTest {
 protected:
  // `replay(events, plan, fragment)` returns what the client gets when the events arrive in pieces
  // of `fragment` bytes.
  template <typename ReplayEvents>
  static void expect_reply_at_every_fragment_size(ReplyPlan plan, ReplayEvents replay) {
    const std::string events = file("events.sse");
    const std::string stream = file("expected_stream.txt"), whole = file("expected_whole.json");
    ASSERT_FALSE(events.empty() || stream.empty() || whole.empty());
    for (const std::size_t fragment : kFragments) {
      SCOPED_TRACE(testing::Message() << "fragments of " << fragment);
      plan.stream = true;
      EXPECT_EQ(replay(events, plan, fragment), stream);
      plan.stream = false;
      EXPECT_EQ(replay(events, plan, fragment) + "\n", whole);
    }
  }
};

// Names a test after its case.
inline std::string golden_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (c == '-' || c == '/') c = '_';
  return name;
}

}  // namespace ccproxy::dialect::test
