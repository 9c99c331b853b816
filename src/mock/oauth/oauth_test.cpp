// The simulated authorization server as a browser and a program see it.
#include "mock/oauth/oauth.hpp"

#include <gtest/gtest.h>

#include <string>

#include "mock/oauth/sign_in_fixture.hpp"

namespace ccproxy::mock {
namespace {

TEST_F(SigningIn, a_person_is_asked_and_either_answer_leads_back) {
  const std::string target = target_of(sound());
  const Seen page = visit(target);
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.head, "text/html")) << page.head;
  std::string escaped = target;
  for (auto at = escaped.find('&'); at != std::string::npos; at = escaped.find('&', at + 1))
    escaped.insert(at + 1, "amp;");
  EXPECT_TRUE(contains(page.body, "<a href=\"" + escaped + "&amp;decision=allow\">Allow</a>"));
  EXPECT_TRUE(contains(page.body, "<a href=\"" + escaped + "&amp;decision=deny\">Deny</a>"));

  const Seen allowed = visit(target + "&decision=allow");
  EXPECT_EQ(allowed.status, 302);
  EXPECT_TRUE(location_of(allowed).starts_with(std::string(kRedirect) + "?code=mock_code_"));
  EXPECT_TRUE(location_of(allowed).ends_with("&state=state%261")) << allowed.head;
  const Seen denied = visit(target + "&decision=deny");
  EXPECT_EQ(denied.status, 302);
  EXPECT_EQ(location_of(denied), std::string(kRedirect) + "?error=access_denied&state=state%261");
  EXPECT_EQ(get("/mock/oauth")["authorized"], 1);
}

TEST_F(SigningIn, the_pages_escape_what_they_repeat) {
  const std::string evil = "<b>\"'&";
  const Seen page = visit(target_of(with("client_id", evil)));
  EXPECT_TRUE(contains(page.body, "<code>&lt;b&gt;&quot;&#39;&amp;</code>")) << page.body;
  EXPECT_FALSE(contains(visit(target_of(sound()) + "&x=\"><i>").body, "<i>"));
  const Seen code = visit("/oauth/code/callback?code=a%3Cb%3E&state=c%22");
  EXPECT_EQ(code.status, 200);
  EXPECT_TRUE(contains(code.body, "<code>a&lt;b&gt;#c&quot;</code>")) << code.body;
  const Seen error = visit("/oauth/code/callback?error=%3Cb%3E");
  EXPECT_TRUE(contains(error.body, "&lt;b&gt;")) << error.body;
}

TEST_F(SigningIn, a_request_for_consent_must_be_sound_in_every_part) {
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
    const Seen wrong = visit(target_of(with(row.name, row.value)) + "&decision=allow");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_TRUE(contains(wrong.body, row.name)) << wrong.body;
  }
  EXPECT_EQ(visit(target_of(sound()) + "&decision=perhaps").status, 400);
  EXPECT_EQ(visit(target_of(sound()) + "&state=another&decision=allow").status, 400);
  EXPECT_EQ(ask({"POST", target_of(sound()), ""}).status, 405);
  EXPECT_EQ(get("/mock/oauth")["authorized"], 0);
}

TEST_F(SigningIn, goes_back_to_this_machine_or_to_the_page_that_shows_the_code) {
  for (const std::string redirect : {"http://127.0.0.1:1/callback", "http://[::1]:65535/callback",
                                     "http://localhost:4010/oauth/code/callback",
                                     "https://platform.claude.com/oauth/code/callback"}) {
    const Seen seen = visit(target_of(with("redirect_uri", redirect)) + "&decision=allow");
    EXPECT_EQ(seen.status, 302) << redirect;
    EXPECT_TRUE(location_of(seen).starts_with(redirect + "?code=")) << seen.head;
  }
  const Seen named =
      raw("GET " + target_of(with("redirect_uri", "http://mock.test/oauth/code/callback")) +
          "&decision=allow HTTP/1.1\r\nHost: mock.test\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(contains(named.head, "location: http://mock.test/oauth/code/callback?code="));
  const std::string manual = server.url() + "/oauth/code/callback";
  const Seen seen = visit(target_of(with("redirect_uri", manual)) + "&decision=allow");
  ASSERT_TRUE(location_of(seen).starts_with(manual + "?code=mock_code_")) << seen.head;
  const Seen page = visit(location_of(seen).substr(server.url().size()));
  const auto begin = location_of(seen).find("code=mock_code_") + 5;
  const std::string code = location_of(seen).substr(begin, location_of(seen).find('&') - begin);
  EXPECT_TRUE(contains(page.body, "<code>" + code + "#state&amp;1</code>")) << page.body;
  Document asked = redemption(code);
  asked["redirect_uri"] = manual;
  EXPECT_EQ(token(asked).status, 200);
  EXPECT_EQ(visit("/oauth/code/callback?code=a").status, 400);
}

TEST_F(SigningIn, a_code_becomes_tokens_and_an_account) {
  const Seen seen = token(redemption(allowed_code()));
  const Document answer = parsed(seen);
  EXPECT_TRUE(answer["access_token"].get<std::string>().starts_with("sk-ant-oat01-mock"));
  EXPECT_TRUE(answer["refresh_token"].get<std::string>().starts_with("sk-ant-ort01-mock"));
  EXPECT_EQ(answer["token_type"], "Bearer");
  EXPECT_EQ(answer["expires_in"], 28800);
  EXPECT_EQ(answer["scope"], "user:profile user:inference");
  EXPECT_EQ(answer["organization"]["name"], "Mock Organization");
  EXPECT_EQ(answer["organization"]["uuid"].get<std::string>().size(), 36U);
  EXPECT_EQ(answer["account"]["email_address"], "person@example.com");
  EXPECT_EQ(answer["account"]["uuid"].get<std::string>().size(), 36U);
  EXPECT_TRUE(contains(seen.head, "cache-control: no-store"));
}

TEST_F(SigningIn, needs_no_credential_and_no_version) {
  const std::string body = redemption(allowed_code()).dump();
  const Seen seen =
      raw("POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\ncontent-type: application/json; "
          "charset=utf-8\r\nconnection: close\r\ncontent-length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_TRUE(seen.head.starts_with("HTTP/1.1 200")) << seen.head << seen.body;
  EXPECT_FALSE(contains(seen.head, "anthropic-ratelimit"));
}

TEST_F(SigningIn, a_code_is_bound_to_all_that_it_was_given_for) {
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
    Document asked = redemption(allowed_code());
    asked[row.member] = row.value;
    expect_refused(token(asked), 400, row.code, row.member);
  }
  const Document oauth = get("/mock/oauth");
  EXPECT_EQ(oauth["refused"], 8);
  EXPECT_EQ(oauth["exchanged"], 0);
  EXPECT_EQ(oauth["families"], Document::array());
}

TEST_F(SigningIn, a_token_request_is_json_with_every_field) {
  const Document whole = redemption(allowed_code());
  for (const auto& [name, value] : whole.items()) {
    Document asked = whole;
    asked.erase(name);
    expect_refused(token(asked), 400, "invalid_request", name + ": Field required");
    asked[name] = 1;
    expect_refused(token(asked), 400, "invalid_request", name + ": Field required");
  }
  expect_refused(token(Document{{"grant_type", "refresh_token"}, {"client_id", "client-1"}}), 400,
                 "invalid_request", "refresh_token: Field required");
  for (const char* body : {"", "[]", "{", "grant_type=refresh_token"})
    expect_refused(token(std::string(body)), 400, "invalid_request", "JSON object");
  expect_refused(ask({"POST", "/v1/oauth/token", whole.dump()}), 415, "invalid_request", "JSON");
  const Ask form{"POST",
                 "/v1/oauth/token",
                 whole.dump(),
                 {{"content-type", "application/x-www-form-urlencoded"}}};
  expect_refused(ask(form), 415, "invalid_request", "JSON");
  expect_refused(ask({"GET", "/v1/oauth/token", ""}), 405, "invalid_request", "POST");
  Document more = whole;
  more["something_new"] = {1, 2};
  EXPECT_EQ(token(more).status, 200) << "what is not known is ignored, and nothing above spent it";
}

TEST_F(SigningIn, bytes_that_are_no_text_do_not_end_the_server) {
  std::string target = target_of(with("scope", "x"));
  target.replace(target.find("scope=x"), 7, "scope=%FF");
  const std::string location = location_of(visit(target + "&decision=allow"));
  const auto begin = location.find("code=") + 5;
  const Seen seen = token(redemption(location.substr(begin, location.find('&') - begin)));
  EXPECT_EQ(parsed(seen)["scope"], "\xEF\xBF\xBD");
  EXPECT_EQ(token(std::string("{\"grant_type\":\"\xFF\"}")).status, 400);
}

TEST_F(SigningIn, a_code_is_good_once) {
  const Document asked = redemption(allowed_code());
  EXPECT_EQ(token(asked).status, 200);
  expect_refused(token(asked), 400, "invalid_grant", "used before");
}

TEST_F(SigningIn, refresh_tokens_rotate_and_a_second_use_ends_the_family) {
  const Document first = sign_in(), other = sign_in();
  const Document second = parsed(token(renewal(first)));
  EXPECT_NE(second["refresh_token"], first["refresh_token"]);
  EXPECT_NE(second["access_token"], first["access_token"]);
  EXPECT_EQ(second["scope"], first["scope"]);
  EXPECT_EQ(second["account"], first["account"]);
  const Document third = parsed(token(renewal(second)));
  const char* kGone = "Refresh token not found or invalid";
  expect_refused(token(renewal(first)), 400, "invalid_grant", kGone);
  expect_refused(token(renewal(third)), 400, "invalid_grant", kGone);
  set(R"({"check_tokens":true})");
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
