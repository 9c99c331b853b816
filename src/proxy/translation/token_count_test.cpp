#include "proxy/translation/token_count.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "proxy/translation/exchange_fixture.hpp"

namespace ccproxy::proxy {
namespace {

struct Count {
  const char* name;
  std::string body;
  std::string tokens;  // "" where there is no count
};

const std::vector<Count> kCounts = {
    {"a count", R"({"input_tokens":2095})", "2095"},
    {"a count among others", R"({"cache":{"input_tokens":1},"input_tokens":7,"x":[]})", "7"},
    {"no count", R"({"output_tokens":7})", ""},
    {"a count that is no number", R"({"input_tokens":"7"})", ""},
    {"a negative count", R"({"input_tokens":-7})", ""},
    {"a body that is not JSON", "<html>", ""},
    {"an empty body", "", ""},
};

TEST(TokenCount, is_the_object_of_the_responses_api) {
  for (const Count& row : kCounts) {
    SCOPED_TRACE(row.name);
    const auto object = token_count_object(row.body);
    ASSERT_EQ(object.has_value(), !row.tokens.empty());
    const std::string begin = R"({"object":"response.input_tokens","input_tokens":)";
    EXPECT_EQ(object.value_or(""), object ? begin + row.tokens + "}" : "");
  }
}

struct Counting : ExchangeFixture {
  explicit Counting(const std::string& response) : ExchangeFixture({{{response}}}) {}

  Route route{.kind = RouteKind::kInputTokens,
              .dialect = dialect::Dialect::kResponses,
              .name = {},
              .allow = {}};
  Result<void> result{};
};

Task<void> count(Counting& counting) {
  const UpstreamTarget target{counting.head, "/v1/messages/count_tokens", false};
  auto head = co_await counting.call.send(target, "{}");
  CO_ASSERT(head);
  counting.result = co_await send_token_count(counting.exchange, counting.route, *head);
}

TEST(TokenCount, is_sent_with_the_fields_of_every_reply) {
  Counting counting(json_response(200, R"({"input_tokens":12})"));
  counting.receipt.model_sent = "claude-sonnet-5-5";
  counting.fixture.run(count(counting));
  EXPECT_TRUE(counting.result);
  EXPECT_EQ(counting.sink.status, 200);
  EXPECT_EQ(counting.sink.body, R"({"object":"response.input_tokens","input_tokens":12})");
  EXPECT_NE(counting.sink.fields.find("x-ccproxy-upstream-model: claude-sonnet-5-5\r\n"),
            std::string::npos);
}

TEST(TokenCount, gives_way_to_an_error_that_comes_with_status_200) {
  Counting counting(error_response(200, "bad input"));
  counting.fixture.run(count(counting));
  EXPECT_TRUE(counting.result);
  EXPECT_EQ(counting.sink.status, 400);
  EXPECT_NE(counting.sink.body.find("bad input"), std::string::npos) << counting.sink.body;
}

TEST(TokenCount, fails_before_anything_is_sent_when_the_body_has_none) {
  Counting counting(json_response(200, R"({"tokens":12})"));
  counting.fixture.run(count(counting));
  ASSERT_FALSE(counting.result);
  EXPECT_EQ(counting.result.error().kind, ErrorKind::kUpstreamBroke);
  EXPECT_EQ(counting.sink.status, 0);
  EXPECT_EQ(counting.receipt.detail, "the upstream did not say how many tokens the request has");
}

}  // namespace
}  // namespace ccproxy::proxy
