// Tests what a test may do to the simulated authorization server: settings, scripts, faults.
#include <gtest/gtest.h>

#include <string>

#include "mock/oauth/sign_in_fixture.hpp"

namespace ccproxy::mock {
namespace {

class OauthControls : public SignInFixture {};

TEST_F(OauthControls, tokens_are_checked_only_when_set) {
  const std::string unknown = "sk-ant-oat01-mock-unknown";
  EXPECT_EQ(message_status(unknown), 200);
  const Document tokens = sign_in();
  set_settings(R"({"check_tokens":true})");
  EXPECT_EQ(message_with(tokens), 200);
  EXPECT_EQ(message_status("sk-ant-oat01-somebody-elses"), 200);
  EXPECT_EQ(send({}).status, 200) << "an API key is no token";
  const ReceivedReply refused = send(message(unknown));
  EXPECT_EQ(refused.status, 401);
  EXPECT_TRUE(contains(refused.body, "authentication_error")) << refused.body;
  EXPECT_TRUE(contains(refused.body,
                       "OAuth token has expired. Please obtain a new token or refresh your "
                       "existing token."))
      << refused.body;
  set_settings(R"({"check_tokens":false})");
  EXPECT_EQ(message_status(unknown), 200);
}

TEST_F(OauthControls, expire_and_revoke_take_effect_at_once) {
  Document tokens = sign_in();
  set_settings(R"({"check_tokens":true})");
  EXPECT_EQ(send({"POST", "/mock/oauth/expire", ""}).status, 200);
  EXPECT_EQ(message_with(tokens), 401);
  tokens = parse_tokens(request_token(refresh_request(tokens)));
  EXPECT_EQ(message_with(tokens), 200);
  EXPECT_EQ(send({"POST", "/mock/oauth/revoke", ""}).status, 200);
  EXPECT_EQ(message_with(tokens), 401);
  expect_refused(request_token(refresh_request(tokens)), 400, "invalid_grant", "Refresh token");
  EXPECT_EQ(get("/mock/oauth")["families"][0]["revoked"], true);
  EXPECT_EQ(get("/mock/oauth")["reused"], 0);
}

TEST_F(OauthControls, expires_in_sets_the_lifetime_of_tokens) {
  set_settings(R"({"check_tokens":true,"expires_in":0})");
  const Document tokens = sign_in();
  EXPECT_EQ(tokens["expires_in"], 0);
  EXPECT_EQ(message_with(tokens), 401);
  set_settings(R"({"expires_in":60})");
  const Document renewed = parse_tokens(request_token(refresh_request(tokens)));
  EXPECT_EQ(renewed["expires_in"], 60);
  EXPECT_EQ(message_with(renewed), 200);
}

TEST_F(OauthControls, replies_can_omit_the_refresh_token_or_the_account) {
  const Document tokens = sign_in();
  set_settings(R"({"omit_refresh_token":true})");
  for (int i = 0; i < 2; ++i) {
    const Document renewed = parse_tokens(request_token(refresh_request(tokens)));
    EXPECT_FALSE(renewed.contains("refresh_token"));
    EXPECT_TRUE(renewed.contains("account"));
  }
  set_settings(R"({"omit_refresh_token":false,"omit_account":true})");
  const Document renewed = parse_tokens(request_token(refresh_request(tokens)));
  EXPECT_TRUE(renewed.contains("refresh_token"));
  EXPECT_FALSE(renewed.contains("account"));
  EXPECT_FALSE(renewed.contains("organization"));
}

// The client leaves before the reply: with one kind of delay the token is spent by then, with the
// other it is not.
TEST_F(OauthControls, delays_come_before_or_after_the_work) {
  const auto leave_early = [&](const Document& request) {
    const std::string body = request.dump();
    const ReceivedReply reply = send_raw(
        "POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\n"
        "content-type: application/json\r\ncontent-length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body,
        milliseconds(100));
    EXPECT_EQ(reply.head, "");
  };
  Document tokens = sign_in();
  set_settings(R"({"token_delay_before_ms":300})");
  leave_early(refresh_request(tokens));
  const ReceivedReply later = request_token(refresh_request(tokens));
  EXPECT_EQ(get("/mock/oauth")["refreshed"], 1);
  EXPECT_GE(later.time, milliseconds(300));
  tokens = parse_tokens(later);
  set_settings(R"({"token_delay_before_ms":0,"token_delay_ms":300})");
  leave_early(refresh_request(tokens));
  EXPECT_EQ(get("/mock/oauth")["refreshed"], 2);
  const ReceivedReply reused = request_token(refresh_request(tokens));
  EXPECT_GE(reused.time, milliseconds(300));
  expect_refused(reused, 400, "invalid_grant", "Refresh token");
  EXPECT_EQ(get("/mock/oauth")["reused"], 1);
  EXPECT_LT(send({}).time, milliseconds(300)) << "other routes do not wait";
}

TEST_F(OauthControls, scripts_come_before_the_authorization_server) {
  const Document tokens = sign_in();
  set_script(R"({"replies":[
      {"match":{"path":"/v1/oauth/token"},"times":1,"status":429,"headers":{"retry-after":"7"}},
      {"match":{"path":"/v1/oauth/token"},"times":1,"status":400,
       "body":{"error":"invalid_grant","error_description":"Scripted"}},
      {"match":{"path":"/v1/oauth/token"},"times":1,"body":"{\"access_token\":"},
      {"match":{"path":"/v1/oauth/token"},"times":1,"fault":"status=503"},
      {"match":{"path":"/v1/oauth/token"},"times":1,"body":{"a":1},"fault":"reset"},
      {"match":{"path":"/v1/oauth/token"},"times":1,"delay_ms":150},
      {"match":{"method":"GET","path":"/oauth/authorize"},"status":500}]})");
  const ReceivedReply limited = request_token(refresh_request(tokens));
  EXPECT_EQ(limited.status, 429);
  EXPECT_TRUE(contains(limited.head, "retry-after: 7\r\n")) << limited.head;
  expect_refused(request_token(refresh_request(tokens)), 400, "invalid_grant", "Scripted");
  EXPECT_EQ(request_token(refresh_request(tokens)).body, "{\"access_token\":");
  EXPECT_EQ(request_token(refresh_request(tokens)).status, 503);
  EXPECT_TRUE(request_token(refresh_request(tokens)).error);
  EXPECT_EQ(get("/mock/oauth")["refreshed"], 0);
  const ReceivedReply slow = request_token(refresh_request(tokens));
  EXPECT_GE(slow.time, milliseconds(150));
  EXPECT_EQ(slow.status, 200) << "nothing before it spent the token";
  EXPECT_EQ(open_page(authorize_target(valid_parameters())).status, 500);
}

TEST_F(OauthControls, fault_loses_the_reply_after_the_rotation) {
  const Document tokens = sign_in();
  set_script(R"({"replies":[{"match":{"path":"/v1/oauth/token"},"times":1,"fault":"close-mid"}]})");
  EXPECT_FALSE(request_token(refresh_request(tokens)).complete);
  EXPECT_EQ(get("/mock/oauth")["refreshed"], 1);
  EXPECT_EQ(request_token(refresh_request(tokens)).status, 400);
  EXPECT_EQ(get("/mock/oauth")["reused"], 1);
}

TEST_F(OauthControls, script_refuses_a_message_once) {
  set_script(R"({"replies":[{"times":1,"status":401,"error":{"type":"authentication_error",
      "message":"OAuth token has expired."}}]})");
  const Document tokens = sign_in();
  EXPECT_EQ(message_with(tokens), 401);
  EXPECT_EQ(message_with(tokens), 200);
}

TEST_F(OauthControls, show_settings_and_the_last_request_without_secrets) {
  EXPECT_EQ(get("/mock/oauth")["last_request"], nullptr);
  const Document tokens = sign_in();
  const Document exchange = get("/mock/oauth")["last_request"];
  EXPECT_EQ(exchange["grant_type"], "authorization_code");
  EXPECT_EQ(exchange["client_id"], "client-1");
  EXPECT_EQ(exchange["redirect_uri"], kRedirect);
  EXPECT_EQ(exchange["code_verifier"], std::string(64, '*'));
  EXPECT_EQ(exchange["code"], std::string(58, '*'));
  Document body = refresh_request(tokens);
  body["deep"] = {{"secret", 1}};
  (void)request_token(body);
  const Document refresh = get("/mock/oauth")["last_request"];
  EXPECT_EQ(refresh["refresh_token"],
            std::string(tokens["refresh_token"].get<std::string>().size(), '*'));
  EXPECT_EQ(refresh["deep"], "...");
  set_settings(
      R"({"expires_in":5,"token_delay_ms":1,"token_delay_before_ms":2,"omit_account":true})");
  const Document oauth = get("/mock/oauth");
  EXPECT_EQ(oauth["expires_in"], 5);
  EXPECT_EQ(oauth["check_tokens"], false);
  EXPECT_EQ(oauth["token_delay_ms"], 1);
  EXPECT_EQ(oauth["token_delay_before_ms"], 2);
  EXPECT_EQ(oauth["omit_refresh_token"], false);
  EXPECT_EQ(oauth["omit_account"], true);
}

TEST_F(OauthControls, invalid_settings_change_nothing) {
  const struct {
    const char* settings;
    const char* name;
  } kRows[] = {
      {R"({"expires_in":1,"expires":2})", "oauth has an unknown key \\\"expires\\\""},
      {R"({"expires_in":-1})", "oauth.expires_in must be a whole number"},
      {R"({"expires_in":18446744073709551615})", "expires_in above"},
      {R"({"expires_in":1,"check_tokens":"yes"})", "oauth.check_tokens must be true or false"},
      {R"({"token_delay_ms":600001})", "token_delay_ms above 600000"},
      {"[]", "oauth must be an object"},
      {"{", "oauth:"}};
  for (const auto& row : kRows) {
    const ReceivedReply reply = send({"PUT", "/mock/oauth", row.settings});
    EXPECT_EQ(reply.status, 400) << row.settings;
    EXPECT_TRUE(contains(reply.body, row.name)) << reply.body;
  }
  EXPECT_EQ(get("/mock/oauth")["expires_in"], 28800);
  EXPECT_EQ(send({"DELETE", "/mock/oauth", ""}).status, 404);
  EXPECT_EQ(send({"GET", "/mock/oauth/expire", ""}).status, 404);
}

TEST_F(OauthControls, sign_in_requests_are_recorded_like_others) {
  (void)sign_in();
  const Document records = get("/mock/requests");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0]["target"], authorize_target(valid_parameters()) + "&decision=allow");
  EXPECT_EQ(records[1]["target"], "/v1/oauth/token");
  EXPECT_TRUE(contains(records[1]["body"].get<std::string>(), kVerifier));
}

}  // namespace
}  // namespace ccproxy::mock
