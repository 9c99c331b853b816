// What a test may do to the simulated authorization server: settings, scripts, faults.
#include <gtest/gtest.h>

#include <string>

#include "mock/oauth/sign_in_fixture.hpp"

namespace ccproxy::mock {
namespace {

TEST_F(SigningIn, tokens_are_looked_at_only_when_asked_to) {
  const std::string unknown = "sk-ant-oat01-mock-unknown";
  EXPECT_EQ(message_under(unknown), 200);
  const Document tokens = sign_in();
  set(R"({"check_tokens":true})");
  EXPECT_EQ(message_with(tokens), 200);
  EXPECT_EQ(message_under("sk-ant-oat01-somebody-elses"), 200);
  EXPECT_EQ(ask({}).status, 200) << "an API key is no token";
  const Seen refused = ask(message(unknown));
  EXPECT_EQ(refused.status, 401);
  EXPECT_TRUE(contains(refused.body, "authentication_error")) << refused.body;
  EXPECT_TRUE(contains(refused.body,
                       "OAuth token has expired. Please obtain a new token or refresh your "
                       "existing token."))
      << refused.body;
  set(R"({"check_tokens":false})");
  EXPECT_EQ(message_under(unknown), 200);
}

TEST_F(SigningIn, expiry_and_revocation_come_at_the_push_of_a_button) {
  Document tokens = sign_in();
  set(R"({"check_tokens":true})");
  EXPECT_EQ(ask({"POST", "/mock/oauth/expire", ""}).status, 200);
  EXPECT_EQ(message_with(tokens), 401);
  tokens = parsed(token(renewal(tokens)));
  EXPECT_EQ(message_with(tokens), 200);
  EXPECT_EQ(ask({"POST", "/mock/oauth/revoke", ""}).status, 200);
  EXPECT_EQ(message_with(tokens), 401);
  expect_refused(token(renewal(tokens)), 400, "invalid_grant", "Refresh token");
  EXPECT_EQ(get("/mock/oauth")["families"][0]["revoked"], true);
  EXPECT_EQ(get("/mock/oauth")["reused"], 0);
}

TEST_F(SigningIn, tokens_expire_when_the_settings_say) {
  set(R"({"check_tokens":true,"expires_in":0})");
  const Document tokens = sign_in();
  EXPECT_EQ(tokens["expires_in"], 0);
  EXPECT_EQ(message_with(tokens), 401);
  set(R"({"expires_in":60})");
  const Document renewed = parsed(token(renewal(tokens)));
  EXPECT_EQ(renewed["expires_in"], 60);
  EXPECT_EQ(message_with(renewed), 200);
}

TEST_F(SigningIn, answers_can_lack_a_refresh_token_or_the_account) {
  const Document tokens = sign_in();
  set(R"({"omit_refresh_token":true})");
  for (int i = 0; i < 2; ++i) {
    const Document renewed = parsed(token(renewal(tokens)));
    EXPECT_FALSE(renewed.contains("refresh_token"));
    EXPECT_TRUE(renewed.contains("account"));
  }
  set(R"({"omit_refresh_token":false,"omit_account":true})");
  const Document renewed = parsed(token(renewal(tokens)));
  EXPECT_TRUE(renewed.contains("refresh_token"));
  EXPECT_FALSE(renewed.contains("account"));
  EXPECT_FALSE(renewed.contains("organization"));
}

// The client leaves before the answer: with one delay the token is spent by then, with the other
// not.
TEST_F(SigningIn, work_is_done_before_or_after_the_delay) {
  const auto leave_early = [&](const Document& asked) {
    const std::string body = asked.dump();
    const Seen seen =
        raw("POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\n"
            "content-type: application/json\r\ncontent-length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body,
            milliseconds(100));
    EXPECT_EQ(seen.head, "");
  };
  Document tokens = sign_in();
  set(R"({"token_delay_before_ms":300})");
  leave_early(renewal(tokens));
  const Seen later = token(renewal(tokens));
  EXPECT_EQ(get("/mock/oauth")["refreshed"], 1);
  EXPECT_GE(later.time, milliseconds(300));
  tokens = parsed(later);
  set(R"({"token_delay_before_ms":0,"token_delay_ms":300})");
  leave_early(renewal(tokens));
  EXPECT_EQ(get("/mock/oauth")["refreshed"], 2);
  const Seen reused = token(renewal(tokens));
  EXPECT_GE(reused.time, milliseconds(300));
  expect_refused(reused, 400, "invalid_grant", "Refresh token");
  EXPECT_EQ(get("/mock/oauth")["reused"], 1);
  EXPECT_LT(ask({}).time, milliseconds(300)) << "other routes do not wait";
}

TEST_F(SigningIn, scripts_come_first) {
  const Document tokens = sign_in();
  script(R"({"replies":[
      {"match":{"path":"/v1/oauth/token"},"times":1,"status":429,"headers":{"retry-after":"7"}},
      {"match":{"path":"/v1/oauth/token"},"times":1,"status":400,
       "body":{"error":"invalid_grant","error_description":"Scripted"}},
      {"match":{"path":"/v1/oauth/token"},"times":1,"body":"{\"access_token\":"},
      {"match":{"path":"/v1/oauth/token"},"times":1,"fault":"status=503"},
      {"match":{"path":"/v1/oauth/token"},"times":1,"body":{"a":1},"fault":"reset"},
      {"match":{"path":"/v1/oauth/token"},"times":1,"delay_ms":150},
      {"match":{"method":"GET","path":"/oauth/authorize"},"status":500}]})");
  const Seen limited = token(renewal(tokens));
  EXPECT_EQ(limited.status, 429);
  EXPECT_TRUE(contains(limited.head, "retry-after: 7\r\n")) << limited.head;
  expect_refused(token(renewal(tokens)), 400, "invalid_grant", "Scripted");
  EXPECT_EQ(token(renewal(tokens)).body, "{\"access_token\":");
  EXPECT_EQ(token(renewal(tokens)).status, 503);
  EXPECT_TRUE(token(renewal(tokens)).error);
  EXPECT_EQ(get("/mock/oauth")["refreshed"], 0);
  const Seen slow = token(renewal(tokens));
  EXPECT_GE(slow.time, milliseconds(150));
  EXPECT_EQ(slow.status, 200) << "nothing before it spent the token";
  EXPECT_EQ(visit(target_of(sound())).status, 500);
}

TEST_F(SigningIn, a_fault_alone_loses_the_answer_of_a_server_that_has_rotated) {
  const Document tokens = sign_in();
  script(R"({"replies":[{"match":{"path":"/v1/oauth/token"},"times":1,"fault":"close-mid"}]})");
  EXPECT_FALSE(token(renewal(tokens)).complete);
  EXPECT_EQ(get("/mock/oauth")["refreshed"], 1);
  EXPECT_EQ(token(renewal(tokens)).status, 400);
  EXPECT_EQ(get("/mock/oauth")["reused"], 1);
}

TEST_F(SigningIn, a_message_can_be_refused_once) {
  script(R"({"replies":[{"times":1,"status":401,"error":{"type":"authentication_error",
      "message":"OAuth token has expired."}}]})");
  const Document tokens = sign_in();
  EXPECT_EQ(message_with(tokens), 401);
  EXPECT_EQ(message_with(tokens), 200);
}

TEST_F(SigningIn, shows_its_settings_and_the_last_request_without_secrets) {
  EXPECT_EQ(get("/mock/oauth")["last_request"], nullptr);
  const Document tokens = sign_in();
  const Document exchange = get("/mock/oauth")["last_request"];
  EXPECT_EQ(exchange["grant_type"], "authorization_code");
  EXPECT_EQ(exchange["client_id"], "client-1");
  EXPECT_EQ(exchange["redirect_uri"], kRedirect);
  EXPECT_EQ(exchange["code_verifier"], std::string(64, '*'));
  EXPECT_EQ(exchange["code"], std::string(58, '*'));
  Document asked = renewal(tokens);
  asked["deep"] = {{"secret", 1}};
  (void)token(asked);
  const Document refresh = get("/mock/oauth")["last_request"];
  EXPECT_EQ(refresh["refresh_token"],
            std::string(tokens["refresh_token"].get<std::string>().size(), '*'));
  EXPECT_EQ(refresh["deep"], "...");
  set(R"({"expires_in":5,"token_delay_ms":1,"token_delay_before_ms":2,"omit_account":true})");
  const Document oauth = get("/mock/oauth");
  EXPECT_EQ(oauth["expires_in"], 5);
  EXPECT_EQ(oauth["check_tokens"], false);
  EXPECT_EQ(oauth["token_delay_ms"], 1);
  EXPECT_EQ(oauth["token_delay_before_ms"], 2);
  EXPECT_EQ(oauth["omit_refresh_token"], false);
  EXPECT_EQ(oauth["omit_account"], true);
}

TEST_F(SigningIn, wrong_settings_change_nothing) {
  const struct {
    const char* settings;
    const char* says;
  } kRows[] = {
      {R"({"expires_in":1,"expires":2})", "oauth has an unknown key \\\"expires\\\""},
      {R"({"expires_in":-1})", "oauth.expires_in must be a whole number"},
      {R"({"expires_in":18446744073709551615})", "expires_in above"},
      {R"({"expires_in":1,"check_tokens":"yes"})", "oauth.check_tokens must be true or false"},
      {R"({"token_delay_ms":600001})", "token_delay_ms above 600000"},
      {"[]", "oauth must be an object"},
      {"{", "oauth:"}};
  for (const auto& row : kRows) {
    const Seen seen = ask({"PUT", "/mock/oauth", row.settings});
    EXPECT_EQ(seen.status, 400) << row.settings;
    EXPECT_TRUE(contains(seen.body, row.says)) << seen.body;
  }
  EXPECT_EQ(get("/mock/oauth")["expires_in"], 28800);
  EXPECT_EQ(ask({"DELETE", "/mock/oauth", ""}).status, 404);
  EXPECT_EQ(ask({"GET", "/mock/oauth/expire", ""}).status, 404);
}

TEST_F(SigningIn, its_requests_are_recorded_like_others) {
  (void)sign_in();
  const Document records = get("/mock/requests");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0]["target"], target_of(sound()) + "&decision=allow");
  EXPECT_EQ(records[1]["target"], "/v1/oauth/token");
  EXPECT_TRUE(contains(records[1]["body"].get<std::string>(), kVerifier));
}

}  // namespace
}  // namespace ccproxy::mock
