#include "mock/oauth.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/encoding.hpp"
#include "mock/oauth_page.hpp"
#include "net/crypto.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

const std::string kBase = "http://127.0.0.1:4010";
const std::string kVerifier(43, 'v');

class Server : public testing::Test {
 protected:
  struct Answer {
    int status;
    std::string fields, body;
    [[nodiscard]] Document json() const { return Document::parse(body); }
  };

  Answer ask(std::string_view method, std::string_view target, const std::string& body = "",
             std::string_view type = "application/json") {
    http::RequestHead head;
    head.method = method;
    head.target = target;
    if (!body.empty()) head.fields.push_back({"Content-Type", type});
    const Reply reply = server.reply(head, body);
    return {reply.status, reply.fields, reply.steps.empty() ? "" : reply.steps[0].bytes};
  }
  Answer ask_token(const Document& body) { return ask("POST", "/v1/oauth/token", body.dump()); }
  Document settings() {
    return Document::parse(server.control("GET", "/mock/oauth", "").steps[0].bytes);
  }

  static std::map<std::string, std::string> good() {
    return {{"response_type", "code"},
            {"client_id", "client"},
            {"redirect_uri", "http://localhost:5000/callback"},
            {"scope", "user:inference"},
            {"code_challenge", base64url(net::sha256(kVerifier))},
            {"code_challenge_method", "S256"},
            {"state", "state&1"}};
  }
  static std::string target(const std::map<std::string, std::string>& asked) {
    std::string query = "/oauth/authorize?code=true";
    for (const auto& [name, value] : asked) query += "&" + name + "=" + percent_encoded(value);
    return query;
  }
  Answer authorize(std::map<std::string, std::string> asked, const char* decision = "allow") {
    if (decision != nullptr) asked["decision"] = decision;
    return ask("GET", target(asked));
  }
  static Parameters location(const Answer& answer) {
    const auto at = answer.fields.find("location: ") + 10;
    const std::string url = answer.fields.substr(at, answer.fields.find("\r\n", at) - at);
    return parameters_of(url.substr(url.find('?')));
  }
  std::string code() { return location(authorize(good()))["code"]; }
  Document redemption(const std::string& with_code) {
    return {{"grant_type", "authorization_code"},
            {"code", with_code},
            {"state", "state&1"},
            {"client_id", "client"},
            {"redirect_uri", "http://localhost:5000/callback"},
            {"code_verifier", kVerifier}};
  }
  Document sign_in() { return ask_token(redemption(code())).json(); }
  Answer renew(const Document& grant) {
    return ask_token({{"grant_type", "refresh_token"},
                      {"refresh_token", grant["refresh_token"]},
                      {"client_id", "client"}});
  }

  OAuth server;
};

TEST_F(Server, asks_a_person_before_it_gives_a_code) {
  const Answer page = authorize(good(), nullptr);
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("decision=allow"), std::string::npos) << page.body;
  const Answer allowed = authorize(good());
  EXPECT_EQ(allowed.status, 302);
  EXPECT_EQ(location(allowed)["state"], "state&1");
  EXPECT_EQ(location(authorize(good(), "deny"))["error"], "access_denied");
}

TEST_F(Server, looks_at_every_parameter) {
  const std::map<std::string, std::string> wrong = {
      {"response_type", "token"},
      {"client_id", ""},
      {"redirect_uri", "http://evil.example/callback"},
      {"scope", ""},
      {"code_challenge", "short"},
      {"code_challenge_method", "plain"},
      {"state", ""}};
  for (const auto& [name, value] : wrong) {
    auto asked = good();
    asked[name] = value;
    EXPECT_EQ(authorize(asked).status, 400) << name;
    asked.erase(name);
    EXPECT_EQ(authorize(asked).status, 400) << name;
  }
  for (const char* uri : {"http://localhost:1/other", "http://localhost/callback",
                          "https://localhost:1/callback", "http://localhost:1x/callback"}) {
    auto asked = good();
    asked["redirect_uri"] = uri;
    EXPECT_EQ(authorize(asked).status, 400) << uri;
  }
  auto manual = good();
  manual["redirect_uri"] = kBase + "/oauth/code/callback";
  EXPECT_EQ(authorize(manual).status, 302);
}

TEST_F(Server, shows_the_code_to_paste_and_no_markup_of_others) {
  const Answer page = ask("GET", "/oauth/code/callback?code=a%3Cb&state=s");
  EXPECT_NE(page.body.find("<code>a&lt;b#s</code>"), std::string::npos) << page.body;
}

TEST_F(Server, redeems_a_code_once) {
  const std::string once = code();
  const Answer first = ask_token(redemption(once));
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.json()["expires_in"], 28800);
  EXPECT_EQ(first.json()["account"]["email_address"], "person@example.com");
  const Answer again = ask_token(redemption(once));
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.json()["error"], "invalid_grant");
}

TEST_F(Server, binds_a_code_to_who_asked_for_it) {
  for (const char* name : {"state", "client_id", "redirect_uri", "code_verifier"}) {
    Document asked = redemption(code());
    asked[name] = "another";
    EXPECT_EQ(ask_token(asked).json()["error"], "invalid_grant") << name;
  }
}

TEST_F(Server, rotates_refresh_tokens_and_ends_the_sign_in_of_whoever_uses_one_twice) {
  const Document first = sign_in();
  const Answer second = renew(first);
  EXPECT_EQ(second.status, 200);
  EXPECT_NE(second.json()["refresh_token"], first["refresh_token"]);
  EXPECT_EQ(renew(first).json()["error"], "invalid_grant");
  EXPECT_EQ(renew(second.json()).json()["error"], "invalid_grant") << "the family is revoked";
  EXPECT_EQ(settings()["reused"], 1);
  EXPECT_EQ(settings()["refreshed"], 1);
  EXPECT_EQ(settings()["families"][0]["revoked"], true);
  EXPECT_EQ(renew(sign_in()).status, 200) << "another sign-in is not touched";
}

TEST_F(Server, takes_json_only) {
  EXPECT_EQ(ask("POST", "/v1/oauth/token", "grant_type=refresh_token",
                "application/x-www-form-urlencoded")
                .status,
            415);
  EXPECT_EQ(ask("POST", "/v1/oauth/token", "[1]").status, 400);
  EXPECT_EQ(ask_token({{"grant_type", "password"}}).json()["error"], "unsupported_grant_type");
  EXPECT_EQ(ask("GET", "/v1/oauth/token").status, 405);
}

TEST_F(Server, looks_at_access_tokens_when_it_is_told_to) {
  const Document grant = sign_in();
  const std::string token = grant["access_token"];
  EXPECT_FALSE(server.refuses("sk-ant-oat01-mock-unknown"));
  (void)server.control("PUT", "/mock/oauth", R"({"check_tokens":true})");
  EXPECT_TRUE(server.refuses("sk-ant-oat01-mock-unknown"));
  EXPECT_FALSE(server.refuses("sk-ant-oat01-of-somebody-else"));
  EXPECT_FALSE(server.refuses(token));
  (void)server.control("POST", "/mock/oauth/expire", "");
  EXPECT_TRUE(server.refuses(token));
  const std::string fresh = renew(grant).json()["access_token"];
  EXPECT_FALSE(server.refuses(fresh));
  (void)server.control("POST", "/mock/oauth/revoke", "");
  EXPECT_TRUE(server.refuses(fresh));
}

TEST_F(Server, is_set_by_names_it_knows) {
  EXPECT_EQ(
      server.control("PUT", "/mock/oauth", R"({"expires_in":5,"omit_refresh_token":true})").status,
      200);
  const Document grant = sign_in();
  EXPECT_EQ(grant["expires_in"], 5);
  EXPECT_FALSE(grant.contains("refresh_token"));
  for (const char* wrong : {R"({"expires":5})", R"({"expires_in":"5"})", "[]", "x"})
    EXPECT_EQ(server.control("PUT", "/mock/oauth", wrong).status, 400) << wrong;
}

}  // namespace
}  // namespace ccproxy::mock
