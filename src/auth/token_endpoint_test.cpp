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

std::string response(const std::string& status, const std::string& body,
                     const std::string& fields = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Outcome {
  Result<Grant> grant = fail(ErrorKind::kInternal, "not sent");
  std::string request;
};

config::Config config_for(const Upstream& server) {
  config::Config config;
  config.oauth.token_url =
      "http://127.0.0.1:" + std::to_string(server.origin().port) + "/v1/oauth/token";
  return config;
}

Task<void> renew(net::Runtime& runtime, config::Config config, Outcome& outcome) {
  TokenEndpoint endpoint(runtime, config, "ccproxy/0.0.0");
  outcome.grant = co_await endpoint.renew("rt-secret");
}

Task<void> redeem(net::Runtime& runtime, config::Config config, Outcome& outcome) {
  TokenEndpoint endpoint(runtime, config, "ccproxy/0.0.0");
  PkceSession session{"http://localhost:1/callback", "state-1", "verifier-1"};
  outcome.grant = co_await endpoint.redeem("code-1", session);
}

Outcome send(const Reply& reply, bool renewing = true) {
  net::TestLoop loop;
  Upstream server(loop, {{reply}});
  Outcome outcome;
  loop.run(renewing ? renew(loop.runtime(), config_for(server), outcome)
                    : redeem(loop.runtime(), config_for(server), outcome));
  if (!server.requests().empty()) outcome.request = server.requests().front();
  return outcome;
}

const std::string kGrant =
    R"({"access_token":"at","refresh_token":"rt","token_type":"Bearer","expires_in":28800,)"
    R"("scope":"user:inference","organization":{"uuid":"o-1","name":"Org"},)"
    R"("account":{"uuid":"a-1","email_address":"me@example.com"}})";

TEST(TokenEndpoint, renews_with_json_and_its_own_name) {
  const Outcome outcome = send({response("200 OK", kGrant)});
  ASSERT_TRUE(outcome.grant) << outcome.grant.error().message;
  EXPECT_EQ(outcome.grant->access, "at");
  EXPECT_EQ(outcome.grant->refresh, "rt");
  EXPECT_EQ(outcome.grant->expires_in, std::chrono::seconds(28800));
  EXPECT_EQ(outcome.grant->account_email, "me@example.com");
  EXPECT_EQ(outcome.grant->organization_name, "Org");
  EXPECT_TRUE(outcome.request.starts_with("POST /v1/oauth/token HTTP/1.1\r\n")) << outcome.request;
  EXPECT_NE(outcome.request.find("user-agent: ccproxy/0.0.0\r\n"), std::string::npos);
  EXPECT_NE(outcome.request.find("content-type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(Document::parse(outcome.request.substr(outcome.request.find("\r\n\r\n") + 4)),
            (Document{{"grant_type", "refresh_token"},
                      {"refresh_token", "rt-secret"},
                      {"client_id", config::Oauth().client_id}}));
}

TEST(TokenEndpoint, redeems_a_code_with_its_verifier) {
  const Outcome outcome = send({response("200 OK", kGrant)}, false);
  ASSERT_TRUE(outcome.grant);
  EXPECT_EQ(Document::parse(outcome.request.substr(outcome.request.find("\r\n\r\n") + 4)),
            (Document{{"grant_type", "authorization_code"},
                      {"code", "code-1"},
                      {"state", "state-1"},
                      {"client_id", config::Oauth().client_id},
                      {"redirect_uri", "http://localhost:1/callback"},
                      {"code_verifier", "verifier-1"}}));
}

TEST(TokenEndpoint, accepts_a_response_without_optional_members) {
  const Outcome outcome = send({response("200 OK", R"({"access_token":"at"})")});
  ASSERT_TRUE(outcome.grant);
  EXPECT_EQ(outcome.grant->refresh, "");
  EXPECT_FALSE(outcome.grant->expires_in);
}

struct Refused {
  const char* name;
  Reply reply;
  ErrorKind kind;
};

TEST(TokenEndpoint, tells_a_final_refusal_from_a_failure) {
  const std::vector<Refused> cases = {
      {"invalid_grant",
       {response("400 Bad Request",
                 R"({"error":"invalid_grant","error_description":"rt-secret not found"})")},
       ErrorKind::kUnauthorized},
      {"404", {response("404 Not Found", "rt-secret")}, ErrorKind::kUnauthorized},
      {"429", {response("429 Too Many", "{}", "Retry-After: 7\r\n")}, ErrorKind::kBusy},
      {"another 400",
       {response("400 Bad Request", R"({"error":"invalid_request"})")},
       ErrorKind::kUpstreamBroke},
      {"a web page",
       {response("403 Forbidden", "<html>rt-secret</html>")},
       ErrorKind::kUpstreamBroke},
      {"500", {response("500 Oops", "")}, ErrorKind::kUpstreamBroke},
      {"no JSON", {response("200 OK", "<html>")}, ErrorKind::kUpstreamBroke},
      {"no token", {response("200 OK", "{}")}, ErrorKind::kUpstreamBroke},
      {"a list", {response("200 OK", "[1]")}, ErrorKind::kUpstreamBroke},
      {"a token that would end its field",
       {response("200 OK", R"({"access_token":"a\r\nb: c"})")},
       ErrorKind::kUpstreamBroke},
      {"too long", {response("200 OK", std::string(300'000, 'x'))}, ErrorKind::kTooLarge},
      {"a closed connection", {http::kClose}, ErrorKind::kClosed},
      {"half a response",
       {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", http::kPause, http::kClose},
       ErrorKind::kUpstreamBroke},
  };
  for (const Refused& one : cases) {
    const Outcome outcome = send(one.reply);
    ASSERT_FALSE(outcome.grant) << one.name;
    EXPECT_EQ(outcome.grant.error().kind, one.kind) << one.name << outcome.grant.error().message;
    EXPECT_EQ(outcome.grant.error().message.find("secret"), std::string::npos) << one.name;
  }
  EXPECT_EQ(send(cases[2].reply).grant.error().retry_after, std::chrono::seconds(7));
}

TEST(TokenEndpoint, reports_an_unreachable_server) {
  net::TestLoop loop;
  config::Config config;
  config.oauth.token_url = "http://127.0.0.1:1/token";
  Outcome outcome;
  loop.run(renew(loop.runtime(), config, outcome));
  ASSERT_FALSE(outcome.grant);
  EXPECT_EQ(outcome.grant.error().kind, ErrorKind::kUpstreamUnreachable);
}

}  // namespace
}  // namespace ccproxy::auth
