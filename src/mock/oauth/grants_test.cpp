// Codes and families of tokens, with a clock of the test's own.
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
  Redemption allow() {
    Consent consent{"client", "http://localhost:1/callback", "a b", "state",
                    base64url(sha256(kVerifier))};
    Redemption fitting{"", consent.client_id, consent.redirect_uri, consent.state, kVerifier};
    fitting.code = grants.allow(std::move(consent), now);
    return fitting;
  }
  Tokens sign_in() {
    const auto tokens = grants.redeem(allow(), terms, now);
    EXPECT_TRUE(tokens) << (tokens ? "" : tokens.error().message);
    return tokens.value_or(Tokens{});
  }
  Result<Tokens> renew(const std::string& token, const std::string& client = "client") {
    return grants.renew(token, client, terms, now);
  }
  [[nodiscard]] bool is_good(const Tokens& tokens) const {
    return grants.is_good(tokens.access, now);
  }

  Grants grants;
  Terms terms;
  Clock::time_point now{};
};

TEST_F(GrantsTest, a_code_becomes_a_pair_of_tokens) {
  const Tokens tokens = sign_in();
  EXPECT_TRUE(tokens.access.starts_with("sk-ant-oat01-mock")) << tokens.access;
  EXPECT_TRUE(tokens.refresh.starts_with("sk-ant-ort01-mock")) << tokens.refresh;
  EXPECT_EQ(tokens.scope, "a b");
  EXPECT_TRUE(is_good(tokens));
  EXPECT_FALSE(grants.is_good(tokens.refresh, now));
  EXPECT_NE(sign_in().access, tokens.access);
  EXPECT_EQ(grants.families().size(), 2U);
}

TEST_F(GrantsTest, whoever_redeems_must_fit_the_consent) {
  const struct {
    const char* says;
    std::string Redemption::*member;
    std::string value;
  } kRows[] = {{"the client", &Redemption::client_id, "other"},
               {"the redirect", &Redemption::redirect_uri, "http://localhost:2/callback"},
               {"the state", &Redemption::state, "other"},
               {"the verifier", &Redemption::verifier, std::string(43, 'w')},
               {"a challenge is no verifier", &Redemption::verifier, base64url(sha256(kVerifier))},
               {"the code", &Redemption::code, "mock_code_other"}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.says);
    Redemption given = allow();
    given.*row.member = row.value;
    const auto tokens = grants.redeem(given, terms, now);
    ASSERT_FALSE(tokens);
    EXPECT_EQ(tokens.error().code, "invalid_grant");
  }
  EXPECT_TRUE(grants.families().empty());
}

TEST_F(GrantsTest, every_try_spends_its_code) {
  const Redemption good = allow();
  EXPECT_TRUE(grants.redeem(good, terms, now));
  EXPECT_FALSE(grants.redeem(good, terms, now));
  const Redemption tried = allow();
  Redemption wrong = tried;
  wrong.state = "other";
  EXPECT_FALSE(grants.redeem(wrong, terms, now));
  EXPECT_FALSE(grants.redeem(tried, terms, now));
}

TEST_F(GrantsTest, a_code_lives_ten_minutes) {
  const Redemption early = allow(), late = allow();
  now += minutes(10) - seconds(1);
  EXPECT_TRUE(grants.redeem(early, terms, now));
  now += seconds(1);
  EXPECT_FALSE(grants.redeem(late, terms, now));
}

TEST_F(GrantsTest, each_refresh_gives_a_new_pair) {
  const Tokens first = sign_in();
  const auto second = renew(first.refresh);
  ASSERT_TRUE(second);
  EXPECT_NE(second->refresh, first.refresh);
  EXPECT_NE(second->access, first.access);
  EXPECT_EQ(second->scope, "a b");
  EXPECT_TRUE(is_good(*second));
  EXPECT_TRUE(is_good(first)) << "it has not expired yet";
  EXPECT_TRUE(renew(second->refresh));
  EXPECT_EQ(grants.families()[0].rotations, 2U);
  EXPECT_EQ(grants.reused(), 0U);
}

TEST_F(GrantsTest, a_spent_refresh_token_ends_its_family_and_no_other) {
  const Tokens first = sign_in(), other = sign_in();
  const auto second = renew(first.refresh);
  ASSERT_TRUE(second);
  const auto again = renew(first.refresh);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "invalid_grant");
  EXPECT_EQ(again.error().message, "Refresh token not found or invalid");
  EXPECT_EQ(grants.reused(), 1U);
  EXPECT_FALSE(renew(second->refresh)) << "the token that was good goes with it";
  EXPECT_FALSE(is_good(*second));
  EXPECT_TRUE(grants.families()[0].revoked);
  EXPECT_FALSE(grants.families()[1].revoked);
  EXPECT_TRUE(is_good(other));
  EXPECT_TRUE(renew(other.refresh));
}

TEST_F(GrantsTest, a_refresh_token_that_is_unknown_or_not_the_clients_does_no_harm) {
  const Tokens tokens = sign_in();
  EXPECT_FALSE(renew("sk-ant-ort01-mock-unknown"));
  EXPECT_FALSE(renew(""));
  EXPECT_FALSE(renew(tokens.access));
  EXPECT_FALSE(renew(tokens.refresh, "other"));
  EXPECT_EQ(grants.reused(), 0U);
  EXPECT_TRUE(renew(tokens.refresh));
}

TEST_F(GrantsTest, an_access_token_lives_as_long_as_the_terms_said) {
  terms.lifetime = seconds(60);
  const Tokens tokens = sign_in();
  terms.lifetime = seconds(1);
  now += seconds(59);
  EXPECT_TRUE(is_good(tokens));
  now += seconds(1);
  EXPECT_FALSE(is_good(tokens));
  EXPECT_TRUE(renew(tokens.refresh)) << "the refresh token outlives it";
  EXPECT_FALSE(grants.is_good("sk-ant-oat01-mock-unknown", now));
}

TEST_F(GrantsTest, without_a_new_refresh_token_the_old_one_stays_good) {
  const Tokens tokens = sign_in();
  terms.omits_refresh_token = true;
  for (int i = 0; i < 2; ++i) {
    const auto renewed = renew(tokens.refresh);
    ASSERT_TRUE(renewed);
    EXPECT_EQ(renewed->refresh, "");
    EXPECT_TRUE(is_good(*renewed));
  }
  EXPECT_EQ(grants.families()[0].rotations, 0U);
  EXPECT_EQ(sign_in().refresh, "");
  EXPECT_FALSE(renew("")) << "a family without one is not renewed by nothing";
}

TEST_F(GrantsTest, expiry_leaves_refresh_tokens_and_revoking_leaves_nothing) {
  const Tokens first = sign_in();
  grants.expire_all();
  EXPECT_FALSE(is_good(first));
  const auto second = renew(first.refresh);
  ASSERT_TRUE(second);
  EXPECT_TRUE(is_good(*second));
  grants.revoke_all();
  EXPECT_FALSE(is_good(*second));
  EXPECT_FALSE(renew(second->refresh));
  EXPECT_TRUE(is_good(sign_in())) << "a new sign-in is a new family";
}

TEST_F(GrantsTest, the_oldest_families_go_first) {
  const Tokens oldest = sign_in();
  Tokens newest;
  for (int i = 0; i < 1000; ++i) newest = sign_in();
  EXPECT_EQ(grants.families().size(), 1000U);
  EXPECT_FALSE(is_good(oldest));
  EXPECT_TRUE(is_good(newest));
}

}  // namespace
}  // namespace ccproxy::mock
