// The model's name on its way upstream: which name is sent, that only its bytes change, and what
// the client and the log are told. (config/model_map_test covers which of several patterns wins.)
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/coding.hpp"
#include "support/proxy_fixture.hpp"

namespace ccproxy::test {
namespace {

constexpr const char* kMapping = R"({"modelMapping": {
  "exact": "claude-opus-5",
  "ex*": "claude-haiku-5-5",
  "my-*-model": "claude-sonnet-5-5",
  "my-*": "claude-opus-4-8",
  "odd\"name": "claude-with-\"quote\"-and-é",
  "same": "same",
  "gpt-4o": null,
  "old": "claude-3-opus-20240229"
}})";

class ModelMapping : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam(), .config = kMapping}};

  Reply post(std::string_view body, std::string_view fields = kAnthropicFields,
             std::string_view target = "/v1/messages") {
    return send_request(fixture.port(), "POST", target, body, fields);
  }
  std::string last_body() { return body_of(fixture.requests().back()); }
};
INSTANTIATE_TEST_SUITE_P(Workers, ModelMapping, testing::Values(1U, 2U));

std::string odd_body(std::string_view model) {
  return "{ \"max_tokens\":100,\"temperature\":1.0 ,\n\t\"model\" :  " + std::string(model) +
         ",\"x\":{\"model\":\"exact\"},\"messages\":[{\"role\":\"user\",\"content\":\"\\u0048i "
         "exact\"}] , \"model_\":\"exact\" }\n";
}

TEST_P(ModelMapping, changes_only_the_bytes_of_the_name) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {R"("exact")", R"("claude-opus-5")"},
      {R"("ex\u0061ct")", R"("claude-opus-5")"},
      {R"("extra")", R"("claude-haiku-5-5")"},
      {R"("my-own-model")", R"("claude-sonnet-5-5")"},
      {R"("my-own")", R"("claude-opus-4-8")"},
      {R"("odd\"name")", R"("claude-with-\"quote\"-and-é")"},
      {R"("same")", R"("same")"},
      {R"("EXACT")", R"("EXACT")"},
      {R"("gpt-4o")", R"("gpt-4o")"},
      {R"("")", R"("")"},
      {"null", "null"},
      {"[\"exact\"]", "[\"exact\"]"},
  };
  for (const auto& [requested, sent] : names) {
    const Reply reply = post(odd_body(requested));
    EXPECT_FALSE(reply.has("x-ccproxy-warning")) << requested;
    EXPECT_EQ(last_body(), odd_body(sent)) << requested;
  }
}

TEST_P(ModelMapping, replaces_every_model_member) {
  (void)post(
      R"({"model":"exact","max_tokens":1,"model": "exact" ,"messages":[],"mod\u0065l":"ex\u0061ct"})");
  EXPECT_EQ(
      last_body(),
      R"({"model":"claude-opus-5","max_tokens":1,"model": "claude-opus-5" ,"messages":[],"mod\u0065l":"claude-opus-5"})");
}

TEST_P(ModelMapping, leaves_an_invalid_body_unchanged) {
  for (const std::string body : {R"({"model":"exact",)", R"({"model":"exact"}})",
                                 R"(["model","exact"])", R"({"model":"exact" "max_tokens":1})"}) {
    (void)post(body);
    EXPECT_EQ(last_body(), body);
  }
}

TEST_P(ModelMapping, adapts_the_content_length) {
  (void)post(R"({"model":"exact","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]})",
             kAnthropicFields, "/v1/messages/count_tokens?beta=true");
  Document seen = fixture.requests().at(0);
  EXPECT_EQ(seen["target"], "/v1/messages/count_tokens?beta=true");
  EXPECT_EQ(Document::parse(body_of(seen))["model"], "claude-opus-5");
  EXPECT_EQ(field_of(seen, "content-length"), std::to_string(body_of(seen).size()));
}

TEST_P(ModelMapping, sends_a_retired_model_to_its_successor_with_a_warning) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"claude-3-opus-20240229", "claude-opus-4-8"},
      {"claude-sonnet-4-20250514", "claude-sonnet-4-6"},
      {"claude-sonnet-4-0", "claude-sonnet-4-6"},
      {"claude-3-5-haiku-20241022", "claude-haiku-4-5"},
      {"claude-sonnet-4-5", "claude-sonnet-5-5"},
      {"anthropic/claude-sonnet-4", "claude-sonnet-4-6"},
      {"old", "claude-opus-4-8"},
  };
  for (int round = 0; round < 2; ++round)
    for (const auto& [requested, sent] : names) {
      const Reply reply = post(odd_body('"' + requested + '"'));
      EXPECT_EQ(reply.field("x-ccproxy-warning"), "model_retired") << requested;
      EXPECT_EQ(last_body(), odd_body('"' + sent + '"')) << requested;
    }
  for (Document& receipt : fixture.receipts(2 * names.size())) {
    if (receipt["model"] == "old") {
      EXPECT_EQ(receipt["model_sent"], "claude-opus-4-8");
    }
  }
  const std::string log = fixture.log();
  for (const char* id : {"claude-3-opus-20240229", "claude-sonnet-4-20250514", "claude-sonnet-4-0",
                         "claude-3-5-haiku-20241022"}) {
    const std::string sentence = std::string(id) + " is retired";
    const auto first = log.find(sentence);
    EXPECT_NE(first, std::string::npos) << id;
    EXPECT_EQ(log.find(sentence, first + 1), std::string::npos)
        << id << " is logged more than once";
  }
}

// The targets of built-in names are no choice of the user, so there is no warning.
TEST_P(ModelMapping, serves_built_in_names_without_a_warning) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"gpt-4", "claude-sonnet-4-6"},      {"gpt-3.5-turbo", "claude-haiku-4-5"},
      {"sonnet", "claude-sonnet-5-5"},     {"opus", "claude-opus-5-5"},
      {"haiku", "claude-haiku-5-5"},       {"fable", "claude-fable-5-2"},
      {"claude-4-opus", "claude-opus-4-8"}};
  for (const auto& [requested, sent] : names) {
    const Reply reply = post(odd_body('"' + requested + '"'));
    EXPECT_FALSE(reply.has("x-ccproxy-warning")) << requested;
    EXPECT_EQ(last_body(), odd_body('"' + sent + '"')) << requested;
  }
  (void)fixture.receipts(names.size());
  EXPECT_EQ(fixture.log().find("model_retired"), std::string::npos);
}

TEST_P(ModelMapping, accepts_other_spellings) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"anthropic/claude-opus-5", "claude-opus-5"},
      {"claude-haiku-4.5", "claude-haiku-4-5"},
      {"claude-4.5-haiku", "claude-haiku-4-5"},
      {"claude-opus-9.1", "claude-opus-9.1"}};
  for (const auto& [requested, sent] : names) {
    EXPECT_FALSE(post(odd_body('"' + requested + '"')).has("x-ccproxy-warning")) << requested;
    EXPECT_EQ(last_body(), odd_body('"' + sent + '"')) << requested;
  }
  const Reply shown =
      send_request(fixture.port(), "GET", "/v1/models/claude-haiku-4.5", {}, kAnthropicFields);
  EXPECT_TRUE(Document::parse(shown.body)["id"].get<std::string>().starts_with("claude-haiku-4-5"))
      << shown.body;
}

TEST_P(ModelMapping, decompresses_a_body_only_to_change_the_name) {
  fixture.set_reply({{"body", "{}"}});
  const std::string fields = std::string(kAnthropicFields) + "content-encoding: gzip\r\n";
  const std::string coded = http::gzip(odd_body("\"claude-sonnet-5\""));
  EXPECT_EQ(post(coded, fields).status, 200);
  EXPECT_EQ(last_body(), coded);
  EXPECT_EQ(field_of(fixture.requests().back(), "content-encoding"), "gzip");

  EXPECT_EQ(post(http::gzip(odd_body("\"exact\"")), fields).status, 200);
  Document seen = fixture.requests().back();
  EXPECT_EQ(body_of(seen), odd_body("\"claude-opus-5\""));
  EXPECT_EQ(field_of(seen, "content-encoding"), "");
  EXPECT_EQ(field_of(seen, "content-length"), std::to_string(body_of(seen).size()));
}

constexpr const char* kBatches = "/v1/messages/batches";

std::string batch_of(std::string_view one, std::string_view other) {
  return R"({"requests":[ {"custom_id":"a","params":{"model":")" + std::string(one) +
         R"(","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}},{"custom_id":"b","params":{"max_tokens":6,"model": ")" +
         std::string(other) +
         R"(","messages":[{"role":"user","content":"exact"}]}}],"model":"exact"})";
}

TEST_P(ModelMapping, maps_each_request_of_a_batch) {
  const Reply mapped =
      post(batch_of("exact", "claude-3-opus-20240229"), kAnthropicFields, kBatches);
  EXPECT_EQ(mapped.status, 200);
  EXPECT_EQ(mapped.field("x-ccproxy-warning"), "model_retired");
  const std::string sent = batch_of("claude-opus-5", "claude-opus-4-8");
  EXPECT_EQ(last_body(), sent);
  EXPECT_EQ(field_of(fixture.requests().back(), "content-length"), std::to_string(sent.size()));

  for (const std::string& as_it_is :
       {batch_of("claude-opus-5", "claude-sonnet-5"), std::string(R"({"requests":[{"params")")}) {
    const Reply reply = post(as_it_is, kAnthropicFields, kBatches);
    EXPECT_FALSE(reply.has("x-ccproxy-warning"));
    EXPECT_EQ(last_body(), as_it_is);
  }
}

TEST_P(ModelMapping, warns_when_a_batch_is_not_mapped) {
  const std::string fields = std::string(kAnthropicFields) + "content-encoding: gzip\r\n";
  const std::string coded = http::gzip(batch_of("exact", "exact"));
  EXPECT_EQ(post(coded, fields, kBatches).field("x-ccproxy-warning"), "batch_not_mapped");
  EXPECT_EQ(last_body(), coded);
  EXPECT_FALSE(
      send_request(fixture.port(), "GET", kBatches, {}, kAnthropicFields).has("x-ccproxy-warning"));

  ProxyFixture small(
      Plan{.workers = GetParam(),
           .config = R"({"modelMapping":{"exact":"x"},"limits":{"bodyBytes":1024}})"});
  const std::string large = batch_of("exact", std::string(1024, 'y'));
  const Reply reply = send_request(small.port(), "POST", kBatches, large, kAnthropicFields);
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "batch_not_mapped");
  EXPECT_EQ(body_of(small.requests().back()), large);
}

TEST_P(ModelMapping, preserves_a_byte_order_mark) {
  const std::string byte_order_mark = "\xEF\xBB\xBF";
  EXPECT_EQ(post(byte_order_mark + odd_body("\"exact\"")).status, 200);
  EXPECT_EQ(last_body(), byte_order_mark + odd_body("\"claude-opus-5\""));
}

TEST(UpstreamUrl, may_end_with_v1) {
  for (const char* upstream : {"{mock}/v1", "{mock}/v1/"}) {
    ProxyFixture fixture(Plan{.upstream = upstream});
    EXPECT_EQ(
        send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields).status,
        200);
    EXPECT_EQ(fixture.requests().at(0)["target"], "/v1/messages");
  }
}

class RetiredModel : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, RetiredModel, testing::Values(1U, 2U));

TEST_P(RetiredModel, is_sent_unchanged_when_configured) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"followRetirements": false})"});
  const std::vector<std::pair<std::string, std::string>> names = {
      {"claude-3-opus-20240229", "claude-3-opus-20240229"}, {"gpt-4", "claude-sonnet-4-20250514"}};
  for (const auto& [requested, sent] : names) {
    const Reply reply = send_request(fixture.port(), "POST", "/v1/messages",
                                     odd_body('"' + requested + '"'), kAnthropicFields);
    EXPECT_FALSE(reply.has("x-ccproxy-warning"));
    EXPECT_EQ(body_of(fixture.requests().back()), odd_body('"' + sent + '"'));
  }
  (void)fixture.receipts(2);
  EXPECT_EQ(fixture.log().find("model_retired"), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::test
