// Requests of OpenAI's clients as files, and what must go up for them
// (tests/golden/chat_request/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "dialect/testing/cases.hpp"

namespace ccproxy::dialect {
namespace {

using json::Document;

const std::string kGolden = std::string(CCPROXY_SOURCE_DIR) + "/tests/golden/";

// Returns names such as chat_request/leading-system-messages-p01.
std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const std::string folder : {"chat_request/", "responses_request/"})
    for (const auto& entry : std::filesystem::directory_iterator(kGolden + folder))
      if (entry.is_directory()) names.push_back(folder + entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

class Requests : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] std::string file(const char* name) const {
    return read_file(kGolden + GetParam() + "/" + name).value_or("");
  }

  test::RequestCase given{kGolden + GetParam()};
};

TEST_P(Requests, go_up_as_expected) {
  const std::string body = file("expected.json"), error = file("expected_error.json");
  const std::string plan = file("expected_plan.json");
  ASSERT_NE(body.empty(), error.empty()) << "one of the two";
  const auto decoded = given.decode();
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
  EXPECT_EQ(test::plan_told(*decoded), plan.empty() ? Document::object() : Document::parse(plan));
}

TEST_P(Requests, are_the_same_when_they_come_again) {
  const auto once = given.decode(), again = given.decode();
  ASSERT_EQ(once.has_value(), again.has_value());
  if (!once) return;
  EXPECT_EQ(once->body, again->body);
  EXPECT_EQ(test::plan_told(*once), test::plan_told(*again));
}

void forget_marks(Document& value) {
  if (!value.is_structured()) return;
  if (value.is_object()) value.erase("cache_control");
  for (Document& part : value) forget_marks(part);
}

// The request without cache marks, as a tree.
Document sent(const test::RequestCase& given, const Document& request) {
  const auto decoded = given.decode(request.dump());
  if (!decoded) return nullptr;
  Document body = Document::parse(decoded->body);
  forget_marks(body);
  return body;
}

void expect_prefix(const Document& now, const Document& then) {
  EXPECT_EQ(now.value("system", Document()), then.value("system", Document()));
  EXPECT_EQ(now.value("tools", Document()), then.value("tools", Document()));
  ASSERT_LE(now["messages"].size() + 2, then["messages"].size());
  for (std::size_t i = 0; i < now["messages"].size(); ++i)
    EXPECT_EQ(now["messages"][i], then["messages"][i]);
}

// The provider's prompt cache lives on it, and so do signatures that are bound to what stands
// before them (rule 0.2).
TEST(Conversations, p33_that_go_on_keep_what_was_there) {
  int conversations = 0;
  for (const std::string& name : case_names()) {
    SCOPED_TRACE(name);
    const test::RequestCase given(kGolden + name);
    Document request = Document::parse(given.request());
    const Document now = sent(given, request);
    const char* const list = request.contains("messages") ? "messages" : "input";
    if (now.is_null() || !request.contains(list) || !request[list].is_array()) continue;
    Document& messages = request[list];
    const std::string last = messages.back().value("role", "");
    if (last != "user" && last != "tool") continue;  // it ends in the middle of a turn
    messages.push_back({{"role", "assistant"}, {"content", "An answer."}});
    messages.push_back({{"role", "user"}, {"content", "More."}});
    expect_prefix(now, sent(given, request));
    ++conversations;
  }
  EXPECT_GT(conversations, 80);
}

// No golden case: a tree cannot hold what its request says.
TEST(HalfSurrogatePairs, go_up_as_replacements) {
  const struct {
    const char *says, *like, *request, *sent;
  } rows[] = {
      {"texts, arguments and schemas of Chat Completions", "chat_request/leading-system-messages-p01",
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
    SCOPED_TRACE(row.says);
    const auto decoded = test::RequestCase(kGolden + row.like).decode(row.request);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(test::compact(decoded->body), test::compact(row.sent));
  }
}

std::string sentence(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (c == '-' || c == '/') c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Golden, Requests, testing::ValuesIn(case_names()), sentence);

}  // namespace
}  // namespace ccproxy::dialect
