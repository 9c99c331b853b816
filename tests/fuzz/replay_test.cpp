// What the fuzzers check, over the recorded requests and answers of tests/golden and over every
// input that was found to break a rule (fuzz/regressions).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "fuzz/chat_encoder.hpp"

namespace ccproxy::fuzz {
namespace {

const std::string kSource = CCPROXY_SOURCE_DIR;

// The files below a folder whose names end so, in order.
std::vector<std::string> files_below(const std::string& folder, std::string_view ending = "") {
  std::vector<std::string> files;
  if (!std::filesystem::exists(kSource + folder)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kSource + folder))
    if (entry.is_regular_file() && entry.path().string().ends_with(ending))
      files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Fuzzed, chat_encoder_has_no_fault_in_recorded_answers_whatever_the_plan) {
  const auto files = files_below("/tests/golden/chat_reply", "events.sse");
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files) {
    const std::string events = read_file(file).value();
    for (unsigned plan = 0; plan < 128; ++plan) {
      const std::string choices = {static_cast<char>(plan), static_cast<char>(plan % 7 + 1)};
      ASSERT_EQ(fault_of_chat_encoder(choices + events), "") << file << " with plan " << plan;
    }
  }
}

TEST(Fuzzed, chat_encoder_has_no_fault_in_what_was_found_before) {
  for (const std::string& file : files_below("/fuzz/regressions/chat_encoder"))
    EXPECT_EQ(fault_of_chat_encoder(read_file(file).value()), "") << file;
}

}  // namespace
}  // namespace ccproxy::fuzz
