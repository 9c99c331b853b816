#include "auth/token_endpoint.hpp"

#include <gtest/gtest.h>

#include "http/test_upstream.hpp"
#include "json/document.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::auth {
namespace {

using http::Reply;
using http::Upstream;
using json::Document;

std::string answer(const std::string& status, const std::string& body,
                   const std::string& fields = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Asked {
  Result<Grant> grant = fail(ErrorKind::kInternal, "not asked");
  std::string request;
};

config::Config config_for(const Upstream& server) {
  config::Config config;
  config.oauth.token_url =
      "http://127.0.0.1:" + std::to_string(server.origin().port) + "/v1/oauth/token";
  return config;
}

Task<void> renew(net::Runtime& runtime, config::Config config, Asked& asked) {
  TokenEndpoint endpoint(runtime, config, "ccproxy/0.0.0");
  asked.grant = co_await endpoint.renew("rt-secret");
}

Task<void> redeem(net::Runtime& runtime, config::Config config, Asked& asked) {
  TokenEndpoint endpoint(runtime, config, "ccproxy/0.0.0");
  PkceSession attempt{"http://localhost:1/callback", "state-1", "verifier-1"};
  asked.grant = co_await endpoint.redeem("code-1", attempt);
}

Asked ask(const Reply& reply, bool renewing = true) {
  net::TestLoop loop;
  Upstream server(loop, {{reply}});
  Asked asked;
  loop.run(renewing ? renew(loop.runtime(), config_for(server), asked)
                    : redeem(loop.runtime(), config_for(server), asked));
  if (!server.requests().empty()) asked.request = server.requests().front();
  return asked;
}

const std::string kGrant =
    R"({"access_token":"at","refresh_token":"rt","token_type":"Bearer","expires_in":28800,)"
    R"("scope":"user:inference","organization":{"uuid":"o-1","name":"Org"},)"
    R"("account":{"uuid":"a-1","email_address":"me@example.com"}})";

TEST(TokenEndpoint, renews_with_json_and_its_own_name) {
  const Asked asked = ask({answer("200 OK", kGrant)});
  ASSERT_TRUE(asked.grant) << asked.grant.error().message;
  EXPECT_EQ(asked.grant->access, "at");
  EXPECT_EQ(asked.grant->refresh, "rt");
  EXPECT_EQ(asked.grant->expires_in, std::chrono::seconds(28800));
  EXPECT_EQ(asked.grant->account_email, "me@example.com");
  EXPECT_EQ(asked.grant->organization_name, "Org");
  EXPECT_TRUE(asked.request.starts_with("POST /v1/oauth/token HTTP/1.1\r\n")) << asked.request;
  EXPECT_NE(asked.request.find("user-agent: ccproxy/0.0.0\r\n"), std::string::npos);
  EXPECT_NE(asked.request.find("content-type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(Document::parse(asked.request.substr(asked.request.find("\r\n\r\n") + 4)),
            (Document{{"grant_type", "refresh_token"},
                      {"refresh_token", "rt-secret"},
                      {"client_id", config::Oauth().client_id}}));
}

TEST(TokenEndpoint, redeems_a_code_with_its_verifier) {
  const Asked asked = ask({answer("200 OK", kGrant)}, false);
  ASSERT_TRUE(asked.grant);
  EXPECT_EQ(Document::parse(asked.request.substr(asked.request.find("\r\n\r\n") + 4)),
            (Document{{"grant_type", "authorization_code"},
                      {"code", "code-1"},
                      {"state", "state-1"},
                      {"client_id", config::Oauth().client_id},
                      {"redirect_uri", "http://localhost:1/callback"},
                      {"code_verifier", "verifier-1"}}));
}

TEST(TokenEndpoint, takes_an_answer_without_what_may_be_missing) {
  const Asked asked = ask({answer("200 OK", R"({"access_token":"at"})")});
  ASSERT_TRUE(asked.grant);
  EXPECT_EQ(asked.grant->refresh, "");
  EXPECT_FALSE(asked.grant->expires_in);
}

struct Refused {
  const char* says;
  Reply reply;
  ErrorKind kind;
};

TEST(TokenEndpoint, tells_a_refusal_for_good_from_trouble) {
  const std::vector<Refused> cases = {
      {"invalid_grant",
       {answer("400 Bad Request",
               R"({"error":"invalid_grant","error_description":"rt-secret not found"})")},
       ErrorKind::kUnauthorized},
      {"404", {answer("404 Not Found", "rt-secret")}, ErrorKind::kUnauthorized},
      {"429", {answer("429 Too Many", "{}", "Retry-After: 7\r\n")}, ErrorKind::kBusy},
      {"another 400",
       {answer("400 Bad Request", R"({"error":"invalid_request"})")},
       ErrorKind::kUpstreamBroke},
      {"a page", {answer("403 Forbidden", "<html>rt-secret</html>")}, ErrorKind::kUpstreamBroke},
      {"500", {answer("500 Oops", "")}, ErrorKind::kUpstreamBroke},
      {"no JSON", {answer("200 OK", "<html>")}, ErrorKind::kUpstreamBroke},
      {"no token", {answer("200 OK", "{}")}, ErrorKind::kUpstreamBroke},
      {"a list", {answer("200 OK", "[1]")}, ErrorKind::kUpstreamBroke},
      {"a token that would end its field",
       {answer("200 OK", R"({"access_token":"a\r\nb: c"})")},
       ErrorKind::kUpstreamBroke},
      {"too long", {answer("200 OK", std::string(300'000, 'x'))}, ErrorKind::kTooLarge},
      {"an end", {http::kClose}, ErrorKind::kClosed},
      {"half an answer",
       {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", http::kPause, http::kClose},
       ErrorKind::kUpstreamBroke},
  };
  for (const Refused& one : cases) {
    const Asked asked = ask(one.reply);
    ASSERT_FALSE(asked.grant) << one.says;
    EXPECT_EQ(asked.grant.error().kind, one.kind) << one.says << asked.grant.error().message;
    EXPECT_EQ(asked.grant.error().message.find("secret"), std::string::npos) << one.says;
  }
  EXPECT_EQ(ask(cases[2].reply).grant.error().retry_after, std::chrono::seconds(7));
}

TEST(TokenEndpoint, that_is_not_there_was_sent_nothing) {
  net::TestLoop loop;
  config::Config config;
  config.oauth.token_url = "http://127.0.0.1:1/token";
  Asked asked;
  loop.run(renew(loop.runtime(), config, asked));
  ASSERT_FALSE(asked.grant);
  EXPECT_EQ(asked.grant.error().kind, ErrorKind::kUpstreamUnreachable);
}

}  // namespace
}  // namespace ccproxy::auth
