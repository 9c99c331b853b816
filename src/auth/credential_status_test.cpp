#include "auth/credential_status.hpp"

#include <gtest/gtest.h>

#include "auth/auth_fixture.hpp"

namespace ccproxy::auth {
namespace {

using config::CredentialSource;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

StoredCredential good_for(std::chrono::milliseconds life, bool has_obtained) {
  StoredCredential stored;
  const auto now = WallClock::now();
  stored.expires = now + life;
  if (has_obtained) stored.document["obtained"] = in(std::chrono::milliseconds(0));
  return stored;
}

TEST(CredentialStatus, renews_a_token_five_minutes_before_it_expires) {
  const StoredCredential stored = good_for(hours(8), true);
  EXPECT_EQ(renewal_time(stored), *stored.expires - minutes(5));
  EXPECT_EQ(renewal_time(good_for(hours(8), false)) + minutes(5) - WallClock::now() > hours(7),
            true);
}

TEST(CredentialStatus, renews_a_short_lived_token_in_its_last_quarter) {
  const StoredCredential stored = good_for(minutes(4), true);
  EXPECT_NEAR(std::chrono::duration<double>(*stored.expires - renewal_time(stored)).count(), 60, 1);
}

TEST(CredentialStatus, requires_a_login_after_a_refusal) {
  CredentialCandidate candidate{CredentialSource::kLogin};
  candidate.stored = good_for(hours(8), true);
  candidate.stored->refresh = "rt";
  candidate.credential = {CredentialKind::kOauth, "at"};
  const CredentialStatus fine = choose(CredentialSource::kAuto, {candidate}, false);
  EXPECT_EQ(fine.state, State::kReady);
  EXPECT_TRUE(fine.renewable);
  const CredentialStatus over = choose(CredentialSource::kAuto, {candidate}, true);
  EXPECT_EQ(over.state, State::kLoginRequired);
  EXPECT_FALSE(over.renewable);
  EXPECT_FALSE(over.renew_at);
  EXPECT_NE(error_of(over).message.find("login required"), std::string::npos);
  EXPECT_EQ(error_of(over).code, "upstream_auth");
}

TEST(CredentialStatus, does_not_renew_without_a_refresh_token) {
  CredentialCandidate candidate{CredentialSource::kLogin};
  candidate.stored = good_for(hours(1), true);
  EXPECT_FALSE(choose(CredentialSource::kAuto, {candidate}, false).renewable);
}

TEST(CredentialStatus, expires_at_its_time) {
  CredentialStatus credential_status;
  EXPECT_FALSE(has_expired(credential_status, WallClock::now()));
  credential_status.expires = WallClock::now();
  EXPECT_TRUE(has_expired(credential_status, *credential_status.expires));
  EXPECT_FALSE(has_expired(credential_status, *credential_status.expires - seconds(1)));
}

TEST(CredentialStatus, names_who_pays) {
  CredentialCandidate candidate{CredentialSource::kLogin, {CredentialKind::kOauth, "at"}};
  EXPECT_NE(billing_of(choose(CredentialSource::kAuto, {candidate}, false)).find("subscription"),
            std::string::npos);
  EXPECT_EQ(billing_of(choose(CredentialSource::kAuto, {}, false)), "");
}

}  // namespace
}  // namespace ccproxy::auth
