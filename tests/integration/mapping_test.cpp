// The model's name on its way upstream: which one is sent, that nothing but its bytes changes, and
// what client and log are told. (Which of several patterns wins is config/model_map_test's.)
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/coding.hpp"
#include "support/road.hpp"

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

class MappedModel : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam(), .config = kMapping}};

  Reply post(std::string_view body, std::string_view fields = kFields,
             std::string_view target = "/v1/messages") {
    return ask(fixture.port(), "POST", target, body, fields);
  }
  std::string last_body() { return body_of(fixture.requests().back()); }
};
INSTANTIATE_TEST_SUITE_P(Workers, MappedModel, testing::Values(1U, 2U));

std::string odd_body(std::string_view model) {
  return "{ \"max_tokens\":100,\"temperature\":1.0 ,\n\t\"model\" :  " + std::string(model) +
         ",\"x\":{\"model\":\"exact\"},\"messages\":[{\"role\":\"user\",\"content\":\"\\u0048i "
         "exact\"}] , \"model_\":\"exact\" }\n";
}

TEST_P(MappedModel, changes_nothing_but_the_bytes_of_the_name) {
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
  for (const auto& [asked, sent] : names) {
    const Reply reply = post(odd_body(asked));
    EXPECT_FALSE(reply.has("x-ccproxy-warning")) << asked;
    EXPECT_EQ(last_body(), odd_body(sent)) << asked;
  }
}

TEST_P(MappedModel, is_replaced_wherever_the_member_stands) {
  (void)post(
      R"({"model":"exact","max_tokens":1,"model": "exact" ,"messages":[],"mod\u0065l":"ex\u0061ct"})");
  EXPECT_EQ(
      last_body(),
      R"({"model":"claude-opus-5","max_tokens":1,"model": "claude-opus-5" ,"messages":[],"mod\u0065l":"claude-opus-5"})");
}

TEST_P(MappedModel, leaves_a_body_alone_that_cannot_be_read) {
  for (const std::string body : {R"({"model":"exact",)", R"({"model":"exact"}})",
                                 R"(["model","exact"])", R"({"model":"exact" "max_tokens":1})"}) {
    (void)post(body);
    EXPECT_EQ(last_body(), body);
  }
}

TEST_P(MappedModel, is_sent_where_it_is_longer_than_the_chunks_it_came_in) {
  (void)post(R"({"model":"exact","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]})",
             kFields, "/v1/messages/count_tokens?beta=true");
  Document seen = fixture.requests().at(0);
  EXPECT_EQ(seen["target"], "/v1/messages/count_tokens?beta=true");
  EXPECT_EQ(Document::parse(body_of(seen))["model"], "claude-opus-5");
  EXPECT_EQ(field_of(seen, "content-length"), std::to_string(body_of(seen).size()));
}

TEST_P(MappedModel, that_is_retired_goes_to_its_successor_and_client_and_log_are_told) {
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
    for (const auto& [asked, sent] : names) {
      const Reply reply = post(odd_body('"' + asked + '"'));
      EXPECT_EQ(reply.field("x-ccproxy-warning"), "model_retired") << asked;
      EXPECT_EQ(last_body(), odd_body('"' + sent + '"')) << asked;
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
    EXPECT_EQ(log.find(sentence, first + 1), std::string::npos) << id << " is told more than once";
  }
}

// Nobody chose what stands behind the names that CCProxy brings along.
TEST_P(MappedModel, of_a_default_is_served_without_a_warning) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"gpt-4", "claude-sonnet-4-6"},      {"gpt-3.5-turbo", "claude-haiku-4-5"},
      {"sonnet", "claude-sonnet-5-5"},     {"opus", "claude-opus-5-5"},
      {"haiku", "claude-haiku-5-5"},       {"fable", "claude-fable-5-2"},
      {"claude-4-opus", "claude-opus-4-8"}};
  for (const auto& [asked, sent] : names) {
    const Reply reply = post(odd_body('"' + asked + '"'));
    EXPECT_FALSE(reply.has("x-ccproxy-warning")) << asked;
    EXPECT_EQ(last_body(), odd_body('"' + sent + '"')) << asked;
  }
  (void)fixture.receipts(names.size());
  EXPECT_EQ(fixture.log().find("model_retired"), std::string::npos);
}

TEST_P(MappedModel, is_known_in_the_spelling_of_others) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"anthropic/claude-opus-5", "claude-opus-5"},
      {"claude-haiku-4.5", "claude-haiku-4-5"},
      {"claude-4.5-haiku", "claude-haiku-4-5"},
      {"claude-opus-9.1", "claude-opus-9.1"}};
  for (const auto& [asked, sent] : names) {
    EXPECT_FALSE(post(odd_body('"' + asked + '"')).has("x-ccproxy-warning")) << asked;
    EXPECT_EQ(last_body(), odd_body('"' + sent + '"')) << asked;
  }
  const Reply shown = ask(fixture.port(), "GET", "/v1/models/claude-haiku-4.5", {}, kFields);
  EXPECT_TRUE(Document::parse(shown.body)["id"].get<std::string>().starts_with("claude-haiku-4-5"))
      << shown.body;
}

TEST_P(MappedModel, of_a_coded_body_is_unfolded_only_where_the_name_must_change) {
  fixture.reply({{"body", "{}"}});
  const std::string fields = std::string(kFields) + "content-encoding: gzip\r\n";
  const std::string kept = http::gzip(odd_body("\"claude-sonnet-5\""));
  EXPECT_EQ(post(kept, fields).status, 200);
  EXPECT_EQ(last_body(), kept);
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

TEST_P(MappedModel, is_mapped_in_each_request_of_a_batch_and_nothing_else_there) {
  const Reply mapped = post(batch_of("exact", "claude-3-opus-20240229"), kFields, kBatches);
  EXPECT_EQ(mapped.status, 200);
  EXPECT_EQ(mapped.field("x-ccproxy-warning"), "model_retired");
  const std::string sent = batch_of("claude-opus-5", "claude-opus-4-8");
  EXPECT_EQ(last_body(), sent);
  EXPECT_EQ(field_of(fixture.requests().back(), "content-length"), std::to_string(sent.size()));

  for (const std::string& as_it_is :
       {batch_of("claude-opus-5", "claude-sonnet-5"), std::string(R"({"requests":[{"params")")}) {
    const Reply reply = post(as_it_is, kFields, kBatches);
    EXPECT_FALSE(reply.has("x-ccproxy-warning"));
    EXPECT_EQ(last_body(), as_it_is);
  }
}

TEST_P(MappedModel, is_not_mapped_in_a_batch_that_is_not_held_and_that_is_said) {
  const std::string fields = std::string(kFields) + "content-encoding: gzip\r\n";
  const std::string coded = http::gzip(batch_of("exact", "exact"));
  EXPECT_EQ(post(coded, fields, kBatches).field("x-ccproxy-warning"), "batch_not_mapped");
  EXPECT_EQ(last_body(), coded);
  EXPECT_FALSE(ask(fixture.port(), "GET", kBatches, {}, kFields).has("x-ccproxy-warning"));

  ProxyFixture small(
      Plan{.workers = GetParam(),
           .config = R"({"modelMapping":{"exact":"x"},"limits":{"bodyBytes":1024}})"});
  const std::string large = batch_of("exact", std::string(1024, 'y'));
  const Reply reply = ask(small.port(), "POST", kBatches, large, kFields);
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "batch_not_mapped");
  EXPECT_EQ(body_of(small.requests().back()), large);
}

TEST_P(MappedModel, is_found_behind_a_byte_order_mark_that_stays) {
  const std::string cache_control = "\xEF\xBB\xBF";
  EXPECT_EQ(post(cache_control + odd_body("\"exact\"")).status, 200);
  EXPECT_EQ(last_body(), cache_control + odd_body("\"claude-opus-5\""));
}

TEST(UpstreamAddress, counts_with_its_v1_and_without) {
  for (const char* upstream : {"{mock}/v1", "{mock}/v1/"}) {
    ProxyFixture fixture(Plan{.upstream = upstream});
    EXPECT_EQ(ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields).status, 200);
    EXPECT_EQ(fixture.requests().at(0)["target"], "/v1/messages");
  }
}

class RetiredModel : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, RetiredModel, testing::Values(1U, 2U));

TEST_P(RetiredModel, is_sent_as_it_is_where_the_person_wants_so) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"followRetirements": false})"});
  const std::vector<std::pair<std::string, std::string>> names = {
      {"claude-3-opus-20240229", "claude-3-opus-20240229"}, {"gpt-4", "claude-sonnet-4-20250514"}};
  for (const auto& [asked, sent] : names) {
    const Reply reply =
        ask(fixture.port(), "POST", "/v1/messages", odd_body('"' + asked + '"'), kFields);
    EXPECT_FALSE(reply.has("x-ccproxy-warning"));
    EXPECT_EQ(body_of(fixture.requests().back()), odd_body('"' + sent + '"'));
  }
  (void)fixture.receipts(2);
  EXPECT_EQ(fixture.log().find("model_retired"), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::test
