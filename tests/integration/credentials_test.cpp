// Whose credential goes upstream. In key mode the server's, and nothing of the client's; under
// `credentials: client` the client's, and nothing of the server's. None of them is ever logged.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/road.hpp"

namespace ccproxy::test {
namespace {

// Everything a client may show; each value has "secret" in it.
constexpr const char* kAll =
    "Authorization: Bearer secret-bearer\r\n"
    "x-api-key: secret-key\r\n"
    "api-key: secret-azure\r\n"
    "x-ccproxy-key: secret-proxy-key\r\n"
    "Proxy-Authorization: Basic secret\r\n"
    "Cookie: secret=1\r\n";

// Each route that goes upstream, with its method and body.
struct Passed {
  const char *method, *target, *body;
};
const std::vector<Passed> kPassed = {
    {"POST", "/v1/messages?beta=true", kWhole},
    {"POST", "/v1/messages", kStreamed},
    {"POST", "/messages/count_tokens", kWhole},
    {"POST", "/v1/messages/batches", "{}"},
    {"GET", "/v1/messages/batches", ""},
    {"POST", "/v1/files", "not a form"},
    {"GET", "/v1/files/f/content", ""},
    {"GET", "/v1/skills", ""},
    {"GET", "/v1/tomorrow", ""},
};

class Credentials : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, Credentials, testing::Values(1U, 2U));

TEST_P(Credentials, of_the_client_never_go_upstream_in_key_mode) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .flags = {"--verbose"}});
  for (const Passed& one : kPassed)
    (void)ask(fixture.port(), one.method, one.target, one.body, std::string(kFields) + kAll);
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), kPassed.size());
  for (Document& seen : requests) {
    EXPECT_EQ(seen["headers"].dump().find("secret"), std::string::npos) << seen.dump(1);
    EXPECT_EQ(field_of(seen, "x-api-key"), kServerKey) << seen["target"];
    EXPECT_EQ(field_of(seen, "authorization"), "") << seen["target"];
  }
  (void)fixture.receipts(kPassed.size());
  const std::string told = fixture.log() + fixture.proxy().output();
  EXPECT_EQ(told.find("secret"), std::string::npos) << told;
  EXPECT_EQ(told.find(kServerKey), std::string::npos) << told;
}

TEST_P(Credentials, of_the_client_pass_unchanged_where_that_is_configured) {
  ProxyFixture fixture(Plan{
      .workers = GetParam(), .config = R"({"credentials": "client"})", .flags = {"--verbose"}});
  for (const Passed& one : kPassed)
    (void)ask(fixture.port(), one.method, one.target, one.body, std::string(kFields) + kAll);
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), kPassed.size());
  for (Document& seen : requests) {
    EXPECT_EQ(field_of(seen, "authorization"), "Bearer secret-bearer") << seen["target"];
    EXPECT_EQ(field_of(seen, "x-api-key"), "secret-key") << seen["target"];
    for (const char* name : {"api-key", "x-ccproxy-key", "proxy-authorization", "cookie"})
      EXPECT_EQ(field_of(seen, name), "") << name;
    EXPECT_EQ(seen.dump().find(kServerKey), std::string::npos) << seen.dump(1);
  }
  (void)fixture.receipts(kPassed.size());
  const std::string told = fixture.log() + fixture.proxy().output();
  EXPECT_EQ(told.find("secret"), std::string::npos) << told;
  EXPECT_EQ(told.find(kServerKey), std::string::npos) << told;
}

TEST_P(Credentials, pass_one_by_one_and_their_absence_passes_too) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"credentials": "client"})"});
  const auto sent_for = [&](const char* fields) {
    const Reply reply =
        ask(fixture.port(), "POST", "/v1/messages", kWhole, std::string(kFields) + fields);
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
      << "nothing is added to what the client says with a credential of its own";
  EXPECT_EQ(field_of(fixture.requests().back(), "anthropic-beta"), "");
}

TEST_P(Credentials, that_are_missing_are_a_401_that_says_what_to_do) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .environment = {}});
  for (const Passed& one : kPassed) {
    const Reply reply =
        ask(fixture.port(), one.method, one.target, one.body, std::string(kFields) + kAll);
    EXPECT_EQ(reply.status, 401) << one.target;
    Document body = Document::parse(reply.body);
    EXPECT_EQ(body["type"], "error") << one.target;
    EXPECT_EQ(body["error"]["type"], "authentication_error") << one.target;
    EXPECT_NE(body["error"]["message"].get<std::string>().find("ANTHROPIC_API_KEY"),
              std::string::npos);
    EXPECT_EQ(reply.body.find("secret"), std::string::npos) << "a credential was echoed";
  }
  EXPECT_EQ(fixture.requests().size(), 0U);
}

TEST_P(Credentials, of_the_proxys_door_open_it_and_go_no_further) {
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"apiKeys": [{"name": "me", "key": "door-secret"}]})"});
  for (const char* fields : {"Authorization: Bearer door-secret\r\n", "x-api-key: door-secret\r\n",
                             "api-key: door-secret\r\n", "x-ccproxy-key: door-secret\r\n"}) {
    const Reply reply =
        ask(fixture.port(), "POST", "/v1/messages", kWhole, std::string(kFields) + fields);
    EXPECT_EQ(reply.status, 200) << fields << reply.raw;
    EXPECT_EQ(fixture.requests().back().dump().find("door-secret"), std::string::npos) << fields;
    EXPECT_EQ(field_of(fixture.requests().back(), "x-api-key"), kServerKey);
  }
  for (Document& receipt : fixture.receipts(4)) EXPECT_EQ(receipt["key"], "me");
  const Reply refused = ask(fixture.port(), "POST", "/v1/messages", kWhole,
                            std::string(kFields) + "x-api-key: wrong-secret\r\n");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(Document::parse(refused.body)["error"]["type"], "authentication_error");
  EXPECT_EQ(refused.body.find("secret"), std::string::npos);
  EXPECT_EQ(fixture.requests().size(), 4U);
  (void)fixture.receipts(5);
  EXPECT_EQ(fixture.log().find("secret"), std::string::npos) << fixture.log();
}

TEST_P(Credentials, of_the_client_and_of_the_door_come_in_fields_of_their_own) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"credentials": "client",
                               "apiKeys": [{"name": "me", "key": "door-secret"}]})"});
  for (const char* door : {"x-ccproxy-key", "api-key"}) {
    const Reply reply =
        ask(fixture.port(), "POST", "/v1/messages", kWhole,
            std::string(kFields) + door + ": door-secret\r\nAuthorization: Bearer sk-own\r\n");
    EXPECT_EQ(reply.status, 200) << door << reply.raw;
    EXPECT_EQ(field_of(fixture.requests().back(), "authorization"), "Bearer sk-own");
    EXPECT_EQ(fixture.requests().back().dump().find("door-secret"), std::string::npos);
  }
  // A door key in the credential's place opens nothing: it would have gone upstream.
  for (const char* field : {"x-api-key: door-secret\r\n", "Authorization: Bearer door-secret\r\n"})
    EXPECT_EQ(
        ask(fixture.port(), "POST", "/v1/messages", kWhole, std::string(kFields) + field).status,
        401)
        << field;
  EXPECT_EQ(fixture.requests().size(), 2U);
}

TEST_P(Credentials, stay_out_of_the_log_when_they_stand_in_a_query) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .flags = {"--verbose"}});
  EXPECT_EQ(ask(fixture.port(), "POST", "/v1/messages?api_key=secret", kWhole, kFields).status,
            200);
  (void)ask(fixture.port(), "GET", "/unknown?token=secret", {}, kFields);
  (void)fixture.receipts(2);
  EXPECT_EQ(fixture.log().find("secret"), std::string::npos) << fixture.log();
}

TEST_P(Credentials, of_a_client_pass_although_none_of_the_servers_is_there) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(), .config = R"({"credentials": "client"})", .environment = {}});
  EXPECT_EQ(ask(fixture.port(), "POST", "/v1/messages", kWhole,
                std::string(kFields) + "x-api-key: sk-own\r\n")
                .status,
            200);
  EXPECT_EQ(Document::parse(ask(fixture.port(), "GET", "/health").body)["credential"]["kind"],
            "client");
}

}  // namespace
}  // namespace ccproxy::test
