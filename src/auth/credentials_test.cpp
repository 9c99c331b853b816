#include "auth/credentials.hpp"

#include <gtest/gtest.h>

namespace ccproxy::auth {
namespace {

using config::CredentialSource;

TEST(Credentials, an_api_key_from_the_environment_is_used) {
  const Credentials credentials(CredentialSource::kAuto, Sources{"sk-test"});
  ASSERT_TRUE(credentials.current());
  EXPECT_EQ(credentials.current()->kind, CredentialKind::kApiKey);
  EXPECT_EQ(credentials.current()->secret, "sk-test");
  EXPECT_EQ(credentials.kind_name(), "api-key");
}

TEST(Credentials, the_clients_own_wins_when_it_is_asked_for) {
  const Credentials credentials(CredentialSource::kClient, Sources{"sk-test"});
  EXPECT_EQ(credentials.current()->kind, CredentialKind::kClient);
  EXPECT_EQ(credentials.current()->secret, "");
}

TEST(Credentials, none_is_an_error_that_says_what_to_do) {
  for (const auto wanted : {CredentialSource::kAuto, CredentialSource::kApiKeyEnv}) {
    const Credentials credentials(wanted, Sources{});
    ASSERT_FALSE(credentials.current());
    EXPECT_EQ(credentials.current().error().kind, ErrorKind::kUnauthorized);
    EXPECT_NE(credentials.current().error().message.find("ANTHROPIC_API_KEY"), std::string::npos);
    EXPECT_EQ(credentials.kind_name(), "none");
  }
}

}  // namespace
}  // namespace ccproxy::auth
