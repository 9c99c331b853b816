// Tests the simulated authorization server as a browser and a program see it.
#include "mock/oauth/oauth.hpp"

#include <gtest/gtest.h>

#include <string>

#include "mock/oauth/sign_in_fixture.hpp"

namespace ccproxy::mock {
namespace {

class AuthorizationServer : public SignInFixture {};

TEST_F(AuthorizationServer, asks_for_consent_and_redirects_with_either_decision) {
  const std::string target = authorize_target(valid_parameters());
  const ReceivedReply page = open_page(target);
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.head, "text/html")) << page.head;
  std::string escaped = target;
  for (auto at = escaped.find('&'); at != std::string::npos; at = escaped.find('&', at + 1))
    escaped.insert(at + 1, "amp;");
  EXPECT_TRUE(contains(page.body, "<a href=\"" + escaped + "&amp;decision=allow\">Allow</a>"));
  EXPECT_TRUE(contains(page.body, "<a href=\"" + escaped + "&amp;decision=deny\">Deny</a>"));

  const ReceivedReply allowed = open_page(target + "&decision=allow");
  EXPECT_EQ(allowed.status, 302);
  EXPECT_TRUE(redirect_location(allowed).starts_with(std::string(kRedirect) + "?code=mock_code_"));
  EXPECT_TRUE(redirect_location(allowed).ends_with("&state=state%261")) << allowed.head;
  const ReceivedReply denied = open_page(target + "&decision=deny");
  EXPECT_EQ(denied.status, 302);
  EXPECT_EQ(redirect_location(denied),
            std::string(kRedirect) + "?error=access_denied&state=state%261");
  EXPECT_EQ(get("/mock/oauth")["authorized"], 1);
}

TEST_F(AuthorizationServer, pages_escape_text_of_the_request) {
  const std::string evil = "<b>\"'&";
  const ReceivedReply page = open_page(authorize_target(parameters_with("client_id", evil)));
  EXPECT_TRUE(contains(page.body, "<code>&lt;b&gt;&quot;&#39;&amp;</code>")) << page.body;
  EXPECT_FALSE(contains(open_page(authorize_target(valid_parameters()) + "&x=\"><i>").body, "<i>"));
  const ReceivedReply code = open_page("/oauth/code/callback?code=a%3Cb%3E&state=c%22");
  EXPECT_EQ(code.status, 200);
  EXPECT_TRUE(contains(code.body, "<code>a&lt;b&gt;#c&quot;</code>")) << code.body;
  const ReceivedReply error = open_page("/oauth/code/callback?error=%3Cb%3E");
  EXPECT_TRUE(contains(error.body, "&lt;b&gt;")) << error.body;
}

TEST_F(AuthorizationServer, refuses_an_invalid_authorization_request) {
  const struct {
    const char* name;
    std::string value;
  } kRows[] = {{"code", "false"},
               {"response_type", "token"},
               {"client_id", ""},
               {"scope", ""},
               {"state", ""},
               {"code_challenge_method", "plain"},
               {"code_challenge", ""},
               {"code_challenge", std::string(42, 'a')},
               {"code_challenge", std::string(129, 'a')},
               {"code_challenge", std::string(42, 'a') + "="},
               {"redirect_uri", ""},
               {"redirect_uri", "http://localhost/callback"},
               {"redirect_uri", "http://localhost:/callback"},
               {"redirect_uri", "http://localhost:0/callback"},
               {"redirect_uri", "http://localhost:65536/callback"},
               {"redirect_uri", "http://localhost:1/callback/"},
               {"redirect_uri", "http://localhost:1/code/callback"},
               {"redirect_uri", "http://localhost:1/oauth/code/callback?a"},
               {"redirect_uri", "http://localhost:1@evil.example/callback"},
               {"redirect_uri", "http://localhost.evil.example:1/callback"},
               {"redirect_uri", "https://localhost:1/callback"},
               {"redirect_uri", "http://evil.example/oauth/code/callback"}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(testing::Message() << row.name << "=" << row.value);
    const ReceivedReply wrong =
        open_page(authorize_target(parameters_with(row.name, row.value)) + "&decision=allow");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_TRUE(contains(wrong.body, row.name)) << wrong.body;
  }
  EXPECT_EQ(open_page(authorize_target(valid_parameters()) + "&decision=perhaps").status, 400);
  EXPECT_EQ(
      open_page(authorize_target(valid_parameters()) + "&state=another&decision=allow").status,
      400);
  EXPECT_EQ(send({"POST", authorize_target(valid_parameters()), ""}).status, 405);
  EXPECT_EQ(get("/mock/oauth")["authorized"], 0);
}

TEST_F(AuthorizationServer, redirects_to_this_machine_or_to_the_page_that_shows_the_code) {
  for (const std::string redirect : {"http://127.0.0.1:1/callback", "http://[::1]:65535/callback",
                                     "http://localhost:4010/oauth/code/callback",
                                     "https://platform.claude.com/oauth/code/callback"}) {
    const ReceivedReply reply =
        open_page(authorize_target(parameters_with("redirect_uri", redirect)) + "&decision=allow");
    EXPECT_EQ(reply.status, 302) << redirect;
    EXPECT_TRUE(redirect_location(reply).starts_with(redirect + "?code=")) << reply.head;
  }
  const ReceivedReply named = send_raw(
      "GET " +
      authorize_target(parameters_with("redirect_uri", "http://mock.test/oauth/code/callback")) +
      "&decision=allow HTTP/1.1\r\nHost: mock.test\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(contains(named.head, "location: http://mock.test/oauth/code/callback?code="));
  const std::string manual = server.url() + "/oauth/code/callback";
  const ReceivedReply reply =
      open_page(authorize_target(parameters_with("redirect_uri", manual)) + "&decision=allow");
  ASSERT_TRUE(redirect_location(reply).starts_with(manual + "?code=mock_code_")) << reply.head;
  const ReceivedReply page = open_page(redirect_location(reply).substr(server.url().size()));
  const auto begin = redirect_location(reply).find("code=mock_code_") + 5;
  const std::string code =
      redirect_location(reply).substr(begin, redirect_location(reply).find('&') - begin);
  EXPECT_TRUE(contains(page.body, "<code>" + code + "#state&amp;1</code>")) << page.body;
  Document body = code_exchange(code);
  body["redirect_uri"] = manual;
  EXPECT_EQ(request_token(body).status, 200);
  EXPECT_EQ(open_page("/oauth/code/callback?code=a").status, 400);
}

TEST_F(AuthorizationServer, exchanges_a_code_for_tokens_and_an_account) {
  const ReceivedReply reply = request_token(code_exchange(authorization_code()));
  const Document tokens = parse_tokens(reply);
  EXPECT_TRUE(tokens["access_token"].get<std::string>().starts_with("sk-ant-oat01-mock"));
  EXPECT_TRUE(tokens["refresh_token"].get<std::string>().starts_with("sk-ant-ort01-mock"));
  EXPECT_EQ(tokens["token_type"], "Bearer");
  EXPECT_EQ(tokens["expires_in"], 28800);
  EXPECT_EQ(tokens["scope"], "user:profile user:inference");
  EXPECT_EQ(tokens["organization"]["name"], "Mock Organization");
  EXPECT_EQ(tokens["organization"]["uuid"].get<std::string>().size(), 36U);
  EXPECT_EQ(tokens["account"]["email_address"], "person@example.com");
  EXPECT_EQ(tokens["account"]["uuid"].get<std::string>().size(), 36U);
  EXPECT_TRUE(contains(reply.head, "cache-control: no-store"));
}

TEST_F(AuthorizationServer, needs_no_credential_and_no_version) {
  const std::string body = code_exchange(authorization_code()).dump();
  const ReceivedReply reply = send_raw(
      "POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\ncontent-type: application/json; "
      "charset=utf-8\r\nconnection: close\r\ncontent-length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_TRUE(reply.head.starts_with("HTTP/1.1 200")) << reply.head << reply.body;
  EXPECT_FALSE(contains(reply.head, "anthropic-ratelimit"));
}

TEST_F(AuthorizationServer, refuses_a_code_with_other_parameters) {
  const struct {
    const char* member;
    std::string value;
    const char* code;
  } kRows[] = {{"client_id", "client-2", "invalid_grant"},
               {"redirect_uri", "http://localhost:54322/callback", "invalid_grant"},
               {"state", "state", "invalid_grant"},
               {"code_verifier", std::string(64, 'w'), "invalid_grant"},
               {"code_verifier", std::string(42, 'v'), "invalid_request"},
               {"code_verifier", std::string(43, '='), "invalid_request"},
               {"code", "mock_code_1", "invalid_grant"},
               {"grant_type", "password", "unsupported_grant_type"}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(testing::Message() << row.member << ": " << row.value);
    Document body = code_exchange(authorization_code());
    body[row.member] = row.value;
    expect_refused(request_token(body), 400, row.code, row.member);
  }
  const Document oauth = get("/mock/oauth");
  EXPECT_EQ(oauth["refused"], 8);
  EXPECT_EQ(oauth["exchanged"], 0);
  EXPECT_EQ(oauth["families"], Document::array());
}

TEST_F(AuthorizationServer, token_request_needs_json_with_every_member) {
  const Document whole = code_exchange(authorization_code());
  for (const auto& [name, value] : whole.items()) {
    Document body = whole;
    body.erase(name);
    expect_refused(request_token(body), 400, "invalid_request", name + ": Field required");
    body[name] = 1;
    expect_refused(request_token(body), 400, "invalid_request", name + ": Field required");
  }
  expect_refused(
      request_token(Document{{"grant_type", "refresh_token"}, {"client_id", "client-1"}}), 400,
      "invalid_request", "refresh_token: Field required");
  for (const char* body : {"", "[]", "{", "grant_type=refresh_token"})
    expect_refused(request_token(std::string(body)), 400, "invalid_request", "JSON object");
  expect_refused(send({"POST", "/v1/oauth/token", whole.dump()}), 415, "invalid_request", "JSON");
  const TestRequest form{"POST",
                         "/v1/oauth/token",
                         whole.dump(),
                         {{"content-type", "application/x-www-form-urlencoded"}}};
  expect_refused(send(form), 415, "invalid_request", "JSON");
  expect_refused(send({"GET", "/v1/oauth/token", ""}), 405, "invalid_request", "POST");
  Document more = whole;
  more["something_new"] = {1, 2};
  EXPECT_EQ(request_token(more).status, 200)
      << "what is not known is ignored, and nothing above spent it";
}

TEST_F(AuthorizationServer, survives_bytes_that_are_not_utf8) {
  std::string target = authorize_target(parameters_with("scope", "x"));
  target.replace(target.find("scope=x"), 7, "scope=%FF");
  const std::string location = redirect_location(open_page(target + "&decision=allow"));
  const auto begin = location.find("code=") + 5;
  const ReceivedReply reply =
      request_token(code_exchange(location.substr(begin, location.find('&') - begin)));
  EXPECT_EQ(parse_tokens(reply)["scope"], "\xEF\xBF\xBD");
  EXPECT_EQ(request_token(std::string("{\"grant_type\":\"\xFF\"}")).status, 400);
}

TEST_F(AuthorizationServer, exchanges_a_code_once) {
  const Document body = code_exchange(authorization_code());
  EXPECT_EQ(request_token(body).status, 200);
  expect_refused(request_token(body), 400, "invalid_grant", "used before");
}

TEST_F(AuthorizationServer, rotates_refresh_tokens_and_revokes_the_family_on_reuse) {
  const Document first = sign_in(), other = sign_in();
  const Document second = parse_tokens(request_token(refresh_request(first)));
  EXPECT_NE(second["refresh_token"], first["refresh_token"]);
  EXPECT_NE(second["access_token"], first["access_token"]);
  EXPECT_EQ(second["scope"], first["scope"]);
  EXPECT_EQ(second["account"], first["account"]);
  const Document third = parse_tokens(request_token(refresh_request(second)));
  const char* kGone = "Refresh token not found or invalid";
  expect_refused(request_token(refresh_request(first)), 400, "invalid_grant", kGone);
  expect_refused(request_token(refresh_request(third)), 400, "invalid_grant", kGone);
  set_settings(R"({"check_tokens":true})");
  EXPECT_EQ(message_with(third), 401);
  EXPECT_EQ(message_with(other), 200);
  const Document oauth = get("/mock/oauth");
  EXPECT_EQ(oauth["exchanged"], 2);
  EXPECT_EQ(oauth["refreshed"], 2);
  EXPECT_EQ(oauth["refused"], 2);
  EXPECT_EQ(oauth["reused"], 1);
  EXPECT_EQ(oauth["families"], (Document{{{"revoked", true}, {"rotations", 2}},
                                         {{"revoked", false}, {"rotations", 0}}}));
}

}  // namespace
}  // namespace ccproxy::mock
