#include "anthropic/refusal.hpp"

#include <gtest/gtest.h>

#include <string>

#include "anthropic/error.hpp"

namespace ccproxy::anthropic {
namespace {

Refusal of(int status, const std::string& type, const std::string& message) {
  return refusal_of(status, error_body(type, message, "req_1"));
}

TEST(Refusal, is_recognized_by_the_beginning_of_its_message) {
  EXPECT_EQ(of(400, "invalid_request_error",
               "This credential is only authorized for use with Claude Code and cannot be used")
                .token,
            "subscription_refused");
  EXPECT_EQ(of(400, "invalid_request_error",
               "Third-party apps now draw from your extra usage, not your plan limits.")
                .token,
            "usage_credits_needed");
  EXPECT_EQ(of(400, "invalid_request_error", "You're out of extra usage. Add more").token,
            "usage_credits_spent");
  EXPECT_EQ(of(429, "rate_limit_error", "Extra usage is required for long context requests.").token,
            "long_context_not_included");
}

TEST(Refusal, is_recognized_by_a_bare_word_only_as_the_whole_message) {
  EXPECT_TRUE(of(400, "invalid_request_error", "Error").is_final);
  EXPECT_TRUE(of(429, "rate_limit_error", "Error").is_final);
  EXPECT_EQ(of(400, "invalid_request_error", "Error in messages.0").token, "");
  EXPECT_EQ(of(400, "api_error", "Error").token, "");
}

TEST(Refusal, is_not_final_for_a_credential) {
  const Refusal expired =
      of(401, "authentication_error", "OAuth token has expired. Please obtain a new token");
  EXPECT_EQ(expired.token, "token_expired");
  EXPECT_FALSE(expired.is_final);
  EXPECT_EQ(of(403, "permission_error", "OAuth token has been revoked.").token, "login_required");
  EXPECT_EQ(of(403, "permission_error", "OAuth token does not meet scope requirement user:x").token,
            "login_required");
}

TEST(Refusal, is_empty_for_other_errors_and_other_bodies) {
  EXPECT_EQ(of(400, "invalid_request_error", "max_tokens: field required").token, "");
  EXPECT_EQ(of(401, "authentication_error", "x-api-key header is required").token, "");
  for (const char* body : {"", "{", "[]", "null", "{\"error\":1}", "{\"error\":{\"message\":5}}",
                           "{\"error\":{\"message\":\"This cred", "<html>"})
    EXPECT_EQ(refusal_of(400, body).token, "") << body;
}

}  // namespace
}  // namespace ccproxy::anthropic
