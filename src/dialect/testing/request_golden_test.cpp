// Requests of OpenAI's clients as files, and what must go upstream for them
// (tests/golden/chat_request/README.md).
#include <string>
#include <vector>

#include "dialect/testing/cases.hpp"
#include "dialect/testing/golden.hpp"

namespace ccproxy::dialect {
namespace {

using json::Document;

std::vector<std::string> case_names() {
  return test::golden_cases({"chat_request", "responses_request"});
}

class Requests : public test::GoldenTest {
 protected:
  test::RequestCase request_{test::kGolden + GetParam()};
};

TEST_P(Requests, are_decoded_as_expected) {
  const std::string body = file("expected.json"), error = file("expected_error.json");
  const std::string plan = file("expected_plan.json");
  ASSERT_NE(body.empty(), error.empty()) << "a case has either of the two";
  const auto decoded = request_.decode();
  if (!error.empty()) {
    ASSERT_FALSE(decoded) << decoded->body;
    const Document expected = Document::parse(error);
    EXPECT_EQ(decoded.error().param, expected.at("param").get<std::string>());
    EXPECT_EQ(decoded.error().code, expected.at("code").get<std::string>());
    EXPECT_EQ(decoded.error().message, expected.at("message").get<std::string>());
    return;
  }
  ASSERT_TRUE(decoded) << decoded.error().param << ": " << decoded.error().message;
  EXPECT_EQ(test::compact(decoded->body), test::compact(body));
  EXPECT_EQ(test::plan_document(*decoded),
            plan.empty() ? Document::object() : Document::parse(plan));
}

TEST_P(Requests, are_decoded_to_the_same_bytes_again) {
  const auto once = request_.decode(), again = request_.decode();
  ASSERT_EQ(once.has_value(), again.has_value());
  if (!once) return;
  EXPECT_EQ(once->body, again->body);
  EXPECT_EQ(test::plan_document(*once), test::plan_document(*again));
}

void remove_cache_control(Document& value) {
  if (!value.is_structured()) return;
  if (value.is_object()) value.erase("cache_control");
  for (Document& part : value) remove_cache_control(part);
}

// Returns the upstream request without cache breakpoints.
Document upstream_request(const test::RequestCase& circumstances, const Document& request) {
  const auto decoded = circumstances.decode(request.dump());
  if (!decoded) return nullptr;
  Document body = Document::parse(decoded->body);
  remove_cache_control(body);
  return body;
}

void expect_prefix(const Document& before, const Document& after) {
  EXPECT_EQ(before.value("system", Document()), after.value("system", Document()));
  EXPECT_EQ(before.value("tools", Document()), after.value("tools", Document()));
  ASSERT_LE(before["messages"].size() + 2, after["messages"].size());
  for (std::size_t i = 0; i < before["messages"].size(); ++i)
    EXPECT_EQ(before["messages"][i], after["messages"][i]);
}

// The provider's prompt cache needs it, and so do signatures that are bound to the messages before
// them (rule 0.2).
TEST(Conversations, keep_their_beginning_when_they_go_on_p33) {
  int conversations = 0;
  for (const std::string& name : case_names()) {
    SCOPED_TRACE(name);
    const test::RequestCase circumstances(test::kGolden + name);
    Document request = Document::parse(circumstances.request());
    const Document before = upstream_request(circumstances, request);
    const char* const list = request.contains("messages") ? "messages" : "input";
    if (before.is_null() || !request.contains(list) || !request[list].is_array()) continue;
    Document& messages = request[list];
    const std::string last = messages.back().value("role", "");
    if (last != "user" && last != "tool") continue;  // it ends in the middle of a turn
    messages.push_back({{"role", "assistant"}, {"content", "An answer."}});
    messages.push_back({{"role", "user"}, {"content", "More."}});
    expect_prefix(before, upstream_request(circumstances, request));
    ++conversations;
  }
  EXPECT_GT(conversations, 80);
}

// This is no golden case, since a tree cannot hold half a surrogate pair.
TEST(HalfSurrogatePairs, become_replacement_characters) {
  const struct {
    const char *name, *circumstances, *request, *expected;
  } rows[] = {
      {"texts, arguments and schemas of Chat Completions",
       "chat_request/leading-system-messages-p01",
       R"({
  "model": "claude-sonnet-5",
  "user": "u \ud83d",
  "messages": [
    {"role": "system", "content": "s \ud83d"},
    {"role": "user", "content": "cut \ud83d"},
    {"role": "user", "content": [{"type": "text", "text": "\ud83d part"}, {"type": "text", "text": "\ud83d\ude00 whole"}]},
    {
      "role": "assistant",
      "content": null,
      "tool_calls": [
        {
          "id": "call_1",
          "type": "function",
          "function": {"name": "f", "arguments": "{\"\ud83d\": \"\\ud83d\"}"}
        }
      ]
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "r \ud83d"}
  ],
  "tools": [
    {
      "type": "function",
      "function": {
        "name": "f",
        "description": "d \ud83d",
        "parameters": {
          "type": "object",
          "properties": {"p\ud83d": {"type": "string", "enum": ["\ud83d", "\\ud83d"]}}
        }
      }
    }
  ]
})",
       R"({
  "model": "claude-sonnet-5",
  "max_tokens": 128000,
  "stream": true,
  "system": [{"type": "text", "text": "s \ufffd"}],
  "tools": [
    {
      "name": "f",
      "description": "d \ufffd",
      "input_schema": {
        "type": "object",
        "properties": {"p\ufffd": {"type": "string", "enum": ["\ufffd", "\\ud83d"]}}
      }
    }
  ],
  "metadata": {"user_id": "9fa66a43a82bc283a49d1d3a9e552329508586254d0ce762de5fe75917c4737a"},
  "cache_control": {"type": "ephemeral"},
  "messages": [
    {
      "role": "user",
      "content": [
        {"type": "text", "text": "cut \ufffd"},
        {"type": "text", "text": "\ufffd part"},
        {"type": "text", "text": "\ud83d\ude00 whole"}
      ]
    },
    {
      "role": "assistant",
      "content": [{"type": "tool_use", "id": "call_1", "name": "f", "input": {"�": "\ufffd"}}]
    },
    {
      "role": "user",
      "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "r \ufffd"}]
    }
  ]
})"},
      {"texts and arguments of Responses", "responses_request/text-input-p51",
       R"({
  "model": "claude-sonnet-5",
  "instructions": "s \ud83d",
  "input": [
    {"role": "user", "content": "cut \ud83d"},
    {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"a\":\"\\ud83d\"}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "r \ud83d"}
  ],
  "tools": [
    {"type": "function", "name": "f", "description": "d \ud83d", "parameters": {"type": "object"}}
  ]
})",
       R"({
  "model": "claude-sonnet-5",
  "max_tokens": 128000,
  "stream": true,
  "system": [{"type": "text", "text": "s \ufffd"}],
  "tools": [{"name": "f", "description": "d \ufffd", "input_schema": {"type": "object"}}],
  "cache_control": {"type": "ephemeral"},
  "messages": [
    {"role": "user", "content": [{"type": "text", "text": "cut \ufffd"}]},
    {
      "role": "assistant",
      "content": [{"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": "\ufffd"}}]
    },
    {
      "role": "user",
      "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "r \ufffd"}]
    }
  ]
})"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto decoded = test::RequestCase(test::kGolden + row.circumstances).decode(row.request);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(test::compact(decoded->body), test::compact(row.expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, Requests, testing::ValuesIn(case_names()), test::golden_name);

}  // namespace
}  // namespace ccproxy::dialect
