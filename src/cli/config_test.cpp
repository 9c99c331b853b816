#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "cli/commands.hpp"

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

  static Said run(ConfigAction action, std::string from = "", std::string to = "") {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = config(ConfigFlags{action, std::move(from), std::move(to)});
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

TEST_F(ConfigCommand, reports_unknown_keys_beside_what_it_shows) {
  ASSERT_TRUE(replace_file(path_, R"({"server":{"prot":1}})"));
  const Said said = run(ConfigAction::kShow);
  EXPECT_EQ(said.code, kOk);
  EXPECT_NE(said.err.find("unknown key server.prot"), std::string::npos) << said.err;
  EXPECT_EQ(said.out.find("prot\""), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::cli
