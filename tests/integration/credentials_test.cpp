// Which credential the upstream receives: in key mode the server's and nothing of the client's;
// with `credentials: client` the client's and nothing of the server's. None is ever logged.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/proxy_fixture.hpp"

namespace ccproxy::test {
namespace {

// All fields in which a client may send a credential; each value contains "secret".
constexpr const char* kCredentialFields =
    "Authorization: Bearer secret-bearer\r\n"
    "x-api-key: secret-key\r\n"
    "api-key: secret-azure\r\n"
    "x-ccproxy-key: secret-proxy-key\r\n"
    "Proxy-Authorization: Basic secret\r\n"
    "Cookie: secret=1\r\n";

// The routes that are forwarded, with method and body.
struct ForwardedRoute {
  const char *method, *target, *body;
};
const std::vector<ForwardedRoute> kForwardedRoutes = {
    {"POST", "/v1/messages?beta=true", kWholeBody},
    {"POST", "/v1/messages", kStreamedBody},
    {"POST", "/messages/count_tokens", kWholeBody},
    {"POST", "/v1/messages/batches", "{}"},
    {"GET", "/v1/messages/batches", ""},
    {"POST", "/v1/files", "not a form"},
    {"GET", "/v1/files/f/content", ""},
    {"GET", "/v1/skills", ""},
    {"GET", "/v1/tomorrow", ""},
};

class Credentials : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Credentials, testing::Values(1U, 2U));

TEST_P(Credentials, of_the_client_are_not_forwarded_in_key_mode) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .flags = {"--verbose"}});
  for (const ForwardedRoute& route : kForwardedRoutes)
    (void)send_request(fixture.port(), route.method, route.target, route.body,
                       std::string(kAnthropicFields) + kCredentialFields);
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), kForwardedRoutes.size());
  for (Document& seen : requests) {
    EXPECT_EQ(seen["headers"].dump().find("secret"), std::string::npos) << seen.dump(1);
    EXPECT_EQ(field_of(seen, "x-api-key"), kServerKey) << seen["target"];
    EXPECT_EQ(field_of(seen, "authorization"), "") << seen["target"];
  }
  (void)fixture.receipts(kForwardedRoutes.size());
  const std::string output = fixture.log() + fixture.proxy().output();
  EXPECT_EQ(output.find("secret"), std::string::npos) << output;
  EXPECT_EQ(output.find(kServerKey), std::string::npos) << output;
}

TEST_P(Credentials, of_the_client_are_forwarded_when_configured) {
  ProxyFixture fixture(Plan{
      .workers = GetParam(), .config = R"({"credentials": "client"})", .flags = {"--verbose"}});
  for (const ForwardedRoute& route : kForwardedRoutes)
    (void)send_request(fixture.port(), route.method, route.target, route.body,
                       std::string(kAnthropicFields) + kCredentialFields);
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), kForwardedRoutes.size());
  for (Document& seen : requests) {
    EXPECT_EQ(field_of(seen, "authorization"), "Bearer secret-bearer") << seen["target"];
    EXPECT_EQ(field_of(seen, "x-api-key"), "secret-key") << seen["target"];
    for (const char* name : {"api-key", "x-ccproxy-key", "proxy-authorization", "cookie"})
      EXPECT_EQ(field_of(seen, name), "") << name;
    EXPECT_EQ(seen.dump().find(kServerKey), std::string::npos) << seen.dump(1);
  }
  (void)fixture.receipts(kForwardedRoutes.size());
  const std::string output = fixture.log() + fixture.proxy().output();
  EXPECT_EQ(output.find("secret"), std::string::npos) << output;
  EXPECT_EQ(output.find(kServerKey), std::string::npos) << output;
}

TEST_P(Credentials, are_forwarded_alone_and_so_is_their_absence) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"credentials": "client"})"});
  const auto sent_for = [&](const char* fields) {
    const Reply reply = send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                                     std::string(kAnthropicFields) + fields);
    Document seen = fixture.requests().back();
    return std::to_string(reply.status) + " " + field_of(seen, "authorization") + "/" +
           field_of(seen, "x-api-key");
  };
  EXPECT_EQ(sent_for("authorization: Bearer sk-1\r\n"), "200 Bearer sk-1/");
  EXPECT_EQ(sent_for("X-Api-Key: sk-2\r\n"), "200 /sk-2");
  EXPECT_EQ(sent_for(""), "401 /") << "the upstream's own 401, not one of ours";
  EXPECT_EQ(
      sent_for("authorization: Bearer sk-ant-oat01-x\r\nanthropic-beta: oauth-2025-04-20\r\n"),
      "200 Bearer sk-ant-oat01-x/");
  EXPECT_EQ(sent_for("authorization: Bearer sk-ant-oat01-x\r\n"), "401 Bearer sk-ant-oat01-x/")
      << "nothing is added to a request with its own credential";
  EXPECT_EQ(field_of(fixture.requests().back(), "anthropic-beta"), "");
}

TEST_P(Credentials, missing_ones_are_a_401_that_says_what_to_do) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .environment = {}});
  for (const ForwardedRoute& route : kForwardedRoutes) {
    const Reply reply = send_request(fixture.port(), route.method, route.target, route.body,
                                     std::string(kAnthropicFields) + kCredentialFields);
    EXPECT_EQ(reply.status, 401) << route.target;
    Document body = Document::parse(reply.body);
    EXPECT_EQ(body["type"], "error") << route.target;
    EXPECT_EQ(body["error"]["type"], "authentication_error") << route.target;
    EXPECT_NE(body["error"]["message"].get<std::string>().find("ANTHROPIC_API_KEY"),
              std::string::npos);
    EXPECT_EQ(reply.body.find("secret"), std::string::npos) << "a credential was echoed";
  }
  EXPECT_EQ(fixture.requests().size(), 0U);
}

TEST_P(Credentials, proxy_keys_are_accepted_and_not_forwarded) {
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"apiKeys": [{"name": "me", "key": "door-secret"}]})"});
  for (const char* fields : {"Authorization: Bearer door-secret\r\n", "x-api-key: door-secret\r\n",
                             "api-key: door-secret\r\n", "x-ccproxy-key: door-secret\r\n"}) {
    const Reply reply = send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                                     std::string(kAnthropicFields) + fields);
    EXPECT_EQ(reply.status, 200) << fields << reply.raw;
    EXPECT_EQ(fixture.requests().back().dump().find("door-secret"), std::string::npos) << fields;
    EXPECT_EQ(field_of(fixture.requests().back(), "x-api-key"), kServerKey);
  }
  for (Document& receipt : fixture.receipts(4)) EXPECT_EQ(receipt["key"], "me");
  const Reply refused = send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                                     std::string(kAnthropicFields) + "x-api-key: wrong-secret\r\n");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(Document::parse(refused.body)["error"]["type"], "authentication_error");
  EXPECT_EQ(refused.body.find("secret"), std::string::npos);
  EXPECT_EQ(fixture.requests().size(), 4U);
  (void)fixture.receipts(5);
  EXPECT_EQ(fixture.log().find("secret"), std::string::npos) << fixture.log();
}

TEST_P(Credentials, of_the_client_and_proxy_keys_use_different_fields) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"credentials": "client",
                               "apiKeys": [{"name": "me", "key": "door-secret"}]})"});
  for (const char* door : {"x-ccproxy-key", "api-key"}) {
    const Reply reply = send_request(
        fixture.port(), "POST", "/v1/messages", kWholeBody,
        std::string(kAnthropicFields) + door + ": door-secret\r\nAuthorization: Bearer sk-own\r\n");
    EXPECT_EQ(reply.status, 200) << door << reply.raw;
    EXPECT_EQ(field_of(fixture.requests().back(), "authorization"), "Bearer sk-own");
    EXPECT_EQ(fixture.requests().back().dump().find("door-secret"), std::string::npos);
  }
  // A proxy key in the place of the client's credential is not accepted, because it would be
  // forwarded.
  for (const char* field : {"x-api-key: door-secret\r\n", "Authorization: Bearer door-secret\r\n"})
    EXPECT_EQ(send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                           std::string(kAnthropicFields) + field)
                  .status,
              401)
        << field;
  EXPECT_EQ(fixture.requests().size(), 2U);
}

TEST_P(Credentials, in_a_query_string_are_not_logged) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .flags = {"--verbose"}});
  EXPECT_EQ(send_request(fixture.port(), "POST", "/v1/messages?api_key=secret", kWholeBody,
                         kAnthropicFields)
                .status,
            200);
  (void)send_request(fixture.port(), "GET", "/unknown?token=secret", {}, kAnthropicFields);
  (void)fixture.receipts(2);
  EXPECT_EQ(fixture.log().find("secret"), std::string::npos) << fixture.log();
}

TEST_P(Credentials, of_the_client_work_without_one_of_the_server) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"credentials": "client"})", .environment = {}});
  EXPECT_EQ(send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                         std::string(kAnthropicFields) + "x-api-key: sk-own\r\n")
                .status,
            200);
  EXPECT_EQ(
      Document::parse(send_request(fixture.port(), "GET", "/health").body)["credential"]["kind"],
      "client");
}

}  // namespace
}  // namespace ccproxy::test
