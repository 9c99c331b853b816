#include "auth/sources.hpp"

#include <gtest/gtest.h>

#include "auth/auth_fixture.hpp"
#include "auth/credential_status.hpp"

namespace ccproxy::auth {
namespace {

using config::CredentialSource;
using std::chrono::hours;

// A machine on which every source exists.
Sources full(const Home& home) {
  home.write("auth.json", sign_in(hours(8)));
  home.write("anthropic/credentials/default.json",
             R"({"version":1,"type":"oauth_token","access_token":"sk-ant-oat01-console"})");
  Sources sources;
  sources.auth_path = home.auth();
  sources.api_key = "sk-env";
  sources.auth_token = "gateway";
  sources.oauth_token = "sk-ant-oat01-env";
  sources.console_folder = home.at("anthropic");
  return sources;
}

TEST(Sources, are_found_in_order_and_the_first_is_used) {
  const Home home;
  const auto candidates = find_candidates(full(home));
  ASSERT_EQ(candidates.size(), 5U);
  const CredentialStatus credential_status = choose(CredentialSource::kAuto, candidates, false);
  EXPECT_EQ(credential_status.source, CredentialSource::kLogin);
  EXPECT_EQ(credential_status.credential.secret, "at-1");
  const std::vector<CredentialSource> rest = {
      CredentialSource::kApiKeyEnv, CredentialSource::kAuthTokenEnv,
      CredentialSource::kOauthTokenEnv, CredentialSource::kConsoleProfile};
  EXPECT_EQ(credential_status.shadowed, rest);
}

TEST(Sources, can_be_chosen_by_name) {
  const Home home;
  const auto candidates = find_candidates(full(home));
  struct Case {
    CredentialSource wanted;
    CredentialKind kind;
    std::string secret;
    std::string_view called;
  };
  for (const Case& one : std::vector<Case>{
           {CredentialSource::kLogin, CredentialKind::kOauth, "at-1", "oauth"},
           {CredentialSource::kApiKeyEnv, CredentialKind::kApiKey, "sk-env", "api-key"},
           {CredentialSource::kAuthTokenEnv, CredentialKind::kBearer, "gateway", "auth-token"},
           {CredentialSource::kOauthTokenEnv, CredentialKind::kOauth, "sk-ant-oat01-env", "token"},
           {CredentialSource::kConsoleProfile, CredentialKind::kOauth, "sk-ant-oat01-console",
            "console"},
           {CredentialSource::kClient, CredentialKind::kClient, "", "client"}}) {
    const CredentialStatus credential_status = choose(one.wanted, candidates, false);
    EXPECT_EQ(credential_status.state, State::kReady);
    EXPECT_EQ(credential_status.credential.kind, one.kind) << one.called;
    EXPECT_EQ(credential_status.credential.secret, one.secret);
    EXPECT_EQ(kind_of(credential_status), one.called);
  }
}

TEST(Sources, are_not_replaced_when_the_chosen_one_is_missing) {
  Sources sources;
  sources.api_key = "sk-env";
  const CredentialStatus credential_status =
      choose(CredentialSource::kLogin, find_candidates(sources), false);
  EXPECT_EQ(credential_status.state, State::kMissing);
  EXPECT_EQ(credential_status.credential.kind, CredentialKind::kNone);
  EXPECT_EQ(error_of(credential_status).kind, ErrorKind::kUnauthorized);
  EXPECT_NE(error_of(credential_status).message.find("credentials: login"), std::string::npos);
}

TEST(Sources, are_not_replaced_when_the_first_one_is_broken) {
  const Home home;
  Sources sources = full(home);
  home.write("auth.json", "nonsense");
  const CredentialStatus credential_status =
      choose(CredentialSource::kAuto, find_candidates(sources), false);
  EXPECT_EQ(credential_status.state, State::kUnusable);
  EXPECT_EQ(credential_status.source, CredentialSource::kLogin);
  EXPECT_NE(credential_status.problem.find(home.auth()), std::string::npos)
      << "the person at this machine reads it";
  EXPECT_EQ(error_of(credential_status).message.find(home.auth()), std::string::npos)
      << "a client reads it";
}

TEST(Sources, strip_blanks_around_environment_values_and_nothing_else) {
  Sources sources;
  sources.api_key = " sk-env\r\n";
  EXPECT_EQ(find_candidates(sources).at(0).credential.secret, "sk-env");
  sources.api_key = "sk\r\nx-evil: 1";
  EXPECT_EQ(find_candidates(sources).at(0).credential.secret, "");
  EXPECT_NE(find_candidates(sources).at(0).problem, "");
  EXPECT_EQ(find_candidates(sources).at(0).problem.find("evil"), std::string::npos);
  sources.api_key = " \n";
  EXPECT_TRUE(find_candidates(sources).empty());
}

TEST(Sources, use_the_named_the_active_or_the_default_console_profile) {
  const Home home;
  Sources sources;
  sources.console_folder = home.at("anthropic");
  EXPECT_TRUE(find_candidates(sources).empty());
  for (const char* name : {"default", "work", "play"})
    home.write(std::string("anthropic/credentials/") + name + ".json",
               Document{{"access_token", name}, {"expires_at", 1790000000}}.dump());
  EXPECT_EQ(find_candidates(sources).at(0).credential.secret, "default");
  home.write("anthropic/active_config", "work\n");
  EXPECT_EQ(find_candidates(sources).at(0).credential.secret, "work");
  sources.console_profile = "play";
  EXPECT_EQ(find_candidates(sources).at(0).credential.secret, "play");
  EXPECT_EQ(find_candidates(sources).at(0).expires,
            WallClock::time_point(std::chrono::seconds(1790000000)));
  for (const char* name : {"../../auth", "/etc/passwd", "..", ".hidden", "a/b"}) {
    sources.console_profile = name;
    EXPECT_TRUE(find_candidates(sources).empty()) << name;
  }
}

TEST(Sources, report_a_console_profile_that_cannot_be_used) {
  const Home home;
  Sources sources;
  sources.console_folder = home.at("anthropic");
  for (const char* text : {"", "{", "[]", "{}", R"({"access_token":5})"}) {
    home.write("anthropic/credentials/default.json", text);
    const CredentialStatus credential_status =
        choose(CredentialSource::kAuto, find_candidates(sources), false);
    EXPECT_EQ(credential_status.state, State::kUnusable) << text;
    EXPECT_NE(credential_status.problem, "") << text;
  }
}

}  // namespace
}  // namespace ccproxy::auth
