// ccproxy status, as a person and as a script reads it.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/road.hpp"

namespace ccproxy::test {
namespace {

Finished status(const Process::Environment& environment, bool json = false) {
  std::vector<std::string> arguments = {"status"};
  if (json) arguments.emplace_back("--json");
  return run(CCPROXY_BINARY, arguments, environment);
}

Process::Environment home_of(const ProxyFixture& fixture) {
  return {{"CCPROXY_HOME", fixture.home()}, {"HOME", fixture.home()}};
}

class Status : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Status, testing::Values(1U, 2U));

TEST_P(Status, without_a_credential_fails_and_says_what_to_do) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .environment = {}});
  const Finished told = status(home_of(fixture));
  EXPECT_EQ(told.code, 1);
  EXPECT_NE(told.output.find("credential: none"), std::string::npos) << told.output;
  EXPECT_NE(told.output.find("ccproxy login"), std::string::npos);
}

TEST_P(Status, names_the_credential_and_what_it_shadows) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  std::ofstream(fixture.home() + "/auth.json") << R"({"type":"api_key","key":"sk-ant-api03-x"})";
  auto environment = home_of(fixture);
  environment["ANTHROPIC_API_KEY"] = "sk-ant-api03-secret";
  environment["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-secret";
  const Finished told = status(environment);
  EXPECT_EQ(told.code, 0) << told.errors;
  EXPECT_NE(told.output.find("credential: auth.json (ccproxy login)"), std::string::npos)
      << told.output;
  EXPECT_NE(told.output.find("not used: api-key-env"), std::string::npos);
  EXPECT_NE(told.output.find("not used: oauth-token-env"), std::string::npos);
  EXPECT_EQ((told.output + told.errors).find("sk-ant"), std::string::npos);
  EXPECT_NE(told.errors.find("it is 0600 now"), std::string::npos) << told.errors;

  const Document facts = Document::parse(status(environment, true).output);
  EXPECT_EQ(facts["credential"]["source"], "login");
  EXPECT_EQ(facts["credential"]["kind"], "api-key");
  EXPECT_EQ(facts["credential"]["not_used"].size(), 2U);
}

TEST_P(Status, finds_the_running_server_and_the_limits_it_saw) {
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"apiKeys":[{"name":"me","key":"door-secret"}]})",
                            .environment = {{"CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-mine"}}});
  EXPECT_EQ(ask(fixture.port(), "POST", "/v1/messages", kWhole,
                std::string(kFields) + "x-ccproxy-key: door-secret\r\n")
                .status,
            200);
  auto environment = home_of(fixture);
  environment["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-mine";
  const Finished told = status(environment);
  EXPECT_EQ(told.code, 0);
  const std::string address = "http://127.0.0.1:" + std::to_string(fixture.port());
  EXPECT_NE(told.output.find("server: " + address), std::string::npos) << told.output;
  EXPECT_NE(told.output.find("5 hours: 12 % used, allowed, resets in"), std::string::npos);
  EXPECT_NE(told.output.find("7 days: 3 % used, allowed, resets in"), std::string::npos);
  EXPECT_EQ(told.output.find("door-secret"), std::string::npos);

  const Document facts = Document::parse(status(environment, true).output);
  EXPECT_EQ(facts["servers"][0]["pid"], fixture.proxy().pid());
  EXPECT_EQ(facts["servers"][0]["health"]["limits"]["fields"]
                 ["anthropic-ratelimit-unified-5h-utilization"],
            "0.12");
}

TEST_P(Status, forgets_servers_that_were_killed) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  const std::string left =
      fixture.home() + "/running/" + std::to_string(fixture.proxy().pid()) + ".json";
  EXPECT_TRUE(std::filesystem::exists(left));
  fixture.proxy().signal(SIGKILL);
  ASSERT_TRUE(fixture.proxy().wait_exit());
  const Finished told = status(home_of(fixture));
  EXPECT_NE(told.output.find("server: none is running"), std::string::npos) << told.output;
  EXPECT_FALSE(std::filesystem::exists(left));
}

TEST_P(Status, says_what_is_wrong_with_a_broken_file) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  std::ofstream(fixture.home() + "/auth.json") << "nonsense sk-ant-secret";
  const Finished told = status(home_of(fixture));
  EXPECT_EQ(told.code, 1);
  EXPECT_NE(told.output.find("state: unusable"), std::string::npos) << told.output;
  EXPECT_NE(told.output.find(fixture.home() + "/auth.json"), std::string::npos);
  EXPECT_EQ(told.output.find("sk-ant"), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::test
