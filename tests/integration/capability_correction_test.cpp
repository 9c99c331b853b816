// Corrections of what the proxy knows of a model, made from the upstream's errors, and what it
// fetches about a model that it does not know. All workers share them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/chat.hpp"

namespace ccproxy::test {
namespace {

// Makes the mock refuse the next request with `message`, and reply to later ones with `text`.
void refuse_once(ProxyFixture& fixture, const std::string& message,
                 const std::string& text = "Hi") {
  fixture.set_script({{"replies",
                       {{{"times", 1},
                         {"status", 400},
                         {"error", {{"type", "invalid_request_error"}, {"message", message}}}},
                        {{"text", text}}}}});
  fixture.clear_requests();
}

class CapabilityCorrection : public testing::TestWithParam<unsigned> {
 protected:
  [[nodiscard]] Document sent(std::size_t index) {
    return Document::parse(body_of(fixture.requests().at(index)));
  }

  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, CapabilityCorrection, testing::Values(1U, 2U));

TEST_P(CapabilityCorrection, is_learned_once_for_all_later_requests_p48) {
  refuse_once(fixture, "tool_choice: type \"tool\" and \"any\" are not supported for this model.");
  const Document body = chat_body({{"tools", {function_tool("f")}}, {"tool_choice", "required"}});
  const Reply first = post_chat(fixture, body);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.field("x-ccproxy-warning"), "tool_choice_downgraded");
  EXPECT_EQ(fixture.requests().size(), 2U);
  EXPECT_EQ(sent(0)["tool_choice"]["type"], "any");
  EXPECT_EQ(sent(1)["tool_choice"]["type"], "auto");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(post_chat(fixture, body).status, 200);
  EXPECT_EQ(fixture.requests().size(), 6U) << "one each, from whichever worker";
  EXPECT_EQ(sent(5)["tool_choice"]["type"], "auto");
}

TEST_P(CapabilityCorrection, is_made_once_for_one_request) {
  fixture.set_reply({{"status", 400},
                     {"error",
                      {{"type", "invalid_request_error"},
                       {"message", "tool_choice: type \"tool\" and \"any\" are not supported."}}}});
  const Reply reply =
      post_chat(fixture, chat_body({{"tools", {function_tool("f")}}, {"tool_choice", "required"}}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(fixture.requests().size(), 2U);
}

TEST_P(CapabilityCorrection, names_the_field_to_a_strict_client) {
  refuse_once(fixture, "temperature is deprecated for this model");
  const Reply reply =
      post_chat(fixture, chat_body({{"model", "claude-opus-4-6"}, {"temperature", 0.5}}),
                std::string(kOpenAiFields) + "x-ccproxy-strict: true\r\n");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(Document::parse(reply.body)["error"]["param"], "temperature");
}

TEST_P(CapabilityCorrection, does_not_retry_when_it_changes_nothing) {
  refuse_once(fixture, "temperature is not supported for this model");
  EXPECT_EQ(post_chat(fixture, chat_body()).status, 400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

// A refusal for reasons of policy is final, whatever words it has.
TEST_P(CapabilityCorrection, is_not_made_from_a_policy_refusal) {
  refuse_once(
      fixture,
      "This credential is only authorized for use with Claude Code: tool_choice is not supported.");
  EXPECT_EQ(
      post_chat(fixture, chat_body({{"tools", {function_tool("f")}}, {"tool_choice", "required"}}))
          .status,
      400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(CapabilityCorrection, is_not_made_from_other_errors) {
  refuse_once(fixture, "messages.0.content: something else is wrong");
  EXPECT_EQ(
      post_chat(fixture, chat_body({{"tools", {function_tool("f")}}, {"tool_choice", "required"}}))
          .status,
      400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(CapabilityCorrection, lowers_max_tokens_in_a_full_context) {
  refuse_once(
      fixture,
      "input length and `max_tokens` exceed context limit: 199000 + 64000 > 200000, decrease input "
      "length or `max_tokens` and try again");
  EXPECT_EQ(post_chat(fixture, chat_body({{"model", "claude-haiku-4-5"}})).status, 200);
  EXPECT_EQ(sent(0)["max_tokens"], 64'000);
  EXPECT_EQ(sent(1)["max_tokens"], 1'000);
}

TEST_P(CapabilityCorrection, drops_what_the_proxy_added) {
  refuse_once(fixture, "cache_control: Extra inputs are not permitted");
  EXPECT_EQ(post_chat(fixture, chat_body()).status, 200);
  EXPECT_TRUE(sent(0).contains("cache_control"));
  EXPECT_FALSE(sent(1).contains("cache_control"));
}

// Returns a response_format with a JSON schema of one property.
Document format_of(const char* name) {
  return {{"type", "json_schema"},
          {"json_schema",
           {{"name", "s"},
            {"schema",
             {{"type", "object"},
              {"properties", {{name, {{"type", "string"}}}}},
              {"required", {name}},
              {"additionalProperties", false}}}}}};
}

// Before, the other key's schema was sent as text at once, too.
TEST_P(CapabilityCorrection, of_schemas_is_separate_for_each_proxy_key) {
  ProxyFixture keyed(Plan{.workers = GetParam(), .config = kTwoKeys});
  refuse_once(keyed, "The compiled grammar is too large, which would cause performance.", "{}");
  const auto warning_for = [&](const char* name) {
    const Reply reply =
        post_chat(keyed, chat_body({{"response_format", format_of("x")}}), key_fields(name));
    EXPECT_EQ(reply.status, 200);
    return std::string(reply.field("x-ccproxy-warning"));
  };
  EXPECT_EQ(warning_for("a"), "schema_as_text");
  EXPECT_EQ(warning_for("b"), "");
  EXPECT_EQ(warning_for("a"), "schema_as_text") << "it is remembered for the first";
  EXPECT_EQ(keyed.requests().size(), 4U) << "and the correction is not repeated";
}

// A schema that the provider cannot compile says nothing about other schemas.
TEST_P(CapabilityCorrection, of_schemas_applies_to_the_same_schemas_only) {
  Document tool = function_tool("f");
  tool["function"]["strict"] = true;
  tool["function"]["parameters"] = {
      {"type", "object"}, {"properties", Document::object()}, {"additionalProperties", false}};
  const Document large = chat_body({{"tools", {tool}}, {"response_format", format_of("large")}});
  for (const char* message :
       {"Schemas contains too many optional parameters (30) for one request (limit: 24)",
        "Schemas contains too many parameters with union types (17 parameters) (limit: 16)",
        "Too many strict tools (21). The maximum is 20.",
        "The compiled grammar is too large, which would cause performance issues.",
        "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly "
        "set to false"}) {
    ProxyFixture fresh{Plan{.workers = GetParam()}};
    refuse_once(fresh, message, "{}");
    const auto sent_now = [&] { return Document::parse(body_of(fresh.requests().back())); };
    const Reply first = post_chat(fresh, large);
    EXPECT_EQ(first.status, 200) << message;
    EXPECT_EQ(first.field("x-ccproxy-warning"), "schema_as_text") << message;
    EXPECT_EQ(fresh.requests().size(), 2U) << message;
    EXPECT_FALSE(sent_now().contains("output_config")) << message;
    EXPECT_FALSE(sent_now()["tools"][0].contains("strict")) << message;

    EXPECT_EQ(post_chat(fresh, large).field("x-ccproxy-warning"), "schema_as_text") << message;
    EXPECT_EQ(fresh.requests().size(), 3U) << "it is remembered: " << message;

    const Reply other = post_chat(fresh, chat_body({{"response_format", format_of("small")}}));
    EXPECT_FALSE(other.has("x-ccproxy-warning")) << message;
    EXPECT_TRUE(sent_now().contains("output_config")) << message;
    EXPECT_EQ(fresh.requests().size(), 4U) << message;
  }
}

TEST_P(CapabilityCorrection, of_schemas_is_not_made_when_none_was_sent) {
  refuse_once(fixture, "The compiled grammar is too large, which would cause performance issues.");
  EXPECT_EQ(post_chat(fixture, chat_body({{"tools", {function_tool("f")}}})).status, 400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(CapabilityCorrection, removes_a_tool_member_for_that_request_only) {
  Document tool = function_tool("f");
  tool["allowed_callers"] = {"direct"};
  tool["input_examples"] = {{{"a", 1}}};
  const Document body = chat_body({{"tools", {tool}}});
  refuse_once(fixture, "tools.0.custom.input_examples: Extra inputs are not permitted");
  const Reply first = post_chat(fixture, body);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.field("x-ccproxy-ignored"), "tools[0].input_examples");
  EXPECT_TRUE(sent(0)["tools"][0].contains("input_examples"));
  EXPECT_FALSE(sent(1)["tools"][0].contains("input_examples"));
  EXPECT_TRUE(sent(1)["tools"][0].contains("allowed_callers")) << "that was not named";
  EXPECT_FALSE(post_chat(fixture, body).has("x-ccproxy-ignored"))
      << "it may come with another beta";
  EXPECT_EQ(fixture.requests().size(), 3U);
}

TEST_P(CapabilityCorrection, is_not_made_about_a_member_that_was_not_sent) {
  refuse_once(fixture, "tools.0.custom.input_examples: Extra inputs are not permitted");
  EXPECT_EQ(post_chat(fixture, chat_body({{"tools", {function_tool("f")}}})).status, 400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(CapabilityCorrection, fetches_an_unknown_model_once) {
  fixture.set_script({{"replies",
                       {{{"match", {{"method", "GET"}, {"path", "/v1/models/claude-opus-9"}}},
                         {"body",
                          {{"type", "model"},
                           {"id", "claude-opus-9"},
                           {"max_tokens", 5000},
                           {"max_input_tokens", 300'000},
                           {"capabilities",
                            {{"effort", {{"supported", true}, {"low", {{"supported", true}}}}},
                             {"structured_outputs", {{"supported", false}}}}}}}}}}});
  const Document body = chat_body({{"model", "claude-opus-9"}, {"reasoning_effort", "high"}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post_chat(fixture, body).status, 200);
  const Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 4U) << "one question and three requests";
  EXPECT_EQ(requests[0]["method"], "GET");
  EXPECT_EQ(sent(1)["max_tokens"], 5000);
  EXPECT_EQ(sent(1)["output_config"]["effort"], "low");
  EXPECT_EQ(sent(1)["model"], "claude-opus-9");
}

TEST_P(CapabilityCorrection, does_not_wait_for_an_unknown_model_when_the_upstream_stalls) {
  fixture.set_script(
      {{"replies",
        {{{"match", {{"method", "GET"}, {"path", "/v1/models/*"}}}, {"fault", "stall"}}}}});
  EXPECT_EQ(post_chat(fixture, chat_body({{"model", "claude-opus-9"}})).status, 200);
  EXPECT_EQ(sent(1)["max_tokens"], 128'000) << "as the newest family";
}

}  // namespace
}  // namespace ccproxy::test
