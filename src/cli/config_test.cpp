#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "cli/commands.hpp"
#include "json/document.hpp"

namespace ccproxy::cli {
namespace {

struct Output {
  int code;
  std::string out, err;
};

class ConfigCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ccproxy-cli-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/home/config.json";
    for (const char* variable : {"CCPROXY_UPSTREAM_URL", "CCPROXY_LOG", "CCPROXY_API_KEY"})
      ::unsetenv(variable);
    ::setenv("CCPROXY_HOME", (folder_ + "/home").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("CCPROXY_HOME");
    ::unsetenv("CCPROXY_API_KEY");
    std::filesystem::remove_all(folder_);
  }

  static Output run(ConfigAction action, std::string from = "", std::string to = "",
                    bool json = false) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = config(ConfigFlags{action, std::move(from), std::move(to), json});
    return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
  }

  std::string folder_, path_;
};

TEST_F(ConfigCommand, shows_both_steps_from_a_name_to_a_model) {
  const Output output = run(ConfigAction::kShow);
  EXPECT_EQ(output.code, kOk) << output.err;
  EXPECT_NE(output.out.find("\"gpt-4\": \"claude-sonnet-4-20250514\""), std::string::npos);
  EXPECT_NE(output.out.find("\"gpt-4\": \"claude-sonnet-4-6\""), std::string::npos);
  EXPECT_NE(output.out.find("\"sonnet\": \"claude-sonnet-5-5\""), std::string::npos);
  EXPECT_NE(output.out.find("\"claude-sonnet-4-6\": \"$3 in, $15 out per million tokens; "
                            "claude-sonnet-5-5 is newer and costs less: $2 in, $10 out\""),
            std::string::npos)
      << output.out;
  EXPECT_FALSE(std::filesystem::exists(path_)) << "show writes no file";
}

TEST_F(ConfigCommand, shows_the_environment_without_its_secret) {
  ::setenv("CCPROXY_API_KEY", "very-secret", 1);
  const Output output = run(ConfigAction::kShow);
  EXPECT_EQ(output.code, kOk);
  EXPECT_NE(output.out.find("CCPROXY_API_KEY"), std::string::npos);
  EXPECT_EQ(output.out.find("very-secret"), std::string::npos);
}

TEST_F(ConfigCommand, edits_and_resets_as_documented) {
  EXPECT_EQ(run(ConfigAction::kPath).out, path_ + "\n");
  EXPECT_EQ(run(ConfigAction::kSetModel, "gpt-4", "claude-haiku-4-5").code, kOk);
  EXPECT_NE(run(ConfigAction::kShow).out.find("\"gpt-4\": \"claude-haiku-4-5\""),
            std::string::npos);
  EXPECT_EQ(run(ConfigAction::kRemoveModel, "gpt-4").code, kOk);
  EXPECT_EQ(run(ConfigAction::kShow).out.find("\"gpt-4\":"), std::string::npos);
  EXPECT_EQ(run(ConfigAction::kReset).code, kOk);
  EXPECT_NE(run(ConfigAction::kShow).out.find("\"gpt-4\":"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path_ + ".bak"));
}

TEST_F(ConfigCommand, reports_a_failure_in_one_sentence_with_its_exit_code) {
  const Output unknown = run(ConfigAction::kRemoveModel, "nobody");
  EXPECT_EQ(unknown.code, kFailure);
  EXPECT_EQ(unknown.err, "ccproxy: there is no mapping for nobody\n");
  EXPECT_EQ(unknown.out, "");

  ASSERT_TRUE(replace_file(path_, "{\n\"server\": {\"port\": 1.5}}"));
  for (const Output& output : {run(ConfigAction::kShow), run(ConfigAction::kSetModel, "a", "b")}) {
    EXPECT_EQ(output.code, kBadConfiguration);
    EXPECT_NE(output.err.find("line 2: server.port must be"), std::string::npos) << output.err;
    EXPECT_EQ(output.err.find('\n'), output.err.size() - 1) << output.err;
  }
  EXPECT_EQ(run(ConfigAction::kPath).code, kOk) << "the commands to repair it still work";
  EXPECT_EQ(run(ConfigAction::kReset).code, kOk);
}

TEST_F(ConfigCommand, names_the_keys_that_a_reset_removed) {
  ASSERT_TRUE(replace_file(
      path_,
      R"({"apiKeys":[{"name":"laptop","key":"secret-1"},{"name":"phone","key":"secret-2"}]})"));
  const Output output = run(ConfigAction::kReset);
  EXPECT_EQ(output.code, kOk);
  EXPECT_NE(output.out.find("laptop, phone"), std::string::npos) << output.out;
  EXPECT_NE(output.out.find("Requests need no key now"), std::string::npos) << output.out;
  EXPECT_EQ(output.out.find("secret"), std::string::npos) << output.out;
  ASSERT_TRUE(replace_file(path_, R"({"log":{}})"));
  EXPECT_EQ(run(ConfigAction::kReset).out.find("key"), std::string::npos);
  ASSERT_TRUE(replace_file(path_, R"({"apiKeys":[{"name":"laptop","key":"secret-1"}]})"));
  EXPECT_NE(run(ConfigAction::kSet, "apiKeys", "null").out.find("need no key now"),
            std::string::npos);
}

// The README promises JSON for every action.
TEST_F(ConfigCommand, prints_json_for_every_action) {
  const auto json_of = [](ConfigAction action, std::string from = "", std::string to = "") {
    return json::Document::parse(run(action, std::move(from), std::move(to), true).out);
  };
  EXPECT_EQ(json_of(ConfigAction::kPath)["path"], path_);
  EXPECT_EQ(json_of(ConfigAction::kSet, "server.port", "4000").dump(),
            R"({"key":"server.port","value":4000,"taken_up":"at start"})");
  EXPECT_EQ(
      json_of(ConfigAction::kSet, "apiKeys", R"([{"name":"a","key":"secret"}])")["value"].dump(),
      R"([{"name":"a","key":"***"}])");
  EXPECT_EQ(json_of(ConfigAction::kSetModel, "fast", "opus").dump(),
            R"({"key":"modelMapping.fast","value":"opus","taken_up":"live"})");
  EXPECT_EQ(json_of(ConfigAction::kRemoveModel, "fast").dump(),
            R"({"key":"modelMapping.fast","value":null,"taken_up":"live"})");
  EXPECT_EQ(json_of(ConfigAction::kCheck)["ok"], true);
  EXPECT_EQ(json_of(ConfigAction::kShow)["server"]["port"], 4000);
  EXPECT_EQ(json_of(ConfigAction::kGet, "server.host"), "127.0.0.1");
  const auto reset = json_of(ConfigAction::kReset);
  EXPECT_EQ(reset["kept_as"], path_ + ".bak");
  EXPECT_EQ(reset["keys_removed"].dump(), R"(["a"])");
  EXPECT_EQ(json_of(ConfigAction::kReset)["kept_as"], nullptr);
  ASSERT_TRUE(replace_file(path_, "{\n\"server\": {\"port\": 1.5}, \"odd\": 1}"));
  const auto checked = json_of(ConfigAction::kCheck);
  EXPECT_EQ(checked["ok"], false);
  EXPECT_EQ(checked["wrong"][0]["key"], "server.port");
  EXPECT_EQ(checked["warnings"].size(), 1U);
}

TEST_F(ConfigCommand, reports_unknown_keys_beside_what_it_shows) {
  ASSERT_TRUE(replace_file(path_, R"({"server":{"prot":1}})"));
  const Output output = run(ConfigAction::kShow);
  EXPECT_EQ(output.code, kOk);
  EXPECT_NE(output.err.find("unknown key server.prot"), std::string::npos) << output.err;
  EXPECT_EQ(output.out.find("prot\""), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::cli
