#include "cli/flags.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace ccproxy::cli {
namespace {

Flags parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ccproxy");
  return parse_flags(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Flags, of_start_are_those_of_the_documentation) {
  const auto flags = std::get<StartFlags>(
      parse({"start", "-p", "4000", "-h", "::1", "--upstream", "http://x", "--workers", "2",
             "--socket", "/tmp/s", "--demo", "--verbose"}));
  EXPECT_EQ(flags.port, 4000);
  EXPECT_EQ(flags.host, "::1");
  EXPECT_EQ(flags.upstream, "http://x");
  EXPECT_EQ(flags.workers, 2U);
  EXPECT_EQ(flags.socket, "/tmp/s");
  EXPECT_TRUE(flags.demo && flags.verbose);
  EXPECT_FALSE(std::get<StartFlags>(parse({"start"})).port);
}

TEST(Flags, of_config_name_the_action) {
  const auto set = std::get<ConfigFlags>(parse({"config", "set-model", "gpt-4", "claude-opus-5"}));
  EXPECT_EQ(set.action, ConfigAction::kSetModel);
  EXPECT_EQ(set.from, "gpt-4");
  EXPECT_EQ(set.to, "claude-opus-5");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "remove-model", "x"})).from, "x");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "path"})).action, ConfigAction::kPath);
}

TEST(Flags, help_stands_everywhere_and_leaves_well) {
  const std::vector<std::vector<const char*>> rows = {
      {"--help"}, {"start", "--help"}, {"mock", "--help"}, {"config", "--help"},
      {"config", "set-model", "--help"}, {"config", "show", "--help"}};
  for (const auto& row : rows) {
    const auto leave = std::get<Leave>(parse(row));
    EXPECT_EQ(leave.code, kOk);
    EXPECT_NE(leave.text.find("--help"), std::string::npos);
  }
  EXPECT_NE(std::get<Leave>(parse({"--version"})).text.find("ccproxy "), std::string::npos);
}

TEST(Flags, that_make_no_sense_are_a_usage_error) {
  const std::vector<std::vector<const char*>> rows = {
      {},          {"nonsense"},          {"start", "--port", "x"},   {"start", "--port", "70000"},
      {"start", "--workers", "0"},        {"start", "--nonsense"},    {"config"},
      {"config", "set-model", "one"},     {"mock", "--pace", "slow"}, {"start", "-h"}};
  for (const auto& row : rows) {
    const auto flags = parse(row);
    ASSERT_TRUE(std::holds_alternative<Leave>(flags)) << row.size();
    EXPECT_EQ(std::get<Leave>(flags).code, kUsage);
    EXPECT_FALSE(std::get<Leave>(flags).text.empty());
  }
}

}  // namespace
}  // namespace ccproxy::cli
