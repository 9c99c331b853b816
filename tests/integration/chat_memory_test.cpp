// What the server learns and keeps between requests, for all workers together: the thinking before
// tool calls, what a refused request taught of a model, what the provider says of an unknown one.
// And turns that pause, which are one answer over several requests.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/chat.hpp"

namespace ccproxy::test {
namespace {

const Document kThought = {{"type", "thinking"}, {"thinking", ""}, {"signature", "U0lH"}};

class ChatMemory : public testing::TestWithParam<unsigned> {
 protected:
  // One turn on `model` that thinks without words and calls f; then the client comes back with the
  // result. Returns what went upstream the second time.
  [[nodiscard]] Document come_back(const std::string& model, bool streams = true,
                                   const std::string& arguments = "{ \"a\" : 1.0 }") {
    fixture.reply({{"blocks",
                    {{{"thinking", ""}, {"signature", "U0lH"}},
                     {{"tool_use",
                       {{"id", "toolu_1"}, {"name", "f"}, {"fragments", {"{\"a\"", ":1.0}"}}}}}}}});
    const Document tools = Document::array({function_tool("f")});
    EXPECT_EQ(
        chat(fixture, chat_body({{"model", model}, {"tools", tools}, {"stream", streams}})).status,
        200);
    fixture.reply({{"text", "done"}});
    const Document again = {{"model", model},
                            {"tools", tools},
                            {"messages",
                             {{{"role", "user"}, {"content", "Hi"}},
                              calling({call("toolu_1", "f", arguments)}),
                              result("toolu_1", "R")}}};
    // Several times: with two workers the second request may come to the one or the other.
    for (int i = 0; i < 4; ++i) EXPECT_EQ(chat(fixture, chat_body(again)).status, 200);
    const Document requests = fixture.requests();
    EXPECT_EQ(requests.size(), 5U);
    for (std::size_t i = 2; i < requests.size(); ++i)
      EXPECT_EQ(body_of(requests[i]), body_of(requests[1]));
    betas = field_of(requests.back(), "anthropic-beta");
    return Document::parse(body_of(requests.back()));
  }

  std::string betas;
  Document messages;  // of the last request
  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ChatMemory, testing::Values(1U, 2U));

// Case B24.
TEST_P(ChatMemory, p46_b24_thinking_comes_back_with_the_results) {
  const Document sent = come_back("claude-opus-5-5");
  EXPECT_EQ(
      sent["messages"][1]["content"],
      (Document{
          kThought,
          {{"type", "tool_use"}, {"id", "toolu_1"}, {"name", "f"}, {"input", {{"a", 1.0}}}}}));
  EXPECT_EQ(sent["thinking"]["block_binding"],
            (Document{{"prefix_mismatch_behavior", "drop_block"}}));
  EXPECT_EQ(betas, "thinking-binding-controls-2026-08-01");
}

TEST_P(ChatMemory, p46_whole_answers_are_remembered_too) {
  EXPECT_EQ(come_back("claude-opus-5-5", false)["messages"][1]["content"][0], kThought);
}

TEST_P(ChatMemory, p46_a_model_that_binds_nothing_gets_the_block_alone) {
  const Document sent = come_back("claude-sonnet-5");
  EXPECT_EQ(sent["messages"][1]["content"][0], kThought);
  EXPECT_FALSE(sent.contains("thinking"));
  EXPECT_EQ(betas, "");
}

TEST_P(ChatMemory, p46_a_call_that_was_edited_gets_no_thinking) {
  const Document sent = come_back("claude-opus-5-5", true, "{\"a\":2}");
  EXPECT_EQ(sent["messages"][1]["content"].size(), 1U);
  EXPECT_EQ(sent["messages"][1]["content"][0]["type"], "tool_use");
}

// As agno does: other ids, and no text beside the calls.
TEST_P(ChatMemory, of_a_turn_whose_calls_were_renamed) {
  const Document input = {{"command", "ls"}}, tools = Document::array({function_tool("f")});
  const Document text = {{"type", "text"}, {"text", "Looking."}};
  const auto ask_again = [&](const Document& content) {
    Document calls = calling({call("call_9", "f", input.dump())});
    calls["content"] = content;
    const Reply reply = chat(
        fixture,
        chat_body(
            {{"tools", tools},
             {"messages", {{{"role", "user"}, {"content", "Hi"}}, calls, result("call_9", "R")}}}));
    messages = Document::parse(body_of(fixture.requests().back()))["messages"];
    return reply.field("x-ccproxy-warning");
  };
  for (const char* id : {"toolu_1", "toolu_2"}) {
    fixture.reply({{"blocks",
                    {{{"thinking", ""}, {"signature", "U0lH"}},
                     {{"text", "Looking."}},
                     {{"tool_use", {{"id", id}, {"name", "f"}, {"input", input}}}}}}});
    EXPECT_EQ(chat(fixture, chat_body({{"tools", tools}})).status, 200);
    fixture.reply({{"text", "done"}});
    if (id != std::string("toolu_1")) continue;
    EXPECT_EQ(ask_again(nullptr), "");
    EXPECT_EQ(
        messages[1]["content"],
        (Document{
            kThought, text, {{"type", "tool_use"}, {"id", id}, {"name", "f"}, {"input", input}}}));
    EXPECT_EQ(messages[2]["content"][0]["tool_use_id"], id);
    EXPECT_EQ(ask_again("Something else."), "thinking_dropped");
    EXPECT_EQ(messages[1]["content"].size(), 2U);
  }
  EXPECT_EQ(ask_again(nullptr), "thinking_dropped") << "two fit";
  EXPECT_EQ(messages[1]["content"].size(), 1U);
}

TEST_P(ChatMemory, of_one_proxy_key_is_none_of_anothers) {
  ProxyFixture keyed(
      Plan{.workers = GetParam(), .config = R"({"apiKeys":[{"name":"a","key":"key-of-a-00000000"},
                                           {"name":"b","key":"key-of-b-00000000"}]})"});
  const auto ask_as = [&](const char* name, const Document& more) {
    const std::string fields = std::string("authorization: Bearer key-of-") + name +
                               "-00000000\r\ncontent-type: application/json\r\n";
    EXPECT_EQ(chat(keyed, chat_body(more), fields).status, 200);
    return Document::parse(body_of(keyed.requests().back()))["messages"];
  };
  keyed.reply(
      {{"blocks",
        {{{"thinking", ""}, {"signature", "U0lH"}},
         {{"tool_use", {{"id", "toolu_1"}, {"name", "f"}, {"input", Document::object()}}}}}}});
  const Document tools = Document::array({function_tool("f")});
  (void)ask_as("a", {{"tools", tools}});
  const Document again = {{"tools", tools},
                          {"messages",
                           {{{"role", "user"}, {"content", "Hi"}},
                            calling({call("toolu_1", "f", "{}")}),
                            result("toolu_1", "R")}}};
  keyed.reply({{"text", "done"}});
  EXPECT_EQ(ask_as("b", again)[1]["content"].size(), 1U);
  EXPECT_EQ(ask_as("a", again)[1]["content"][0], kThought);
}

TEST_P(ChatMemory, holds_nothing_when_it_may_hold_nothing) {
  ProxyFixture small(
      Plan{.workers = GetParam(), .config = R"({"translation":{"thinkingMemoryMb":0}})"});
  small.reply(
      {{"blocks",
        {{{"thinking", ""}, {"signature", "U0lH"}},
         {{"tool_use", {{"id", "toolu_1"}, {"name", "f"}, {"input", Document::object()}}}}}}});
  (void)chat(small, chat_body({{"tools", {function_tool("f")}}}));
  (void)chat(small, chat_body({{"tools", {function_tool("f")}},
                               {"messages",
                                {{{"role", "user"}, {"content", "Hi"}},
                                 calling({call("toolu_1", "f", "{}")}),
                                 result("toolu_1", "R")}}}));
  const Document sent = Document::parse(body_of(small.requests().at(1)));
  EXPECT_EQ(sent["messages"][1]["content"].size(), 1U);
}

class ChatLesson : public testing::TestWithParam<unsigned> {
 protected:
  void refuse_once(const std::string& message) {
    fixture.script({{"replies",
                     {{{"times", 1},
                       {"status", 400},
                       {"error", {{"type", "invalid_request_error"}, {"message", message}}}},
                      {{"text", "Hi"}}}}});
    fixture.forget_requests();
  }
  [[nodiscard]] Document sent(std::size_t index) {
    return Document::parse(body_of(fixture.requests().at(index)));
  }

  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ChatLesson, testing::Values(1U, 2U));

TEST_P(ChatLesson, p48_is_learned_once_for_all_that_follow) {
  refuse_once("tool_choice: type \"tool\" and \"any\" are not supported for this model.");
  const Document body = chat_body({{"tools", {function_tool("f")}}, {"tool_choice", "required"}});
  const Reply first = chat(fixture, body);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.field("x-ccproxy-warning"), "tool_choice_downgraded");
  EXPECT_EQ(fixture.requests().size(), 2U);
  EXPECT_EQ(sent(0)["tool_choice"]["type"], "any");
  EXPECT_EQ(sent(1)["tool_choice"]["type"], "auto");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(chat(fixture, body).status, 200);
  EXPECT_EQ(fixture.requests().size(), 6U) << "one each, from whichever worker";
  EXPECT_EQ(sent(5)["tool_choice"]["type"], "auto");
}

TEST_P(ChatLesson, is_not_drawn_twice_for_one_request) {
  fixture.reply({{"status", 400},
                 {"error",
                  {{"type", "invalid_request_error"},
                   {"message", "tool_choice: type \"tool\" and \"any\" are not supported."}}}});
  const Reply reply =
      chat(fixture, chat_body({{"tools", {function_tool("f")}}, {"tool_choice", "required"}}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(fixture.requests().size(), 2U);
}

TEST_P(ChatLesson, tells_a_strict_client_which_field_cannot_be) {
  refuse_once("temperature is deprecated for this model");
  const Reply reply = chat(fixture, chat_body({{"model", "claude-opus-4-6"}, {"temperature", 0.5}}),
                           std::string(kOpenAiFields) + "x-ccproxy-strict: true\r\n");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(Document::parse(reply.body)["error"]["param"], "temperature");
}

TEST_P(ChatLesson, that_would_change_nothing_is_no_reason_to_ask_again) {
  refuse_once("temperature is not supported for this model");
  EXPECT_EQ(chat(fixture, chat_body()).status, 400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

// What the provider's terms refuse stays refused, whatever words it is refused in.
TEST_P(ChatLesson, of_a_refusal_is_not_drawn) {
  refuse_once(
      "This credential is only authorized for use with Claude Code: tool_choice is not supported.");
  EXPECT_EQ(chat(fixture, chat_body({{"tools", {function_tool("f")}}, {"tool_choice", "required"}}))
                .status,
            400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(ChatLesson, of_any_other_kind_is_not_drawn) {
  refuse_once("messages.0.content: something else is wrong");
  EXPECT_EQ(chat(fixture, chat_body({{"tools", {function_tool("f")}}, {"tool_choice", "required"}}))
                .status,
            400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(ChatLesson, leaves_room_for_the_answer_in_a_full_context) {
  refuse_once(
      "input length and `max_tokens` exceed context limit: 199000 + 64000 > 200000, decrease input "
      "length or `max_tokens` and try again");
  EXPECT_EQ(chat(fixture, chat_body({{"model", "claude-haiku-4-5"}})).status, 200);
  EXPECT_EQ(sent(0)["max_tokens"], 64'000);
  EXPECT_EQ(sent(1)["max_tokens"], 1'000);
}

TEST_P(ChatLesson, drops_what_this_program_added_by_itself) {
  refuse_once("cache_control: Extra inputs are not permitted");
  EXPECT_EQ(chat(fixture, chat_body()).status, 200);
  EXPECT_TRUE(sent(0).contains("cache_control"));
  EXPECT_FALSE(sent(1).contains("cache_control"));
}

// A JSON schema of one property.
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

// The other key's schema went down as text at once.
TEST_P(ChatLesson, about_schemas_of_one_proxy_key_is_none_of_anothers) {
  ProxyFixture keyed(
      Plan{.workers = GetParam(), .config = R"({"apiKeys":[{"name":"a","key":"key-of-a-00000000"},
                                           {"name":"b","key":"key-of-b-00000000"}]})"});
  const char* const saying = "The compiled grammar is too large, which would cause performance.";
  keyed.script({{"replies",
                 {{{"times", 1},
                   {"status", 400},
                   {"error", {{"type", "invalid_request_error"}, {"message", saying}}}},
                  {{"text", "{}"}}}}});
  const auto warning_for = [&](const char* name) {
    const std::string fields = std::string("authorization: Bearer key-of-") + name +
                               "-00000000\r\ncontent-type: application/json\r\n";
    const Reply reply = chat(keyed, chat_body({{"response_format", format_of("x")}}), fields);
    EXPECT_EQ(reply.status, 200);
    return std::string(reply.field("x-ccproxy-warning"));
  };
  EXPECT_EQ(warning_for("a"), "schema_as_text");
  EXPECT_EQ(warning_for("b"), "");
  EXPECT_EQ(warning_for("a"), "schema_as_text") << "it is remembered for the first";
  EXPECT_EQ(keyed.requests().size(), 4U) << "and not asked again";
}

// A schema that the provider cannot compile says nothing about the next one.
TEST_P(ChatLesson, about_one_set_of_schemas_is_of_no_account_to_others) {
  Document tool = function_tool("f");
  tool["function"]["strict"] = true;
  tool["function"]["parameters"] = {
      {"type", "object"}, {"properties", Document::object()}, {"additionalProperties", false}};
  const Document large = chat_body({{"tools", {tool}}, {"response_format", format_of("large")}});
  for (const char* saying :
       {"Schemas contains too many optional parameters (30) for one request (limit: 24)",
        "Schemas contains too many parameters with union types (17 parameters) (limit: 16)",
        "Too many strict tools (21). The maximum is 20.",
        "The compiled grammar is too large, which would cause performance issues.",
        "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly "
        "set to false"}) {
    ProxyFixture fresh{Plan{.workers = GetParam()}};
    fresh.script({{"replies",
                   {{{"times", 1},
                     {"status", 400},
                     {"error", {{"type", "invalid_request_error"}, {"message", saying}}}},
                    {{"text", "{}"}}}}});
    const auto sent_now = [&] { return Document::parse(body_of(fresh.requests().back())); };
    const Reply first = chat(fresh, large);
    EXPECT_EQ(first.status, 200) << saying;
    EXPECT_EQ(first.field("x-ccproxy-warning"), "schema_as_text") << saying;
    EXPECT_EQ(fresh.requests().size(), 2U) << saying;
    EXPECT_FALSE(sent_now().contains("output_config")) << saying;
    EXPECT_FALSE(sent_now()["tools"][0].contains("strict")) << saying;

    EXPECT_EQ(chat(fresh, large).field("x-ccproxy-warning"), "schema_as_text") << saying;
    EXPECT_EQ(fresh.requests().size(), 3U) << "it is remembered: " << saying;

    const Reply other = chat(fresh, chat_body({{"response_format", format_of("small")}}));
    EXPECT_FALSE(other.has("x-ccproxy-warning")) << saying;
    EXPECT_TRUE(sent_now().contains("output_config")) << saying;
    EXPECT_EQ(fresh.requests().size(), 4U) << saying;
  }
}

TEST_P(ChatLesson, about_schemas_where_none_was_sent_is_not_drawn) {
  refuse_once("The compiled grammar is too large, which would cause performance issues.");
  EXPECT_EQ(chat(fixture, chat_body({{"tools", {function_tool("f")}}})).status, 400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(ChatLesson, of_a_member_of_a_tool_is_for_that_request_alone) {
  Document tool = function_tool("f");
  tool["allowed_callers"] = {"direct"};
  tool["input_examples"] = {{{"a", 1}}};
  const Document body = chat_body({{"tools", {tool}}});
  refuse_once("tools.0.custom.input_examples: Extra inputs are not permitted");
  const Reply first = chat(fixture, body);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.field("x-ccproxy-ignored"), "tools[0].input_examples");
  EXPECT_TRUE(sent(0)["tools"][0].contains("input_examples"));
  EXPECT_FALSE(sent(1)["tools"][0].contains("input_examples"));
  EXPECT_TRUE(sent(1)["tools"][0].contains("allowed_callers")) << "that was not named";
  EXPECT_FALSE(chat(fixture, body).has("x-ccproxy-ignored")) << "it may come with another beta";
  EXPECT_EQ(fixture.requests().size(), 3U);
}

TEST_P(ChatLesson, of_a_member_that_was_not_sent_is_not_drawn) {
  refuse_once("tools.0.custom.input_examples: Extra inputs are not permitted");
  EXPECT_EQ(chat(fixture, chat_body({{"tools", {function_tool("f")}}})).status, 400);
  EXPECT_EQ(fixture.requests().size(), 1U);
}

TEST_P(ChatLesson, of_an_unknown_model_comes_from_the_provider_once) {
  fixture.script({{"replies",
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
  for (int i = 0; i < 3; ++i) EXPECT_EQ(chat(fixture, body).status, 200);
  const Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 4U) << "one question and three requests";
  EXPECT_EQ(requests[0]["method"], "GET");
  EXPECT_EQ(sent(1)["max_tokens"], 5000);
  EXPECT_EQ(sent(1)["output_config"]["effort"], "low");
  EXPECT_EQ(sent(1)["model"], "claude-opus-9");
}

TEST_P(ChatLesson, of_an_unknown_model_is_not_waited_for_when_nobody_answers) {
  fixture.script(
      {{"replies",
        {{{"match", {{"method", "GET"}, {"path", "/v1/models/*"}}}, {"fault", "stall"}}}}});
  EXPECT_EQ(chat(fixture, chat_body({{"model", "claude-opus-9"}})).status, 200);
  EXPECT_EQ(sent(1)["max_tokens"], 128'000) << "as the newest family";
}

class ChatPause : public testing::TestWithParam<unsigned> {
 protected:
  static Document search_turn(const std::string& text, int input, int output) {
    return {{"times", 1},
            {"blocks",
             {{{"text", text}},
              {{"web_search", {{"query", "q"}, {"results", {{{"url", "u"}, {"title", "t"}}}}}}}}},
            {"stop_reason", "pause_turn"},
            {"usage", {{"input_tokens", input}, {"output_tokens", output}}}};
  }

  const Document wish = {{"web_search_options", Document::object()}};
  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ChatPause, testing::Values(1U, 2U));

TEST_P(ChatPause, p39_goes_on_as_one_answer) {
  const Document script = {
      {"replies",
       {search_turn("A", 10, 5),
        {{"text", "B"}, {"usage", {{"input_tokens", 20}, {"output_tokens", 7}}}}}}};
  Document body = chat_body(wish);
  fixture.script(script);
  const Document whole = Document::parse(chat(fixture, body).body);
  EXPECT_EQ(whole["choices"][0]["message"]["content"], "AB");
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(whole["usage"]["prompt_tokens"], 30);
  EXPECT_EQ(whole["usage"]["completion_tokens"], 12);

  const Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 2U);
  Document first = Document::parse(body_of(requests[0])),
           second = Document::parse(body_of(requests[1]));
  ASSERT_EQ(second["messages"].size(), first["messages"].size() + 1);
  const Document turn = second["messages"].back();
  EXPECT_EQ(turn["role"], "assistant");
  ASSERT_EQ(turn["content"].size(), 3U);
  EXPECT_EQ(turn["content"][0], (Document{{"type", "text"}, {"text", "A"}}));
  EXPECT_EQ(turn["content"][1]["type"], "server_tool_use");
  EXPECT_EQ(turn["content"][2]["type"], "web_search_tool_result");
  second["messages"].erase(second["messages"].size() - 1);
  EXPECT_EQ(second, first);

  fixture.script(script);
  body["stream"] = true;
  const ChatStream read = read_chunks(chat(fixture, body).body);
  EXPECT_EQ(read.text(), "AB");
  EXPECT_EQ(read.finish_reason(), "stop");
  EXPECT_EQ(read.done, 1);
  for (const Document& chunk : read.chunks) EXPECT_EQ(chunk["id"], read.chunks[0]["id"]);
}

TEST_P(ChatPause, p39_ends_after_eight_times) {
  Document forever = search_turn("A", 1, 1);
  forever.erase("times");
  fixture.reply(forever);
  const Document whole = Document::parse(chat(fixture, chat_body(wish)).body);
  const Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 9U);
  const Document first = Document::parse(body_of(requests[0])),
                 last = Document::parse(body_of(requests[8]));
  ASSERT_EQ(last["messages"].size(), first["messages"].size() + 1)
      << "the turn takes the place of the one that was sent before it";
  EXPECT_EQ(last["messages"].back()["content"].size(), 8U * 3U) << "all of it so far";
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(whole["choices"][0]["message"]["content"], "AAAAAAAAA");
}

TEST_P(ChatPause, that_cannot_go_on_is_told_in_the_stream) {
  fixture.script(
      {{"replies", {search_turn("A", 1, 1), {{"status", 403}, {"error", "permission_error"}}}}});
  Document body = chat_body(wish);
  body["stream"] = true;
  const ChatStream read = read_chunks(chat(fixture, body).body);
  EXPECT_EQ(read.text(), "A");
  EXPECT_EQ(read.error()["code"], "permission_denied");
  EXPECT_EQ(read.done, 0);
}

TEST_P(ChatPause, that_is_busy_is_tried_again) {
  fixture.script(
      {{"replies", {search_turn("A", 1, 1), {{"times", 1}, {"status", 529}}, {{"text", "B"}}}}});
  const Document whole = Document::parse(chat(fixture, chat_body(wish)).body);
  EXPECT_EQ(whole["choices"][0]["message"]["content"], "AB");
}

}  // namespace
}  // namespace ccproxy::test
