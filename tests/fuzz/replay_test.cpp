// Runs the checks of the fuzzers over the recorded requests and responses of tests/golden and over
// every input that has broken one (fuzz/regressions).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "fuzz/chat_decoder.hpp"
#include "fuzz/chat_encoder.hpp"
#include "fuzz/outline.hpp"
#include "fuzz/responses_decoder.hpp"
#include "fuzz/responses_encoder.hpp"

namespace ccproxy::fuzz {
namespace {

const std::string kSource = CCPROXY_SOURCE_DIR;

// Returns the files below a folder whose names have this ending, in order.
std::vector<std::string> files_below(const std::string& folder, std::string_view ending = "") {
  std::vector<std::string> files;
  if (!std::filesystem::exists(kSource + folder)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kSource + folder))
    if (entry.is_regular_file() && entry.path().string().ends_with(ending))
      files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(ChatEncoderFuzzer, finds_no_fault_in_recorded_responses_with_any_plan) {
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

TEST(ChatDecoderFuzzer, finds_no_fault_in_recorded_requests_with_any_choice) {
  auto files = files_below("/tests/golden/chat_request", "request.json");
  const auto seeds = files_below("/fuzz/seeds/chat_decoder");
  ASSERT_FALSE(seeds.empty());
  files.insert(files.end(), seeds.begin(), seeds.end());
  for (const std::string& file : files) {
    const std::string body = read_file(file).value();
    for (unsigned choice = 0; choice < 256; ++choice) {
      const std::string choices = {static_cast<char>(choice), static_cast<char>(choice * 7),
                                   static_cast<char>(choice * 29)};
      ASSERT_EQ(fault_of_chat_decoder(choices + body), "") << file << " with choice " << choice;
    }
  }
}

TEST(ResponsesEncoderFuzzer, finds_no_fault_in_recorded_responses_with_any_plan) {
  auto files = files_below("/tests/golden/responses_reply", "events.sse");
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files_below("/tests/golden/chat_reply", "events.sse"))
    files.push_back(file);
  for (const std::string& file : files) {
    const std::string events = read_file(file).value();
    for (unsigned plan = 0; plan < 256; plan += 3) {
      const std::string choices = {static_cast<char>(plan), static_cast<char>(plan % 7 + 1)};
      ASSERT_EQ(fault_of_responses_encoder(choices + events), "") << file << " with plan " << plan;
    }
  }
}

TEST(ResponsesDecoderFuzzer, finds_no_fault_in_recorded_requests_with_any_choice) {
  const auto files = files_below("/tests/golden/responses_request", "request.json");
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files) {
    const std::string body = read_file(file).value();
    for (unsigned choice = 0; choice < 256; ++choice) {
      const std::string choices = {static_cast<char>(choice), static_cast<char>(choice * 7),
                                   static_cast<char>(choice * 29)};
      ASSERT_EQ(fault_of_responses_decoder(choices + body), "")
          << file << " with choice " << choice;
    }
  }
}

TEST(OutlineFuzzer, finds_no_fault_in_recorded_requests) {
  auto files = files_below("/tests/golden", ".json");
  for (const std::string& file : files_below("/fuzz/seeds")) files.push_back(file);
  for (const std::string& file : files)
    EXPECT_EQ(fault_of_outline(read_file(file).value()), "") << file;
}

class FuzzRegressions : public testing::TestWithParam<std::string> {};

std::string fault_of(const std::string& file, std::string_view input) {
  const std::string fuzzer = std::filesystem::path(file).parent_path().filename().string();
  if (fuzzer == "chat_encoder") return fault_of_chat_encoder(input);
  if (fuzzer == "chat_decoder") return fault_of_chat_decoder(input);
  if (fuzzer == "responses_encoder") return fault_of_responses_encoder(input);
  if (fuzzer == "responses_decoder") return fault_of_responses_decoder(input);
  return fuzzer == "outline" ? fault_of_outline(input) : "there is no fuzzer " + fuzzer;
}

TEST_P(FuzzRegressions, have_no_fault_any_more) {
  EXPECT_EQ(fault_of(GetParam(), read_file(GetParam()).value()), "");
}

std::string file_name(const testing::TestParamInfo<std::string>& info) {
  const std::filesystem::path file(info.param);
  std::string name = file.parent_path().filename().string() + "_" + file.filename().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Found, FuzzRegressions,
                         testing::ValuesIn(files_below("/fuzz/regressions")), file_name);

}  // namespace
}  // namespace ccproxy::fuzz
