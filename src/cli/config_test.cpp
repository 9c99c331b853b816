#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "cli/commands.hpp"
#include "json/document.hpp"

namespace ccproxy::cli {
namespace {

struct Said {
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

  static Said run(ConfigAction action, std::string from = "", std::string to = "",
                  bool json = false) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = config(ConfigFlags{action, std::move(from), std::move(to), json});
    return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
  }

  std::string folder_, path_;
};

TEST_F(ConfigCommand, shows_both_steps_from_a_name_to_a_model) {
  const Said said = run(ConfigAction::kShow);
  EXPECT_EQ(said.code, kOk) << said.err;
  EXPECT_NE(said.out.find("\"gpt-4\": \"claude-sonnet-4-20250514\""), std::string::npos);
  EXPECT_NE(said.out.find("\"gpt-4\": \"claude-sonnet-4-6\""), std::string::npos);
  EXPECT_NE(said.out.find("\"sonnet\": \"claude-sonnet-5-5\""), std::string::npos);
  EXPECT_NE(said.out.find("\"claude-sonnet-4-6\": \"$3 in, $15 out per million tokens; "
                          "claude-sonnet-5-5 is newer and costs less: $2 in, $10 out\""),
            std::string::npos)
      << said.out;
  EXPECT_FALSE(std::filesystem::exists(path_)) << "showing writes nothing";
}

TEST_F(ConfigCommand, shows_the_environment_without_its_secret) {
  ::setenv("CCPROXY_API_KEY", "very-secret", 1);
  const Said said = run(ConfigAction::kShow);
  EXPECT_EQ(said.code, kOk);
  EXPECT_NE(said.out.find("CCPROXY_API_KEY"), std::string::npos);
  EXPECT_EQ(said.out.find("very-secret"), std::string::npos);
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

TEST_F(ConfigCommand, tells_failures_in_one_sentence_with_a_code_of_its_own) {
  const Said unknown = run(ConfigAction::kRemoveModel, "nobody");
  EXPECT_EQ(unknown.code, kFailure);
  EXPECT_EQ(unknown.err, "ccproxy: there is no mapping for nobody\n");
  EXPECT_EQ(unknown.out, "");

  ASSERT_TRUE(replace_file(path_, "{\n\"server\": {\"port\": 1.5}}"));
  for (const Said& said : {run(ConfigAction::kShow), run(ConfigAction::kSetModel, "a", "b")}) {
    EXPECT_EQ(said.code, kBadConfiguration);
    EXPECT_NE(said.err.find("line 2: server.port must be"), std::string::npos) << said.err;
    EXPECT_EQ(said.err.find('\n'), said.err.size() - 1) << said.err;
  }
  EXPECT_EQ(run(ConfigAction::kPath).code, kOk) << "the way to mend it stays open";
  EXPECT_EQ(run(ConfigAction::kReset).code, kOk);
}

TEST_F(ConfigCommand, says_which_keys_went_with_a_reset) {
  ASSERT_TRUE(replace_file(
      path_,
      R"({"apiKeys":[{"name":"laptop","key":"secret-1"},{"name":"phone","key":"secret-2"}]})"));
  const Said said = run(ConfigAction::kReset);
  EXPECT_EQ(said.code, kOk);
  EXPECT_NE(said.out.find("laptop, phone"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("Requests need no key now"), std::string::npos) << said.out;
  EXPECT_EQ(said.out.find("secret"), std::string::npos) << said.out;
  ASSERT_TRUE(replace_file(path_, R"({"log":{}})"));
  EXPECT_EQ(run(ConfigAction::kReset).out.find("key"), std::string::npos);
  ASSERT_TRUE(replace_file(path_, R"({"apiKeys":[{"name":"laptop","key":"secret-1"}]})"));
  EXPECT_NE(run(ConfigAction::kSet, "apiKeys", "null").out.find("need no key now"),
            std::string::npos);
}

// The README promised JSON of all of them.
TEST_F(ConfigCommand, says_everything_as_json_too) {
  const auto asked = [](ConfigAction action, std::string from = "", std::string to = "") {
    return json::Document::parse(run(action, std::move(from), std::move(to), true).out);
  };
  EXPECT_EQ(asked(ConfigAction::kPath)["path"], path_);
  EXPECT_EQ(asked(ConfigAction::kSet, "server.port", "4000").dump(),
            R"({"key":"server.port","value":4000,"taken_up":"at start"})");
  EXPECT_EQ(
      asked(ConfigAction::kSet, "apiKeys", R"([{"name":"a","key":"secret"}])")["value"].dump(),
      R"([{"name":"a","key":"***"}])");
  EXPECT_EQ(asked(ConfigAction::kSetModel, "fast", "opus").dump(),
            R"({"key":"modelMapping.fast","value":"opus","taken_up":"live"})");
  EXPECT_EQ(asked(ConfigAction::kRemoveModel, "fast").dump(),
            R"({"key":"modelMapping.fast","value":null,"taken_up":"live"})");
  EXPECT_EQ(asked(ConfigAction::kCheck)["ok"], true);
  EXPECT_EQ(asked(ConfigAction::kShow)["server"]["port"], 4000);
  EXPECT_EQ(asked(ConfigAction::kGet, "server.host"), "127.0.0.1");
  const auto reset = asked(ConfigAction::kReset);
  EXPECT_EQ(reset["kept_as"], path_ + ".bak");
  EXPECT_EQ(reset["keys_removed"].dump(), R"(["a"])");
  EXPECT_EQ(asked(ConfigAction::kReset)["kept_as"], nullptr);
  ASSERT_TRUE(replace_file(path_, "{\n\"server\": {\"port\": 1.5}, \"odd\": 1}"));
  const auto checked = asked(ConfigAction::kCheck);
  EXPECT_EQ(checked["ok"], false);
  EXPECT_EQ(checked["wrong"][0]["key"], "server.port");
  EXPECT_EQ(checked["warnings"].size(), 1U);
}

TEST_F(ConfigCommand, reports_unknown_keys_beside_what_it_shows) {
  ASSERT_TRUE(replace_file(path_, R"({"server":{"prot":1}})"));
  const Said said = run(ConfigAction::kShow);
  EXPECT_EQ(said.code, kOk);
  EXPECT_NE(said.err.find("unknown key server.prot"), std::string::npos) << said.err;
  EXPECT_EQ(said.out.find("prot\""), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::cli
