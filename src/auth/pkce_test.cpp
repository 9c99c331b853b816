#include "auth/pkce.hpp"

#include <gtest/gtest.h>

namespace ccproxy::auth {
namespace {

TEST(Pkce, computes_the_challenge_of_rfc_7636_appendix_b) {
  EXPECT_EQ(challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(Pkce, begins_sessions_that_share_no_value) {
  const PkceSession one = begin_pkce_session("http://localhost:1/callback"),
                    two = begin_pkce_session("x");
  EXPECT_EQ(one.redirect_uri, "http://localhost:1/callback");
  EXPECT_EQ(one.verifier.size(), 43U);
  EXPECT_NE(one.verifier, two.verifier);
  EXPECT_NE(one.state, two.state);
  EXPECT_NE(one.state, one.verifier);
}

}  // namespace
}  // namespace ccproxy::auth
