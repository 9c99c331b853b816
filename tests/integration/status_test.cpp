// `ccproxy status`, as a person and as a script reads it.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/proxy_fixture.hpp"

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

TEST_P(Status, fails_without_a_credential_and_says_what_to_do) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .environment = {}});
  const Finished result = status(home_of(fixture));
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.output.find("credential: none"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("ccproxy login"), std::string::npos);
}

TEST_P(Status, names_the_credential_and_what_it_shadows) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  std::ofstream(fixture.home() + "/auth.json") << R"({"type":"api_key","key":"sk-ant-api03-x"})";
  auto environment = home_of(fixture);
  environment["ANTHROPIC_API_KEY"] = "sk-ant-api03-secret";
  environment["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-secret";
  const Finished result = status(environment);
  EXPECT_EQ(result.code, 0) << result.errors;
  EXPECT_NE(result.output.find("credential: auth.json (ccproxy login)"), std::string::npos)
      << result.output;
  EXPECT_NE(result.output.find("not used: api-key-env"), std::string::npos);
  EXPECT_NE(result.output.find("not used: oauth-token-env"), std::string::npos);
  EXPECT_EQ((result.output + result.errors).find("sk-ant"), std::string::npos);
  EXPECT_NE(result.errors.find("it is 0600 now"), std::string::npos) << result.errors;

  const Document facts = Document::parse(status(environment, true).output);
  EXPECT_EQ(facts["credential"]["source"], "login");
  EXPECT_EQ(facts["credential"]["kind"], "api-key");
  EXPECT_EQ(facts["credential"]["not_used"].size(), 2U);
}

TEST_P(Status, shows_the_running_server_and_its_rate_limits) {
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"apiKeys":[{"name":"me","key":"door-secret"}]})",
                            .environment = {{"CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-mine"}}});
  EXPECT_EQ(send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                         std::string(kAnthropicFields) + "x-ccproxy-key: door-secret\r\n")
                .status,
            200);
  auto environment = home_of(fixture);
  environment["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-mine";
  const Finished result = status(environment);
  EXPECT_EQ(result.code, 0);
  const std::string address = "http://127.0.0.1:" + std::to_string(fixture.port());
  EXPECT_NE(result.output.find("server: " + address), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("5 hours: 12 % used, allowed, resets in"), std::string::npos);
  EXPECT_NE(result.output.find("7 days: 3 % used, allowed, resets in"), std::string::npos);
  EXPECT_EQ(result.output.find("door-secret"), std::string::npos);

  const Document facts = Document::parse(status(environment, true).output);
  EXPECT_EQ(facts["servers"][0]["pid"], fixture.proxy().pid());
  EXPECT_EQ(facts["servers"][0]["health"]["limits"]["fields"]
                 ["anthropic-ratelimit-unified-5h-utilization"],
            "0.12");
}

TEST_P(Status, omits_servers_that_were_killed) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  const std::string instance_file =
      fixture.home() + "/running/" + std::to_string(fixture.proxy().pid()) + ".json";
  EXPECT_TRUE(std::filesystem::exists(instance_file));
  fixture.proxy().signal(SIGKILL);
  ASSERT_TRUE(fixture.proxy().wait_exit());
  const Finished result = status(home_of(fixture));
  EXPECT_NE(result.output.find("server: none is running"), std::string::npos) << result.output;
  EXPECT_FALSE(std::filesystem::exists(instance_file));
}

TEST_P(Status, says_what_is_wrong_with_a_broken_file) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  std::ofstream(fixture.home() + "/auth.json") << "nonsense sk-ant-secret";
  const Finished result = status(home_of(fixture));
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.output.find("state: unusable"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find(fixture.home() + "/auth.json"), std::string::npos);
  EXPECT_EQ(result.output.find("sk-ant"), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::test
