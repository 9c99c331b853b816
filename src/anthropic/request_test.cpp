#include "anthropic/request.hpp"

#include <gtest/gtest.h>

namespace ccproxy::anthropic {
namespace {

Result<RequestFacts> facts_of(std::string text) {
  const std::size_t size = text.size();
  text.append(json::kPadding, ' ');
  json::Reader reader;
  return read_facts(reader, std::string_view(text).substr(0, size));
}

struct Case {
  const char* description;
  const char* body;
  const char* patched;
};

const Case kCases[] = {
    {"nothing but the name changes",
     "{ \"max_tokens\" : 1.0 ,\n\t\"model\":  \"old\" , "
     "\"x\":\"\\u00e9\",\"n\":12345678901234567890123 }",
     "{ \"max_tokens\" : 1.0 ,\n\t\"model\":  \"new\" , "
     "\"x\":\"\\u00e9\",\"n\":12345678901234567890123 }"},
    {"a model inside something else is not the model",
     R"({"metadata":{"model":"in"},"messages":[{"model":"in"}],"model":"old"})",
     R"({"metadata":{"model":"in"},"messages":[{"model":"in"}],"model":"new"})"},
    {"a repeated model is replaced everywhere", R"({"model":"old","a":1,"model":"older"})",
     R"({"model":"new","a":1,"model":"new"})"},
    {"an escaped key is the same key", R"({"mod\u0065l":"old"})", R"({"mod\u0065l":"new"})"},
    {"an escaped name is replaced whole", R"({"model":"o\u006cd"})", R"({"model":"new"})"},
    {"a model that is not a string is left alone", R"({"model":5})", R"({"model":5})"},
};

TEST(Request, replaces_the_model_in_place) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.description);
    const auto facts = facts_of(row.body);
    ASSERT_TRUE(facts) << facts.error().message;
    std::string body = row.body;
    replace_model(body, *facts, "new");
    EXPECT_EQ(body, row.patched);
  }
}

struct BatchCase {
  const char* description;
  const char* body;
  const char* patched;
};

const BatchCase kBatches[] = {
    {"each request has its own",
     R"({"requests":[{"custom_id":"a","params":{"model":"x","max_tokens":1.0}}, {"params" : {"model" : "long name"} }] })",
     R"({"requests":[{"custom_id":"a","params":{"model":"new-x","max_tokens":1.0}}, {"params" : {"model" : "new-long name"} }] })"},
    {"names elsewhere are none",
     R"({"model":"m","requests":[{"model":"m","params":{"metadata":{"model":"m"},"messages":[{"model":"m"}]}}]})",
     R"({"model":"m","requests":[{"model":"m","params":{"metadata":{"model":"m"},"messages":[{"model":"m"}]}}]})"},
    {"escapes count as what they mean", R"({"r\u0065quests":[{"params":{"mod\u0065l":"\u0078"}}]})",
     R"({"r\u0065quests":[{"params":{"mod\u0065l":"new-x"}}]})"},
    {"what is of another shape is left alone",
     R"({"requests":[5,null,"x",[{"params":{"model":"x"}}],{"params":["x"]},{"params":{"model":["x"]}}]})",
     R"({"requests":[5,null,"x",[{"params":{"model":"x"}}],{"params":["x"]},{"params":{"model":["x"]}}]})"},
    {"an empty batch", R"({"requests":[]})", R"({"requests":[]})"},
    {"no batch", R"({})", R"({})"},
};

TEST(Batch, replaces_the_models_of_its_requests_in_place) {
  for (const BatchCase& row : kBatches) {
    SCOPED_TRACE(row.description);
    const std::string padded = row.body + std::string(json::kPadding, ' ');
    const std::string_view body =
        std::string_view(padded).substr(0, padded.size() - json::kPadding);
    auto models = read_batch_models(body);
    ASSERT_TRUE(models) << models.error().message;
    for (BatchModel& model : *models) model.name.insert(0, "new-");
    EXPECT_EQ(with_models(body, *models), row.patched);
  }
  for (const char* broken : {"", "[]", "{", R"({"requests":[{"params":{"model":"x"})",
                             R"({"requests":[{"params":{"model" "x"}}]})"}) {
    const std::string padded = broken + std::string(json::kPadding, ' ');
    EXPECT_FALSE(
        read_batch_models(std::string_view(padded).substr(0, padded.size() - json::kPadding)))
        << broken;
  }
}

TEST(Request, reads_the_model_and_whether_it_streams) {
  EXPECT_EQ(facts_of(R"({"model":"a","stream":true})")->model, "a");
  EXPECT_TRUE(facts_of(R"({"model":"a","stream":true})")->stream);
  EXPECT_FALSE(facts_of(R"({"model":"a","stream":"true"})")->stream);
  EXPECT_FALSE(facts_of(R"({"messages":[]})")->model);
}

TEST(Request, is_refused_when_it_is_not_json) {
  for (const char* body : {"", "[]", "{\"model\":\"a\"", "hello", "{\"model\":\"a\"}}"})
    EXPECT_FALSE(facts_of(body)) << body;
}

}  // namespace
}  // namespace ccproxy::anthropic
