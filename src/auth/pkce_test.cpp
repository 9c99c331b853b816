#include "auth/pkce.hpp"

#include <gtest/gtest.h>

namespace ccproxy::auth {
namespace {

TEST(Pkce, the_challenge_is_that_of_rfc_7636_appendix_b) {
  EXPECT_EQ(challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(Pkce, attempts_share_nothing) {
  const PkceSession one = begin_attempt("http://localhost:1/callback"), two = begin_attempt("x");
  EXPECT_EQ(one.redirect_uri, "http://localhost:1/callback");
  EXPECT_EQ(one.verifier.size(), 43U);
  EXPECT_NE(one.verifier, two.verifier);
  EXPECT_NE(one.state, two.state);
  EXPECT_NE(one.state, one.verifier);
}

}  // namespace
}  // namespace ccproxy::auth
