#include "auth/standing.hpp"

#include <gtest/gtest.h>

#include "auth/auth_fixture.hpp"

namespace ccproxy::auth {
namespace {

using config::CredentialSource;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Stored good_for(std::chrono::milliseconds life, bool says_when_it_began) {
  Stored stored;
  const auto now = WallClock::now();
  stored.expires = now + life;
  if (says_when_it_began) stored.document["obtained"] = in(std::chrono::milliseconds(0));
  return stored;
}

TEST(CredentialStatus, a_token_is_renewed_five_minutes_before_its_end) {
  const Stored stored = good_for(hours(8), true);
  EXPECT_EQ(renewal_time(stored), *stored.expires - minutes(5));
  EXPECT_EQ(renewal_time(good_for(hours(8), false)) + minutes(5) - WallClock::now() > hours(7),
            true);
}

TEST(CredentialStatus, a_short_lived_token_is_not_renewed_all_the_time) {
  const Stored stored = good_for(minutes(4), true);
  EXPECT_NEAR(std::chrono::duration<double>(*stored.expires - renewal_time(stored)).count(), 60, 1);
}

TEST(CredentialStatus, a_refused_sign_in_needs_a_person) {
  CredentialCandidate offer{CredentialSource::kLogin};
  offer.stored = good_for(hours(8), true);
  offer.stored->refresh = "rt";
  offer.credential = {CredentialKind::kOauth, "at"};
  const CredentialStatus fine = choose(CredentialSource::kAuto, {offer}, false);
  EXPECT_EQ(fine.state, State::kReady);
  EXPECT_TRUE(fine.renewable);
  const CredentialStatus over = choose(CredentialSource::kAuto, {offer}, true);
  EXPECT_EQ(over.state, State::kLoginRequired);
  EXPECT_FALSE(over.renewable);
  EXPECT_FALSE(over.renew_at);
  EXPECT_NE(error_of(over).message.find("login required"), std::string::npos);
  EXPECT_EQ(error_of(over).code, "upstream_auth");
}

TEST(CredentialStatus, one_without_a_refresh_token_is_never_ours_to_renew) {
  CredentialCandidate offer{CredentialSource::kLogin};
  offer.stored = good_for(hours(1), true);
  EXPECT_FALSE(choose(CredentialSource::kAuto, {offer}, false).renewable);
}

TEST(CredentialStatus, expiry_is_a_matter_of_the_moment) {
  CredentialStatus credential_status;
  EXPECT_FALSE(has_expired(credential_status, WallClock::now()));
  credential_status.expires = WallClock::now();
  EXPECT_TRUE(has_expired(credential_status, *credential_status.expires));
  EXPECT_FALSE(has_expired(credential_status, *credential_status.expires - seconds(1)));
}

TEST(CredentialStatus, says_who_pays) {
  CredentialCandidate offer{CredentialSource::kLogin, {CredentialKind::kOauth, "at"}};
  EXPECT_NE(billing_of(choose(CredentialSource::kAuto, {offer}, false)).find("subscription"),
            std::string::npos);
  EXPECT_EQ(billing_of(choose(CredentialSource::kAuto, {}, false)), "");
}

}  // namespace
}  // namespace ccproxy::auth
