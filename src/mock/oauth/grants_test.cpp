// Tests codes and token families with a clock that the test sets.
#include "mock/oauth/grants.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/digest.hpp"
#include "base/encoding.hpp"

namespace ccproxy::mock {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const std::string kVerifier(43, 'v');

class GrantsTest : public testing::Test {
 protected:
  CodeExchange code_exchange() {
    Consent consent{"client", "http://localhost:1/callback", "a b", "state",
                    base64url(sha256(kVerifier))};
    CodeExchange exchange{"", consent.client_id, consent.redirect_uri, consent.state, kVerifier};
    exchange.code = grants.issue_code(std::move(consent), now);
    return exchange;
  }
  Tokens sign_in() {
    const auto tokens = grants.exchange_code(code_exchange(), policy, now);
    EXPECT_TRUE(tokens) << (tokens ? "" : tokens.error().message);
    return tokens.value_or(Tokens{});
  }
  Result<Tokens> refresh(const std::string& token, const std::string& client = "client") {
    return grants.refresh(token, client, policy, now);
  }
  [[nodiscard]] bool is_valid(const Tokens& tokens) const {
    return grants.is_valid(tokens.access, now);
  }

  Grants grants;
  TokenPolicy policy;
  Clock::time_point now{};
};

TEST_F(GrantsTest, exchanges_a_code_for_a_pair_of_tokens) {
  const Tokens tokens = sign_in();
  EXPECT_TRUE(tokens.access.starts_with("sk-ant-oat01-mock")) << tokens.access;
  EXPECT_TRUE(tokens.refresh.starts_with("sk-ant-ort01-mock")) << tokens.refresh;
  EXPECT_EQ(tokens.scope, "a b");
  EXPECT_TRUE(is_valid(tokens));
  EXPECT_FALSE(grants.is_valid(tokens.refresh, now));
  EXPECT_NE(sign_in().access, tokens.access);
  EXPECT_EQ(grants.families().size(), 2U);
}

TEST_F(GrantsTest, refuses_an_exchange_that_does_not_match_the_consent) {
  const struct {
    const char* name;
    std::string CodeExchange::*member;
    std::string value;
  } kRows[] = {
      {"the client", &CodeExchange::client_id, "other"},
      {"the redirect", &CodeExchange::redirect_uri, "http://localhost:2/callback"},
      {"the state", &CodeExchange::state, "other"},
      {"the verifier", &CodeExchange::verifier, std::string(43, 'w')},
      {"a challenge is no verifier", &CodeExchange::verifier, base64url(sha256(kVerifier))},
      {"the code", &CodeExchange::code, "mock_code_other"}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    CodeExchange exchange = code_exchange();
    exchange.*row.member = row.value;
    const auto tokens = grants.exchange_code(exchange, policy, now);
    ASSERT_FALSE(tokens);
    EXPECT_EQ(tokens.error().code, "invalid_grant");
  }
  EXPECT_TRUE(grants.families().empty());
}

TEST_F(GrantsTest, code_is_spent_by_every_attempt) {
  const CodeExchange good = code_exchange();
  EXPECT_TRUE(grants.exchange_code(good, policy, now));
  EXPECT_FALSE(grants.exchange_code(good, policy, now));
  const CodeExchange tried = code_exchange();
  CodeExchange wrong = tried;
  wrong.state = "other";
  EXPECT_FALSE(grants.exchange_code(wrong, policy, now));
  EXPECT_FALSE(grants.exchange_code(tried, policy, now));
}

TEST_F(GrantsTest, code_is_valid_for_ten_minutes) {
  const CodeExchange early = code_exchange(), late = code_exchange();
  now += minutes(10) - seconds(1);
  EXPECT_TRUE(grants.exchange_code(early, policy, now));
  now += seconds(1);
  EXPECT_FALSE(grants.exchange_code(late, policy, now));
}

TEST_F(GrantsTest, refresh_issues_a_new_pair) {
  const Tokens first = sign_in();
  const auto second = refresh(first.refresh);
  ASSERT_TRUE(second);
  EXPECT_NE(second->refresh, first.refresh);
  EXPECT_NE(second->access, first.access);
  EXPECT_EQ(second->scope, "a b");
  EXPECT_TRUE(is_valid(*second));
  EXPECT_TRUE(is_valid(first)) << "it has not expired yet";
  EXPECT_TRUE(refresh(second->refresh));
  EXPECT_EQ(grants.families()[0].rotations, 2U);
  EXPECT_EQ(grants.reused(), 0U);
}

TEST_F(GrantsTest, reused_refresh_token_revokes_its_family_only) {
  const Tokens first = sign_in(), other = sign_in();
  const auto second = refresh(first.refresh);
  ASSERT_TRUE(second);
  const auto again = refresh(first.refresh);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "invalid_grant");
  EXPECT_EQ(again.error().message, "Refresh token not found or invalid");
  EXPECT_EQ(grants.reused(), 1U);
  EXPECT_FALSE(refresh(second->refresh)) << "the token that was good goes with it";
  EXPECT_FALSE(is_valid(*second));
  EXPECT_TRUE(grants.families()[0].revoked);
  EXPECT_FALSE(grants.families()[1].revoked);
  EXPECT_TRUE(is_valid(other));
  EXPECT_TRUE(refresh(other.refresh));
}

TEST_F(GrantsTest, unknown_refresh_token_or_other_client_changes_nothing) {
  const Tokens tokens = sign_in();
  EXPECT_FALSE(refresh("sk-ant-ort01-mock-unknown"));
  EXPECT_FALSE(refresh(""));
  EXPECT_FALSE(refresh(tokens.access));
  EXPECT_FALSE(refresh(tokens.refresh, "other"));
  EXPECT_EQ(grants.reused(), 0U);
  EXPECT_TRUE(refresh(tokens.refresh));
}

TEST_F(GrantsTest, access_token_expires_as_the_policy_said_at_its_issue) {
  policy.lifetime = seconds(60);
  const Tokens tokens = sign_in();
  policy.lifetime = seconds(1);
  now += seconds(59);
  EXPECT_TRUE(is_valid(tokens));
  now += seconds(1);
  EXPECT_FALSE(is_valid(tokens));
  EXPECT_TRUE(refresh(tokens.refresh)) << "the refresh token outlives it";
  EXPECT_FALSE(grants.is_valid("sk-ant-oat01-mock-unknown", now));
}

TEST_F(GrantsTest, refresh_token_stays_valid_when_none_is_issued) {
  const Tokens tokens = sign_in();
  policy.omits_refresh_token = true;
  for (int i = 0; i < 2; ++i) {
    const auto renewed = refresh(tokens.refresh);
    ASSERT_TRUE(renewed);
    EXPECT_EQ(renewed->refresh, "");
    EXPECT_TRUE(is_valid(*renewed));
  }
  EXPECT_EQ(grants.families()[0].rotations, 0U);
  EXPECT_EQ(sign_in().refresh, "");
  EXPECT_FALSE(refresh("")) << "a family without one is not renewed by nothing";
}

TEST_F(GrantsTest, expire_all_keeps_refresh_tokens_and_revoke_all_keeps_nothing) {
  const Tokens first = sign_in();
  grants.expire_all();
  EXPECT_FALSE(is_valid(first));
  const auto second = refresh(first.refresh);
  ASSERT_TRUE(second);
  EXPECT_TRUE(is_valid(*second));
  grants.revoke_all();
  EXPECT_FALSE(is_valid(*second));
  EXPECT_FALSE(refresh(second->refresh));
  EXPECT_TRUE(is_valid(sign_in())) << "a new sign-in is a new family";
}

TEST_F(GrantsTest, oldest_families_are_dropped_first) {
  const Tokens oldest = sign_in();
  Tokens newest;
  for (int i = 0; i < 1000; ++i) newest = sign_in();
  EXPECT_EQ(grants.families().size(), 1000U);
  EXPECT_FALSE(is_valid(oldest));
  EXPECT_TRUE(is_valid(newest));
}

}  // namespace
}  // namespace ccproxy::mock
