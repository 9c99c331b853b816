// The thinking before tool calls, which the proxy remembers for clients that do not send it back.
// All workers share it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/chat.hpp"

namespace ccproxy::test {
namespace {

const Document kThought = {{"type", "thinking"}, {"thinking", ""}, {"signature", "U0lH"}};

class ThinkingMemory : public testing::TestWithParam<unsigned> {
 protected:
  // Runs one turn on `model` that has signed thinking and calls f, then sends its result several
  // times. Returns the body that the upstream received last.
  [[nodiscard]] Document last_body_of_tool_loop(const std::string& model, bool streams = true,
                                                const std::string& arguments = "{ \"a\" : 1.0 }") {
    fixture.set_reply(
        {{"blocks",
          {{{"thinking", ""}, {"signature", "U0lH"}},
           {{"tool_use",
             {{"id", "toolu_1"}, {"name", "f"}, {"fragments", {"{\"a\"", ":1.0}"}}}}}}}});
    const Document tools = Document::array({function_tool("f")});
    EXPECT_EQ(
        post_chat(fixture, chat_body({{"model", model}, {"tools", tools}, {"stream", streams}}))
            .status,
        200);
    fixture.set_reply({{"text", "done"}});
    const Document again = {{"model", model},
                            {"tools", tools},
                            {"messages",
                             {{{"role", "user"}, {"content", "Hi"}},
                              assistant_calls({tool_call("toolu_1", "f", arguments)}),
                              tool_result("toolu_1", "R")}}};
    // With two workers, the second request may reach either.
    for (int i = 0; i < 4; ++i) EXPECT_EQ(post_chat(fixture, chat_body(again)).status, 200);
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
INSTANTIATE_TEST_SUITE_P(Workers, ThinkingMemory, testing::Values(1U, 2U));

TEST_P(ThinkingMemory, restores_thinking_when_results_arrive_p46_b24) {
  const Document sent = last_body_of_tool_loop("claude-opus-5-5");
  EXPECT_EQ(
      sent["messages"][1]["content"],
      (Document{
          kThought,
          {{"type", "tool_use"}, {"id", "toolu_1"}, {"name", "f"}, {"input", {{"a", 1.0}}}}}));
  EXPECT_EQ(sent["thinking"]["block_binding"],
            (Document{{"prefix_mismatch_behavior", "drop_block"}}));
  EXPECT_EQ(betas, "thinking-binding-controls-2026-08-01");
}

TEST_P(ThinkingMemory, remembers_whole_replies_p46) {
  EXPECT_EQ(last_body_of_tool_loop("claude-opus-5-5", false)["messages"][1]["content"][0],
            kThought);
}

TEST_P(ThinkingMemory, model_without_block_binding_gets_the_block_alone_p46) {
  const Document sent = last_body_of_tool_loop("claude-sonnet-5");
  EXPECT_EQ(sent["messages"][1]["content"][0], kThought);
  EXPECT_FALSE(sent.contains("thinking"));
  EXPECT_EQ(betas, "");
}

TEST_P(ThinkingMemory, edited_call_gets_no_thinking_p46) {
  const Document sent = last_body_of_tool_loop("claude-opus-5-5", true, "{\"a\":2}");
  EXPECT_EQ(sent["messages"][1]["content"].size(), 1U);
  EXPECT_EQ(sent["messages"][1]["content"][0]["type"], "tool_use");
}

// agno sends other ids, and no text beside the calls.
TEST_P(ThinkingMemory, finds_a_turn_whose_call_ids_were_changed) {
  const Document input = {{"command", "ls"}}, tools = Document::array({function_tool("f")});
  const Document text = {{"type", "text"}, {"text", "Looking."}};
  const auto send_again = [&](const Document& content) {
    Document calls = assistant_calls({tool_call("call_9", "f", input.dump())});
    calls["content"] = content;
    const Reply reply = post_chat(
        fixture,
        chat_body({{"tools", tools},
                   {"messages",
                    {{{"role", "user"}, {"content", "Hi"}}, calls, tool_result("call_9", "R")}}}));
    messages = Document::parse(body_of(fixture.requests().back()))["messages"];
    return reply.field("x-ccproxy-warning");
  };
  for (const char* id : {"toolu_1", "toolu_2"}) {
    fixture.set_reply({{"blocks",
                        {{{"thinking", ""}, {"signature", "U0lH"}},
                         {{"text", "Looking."}},
                         {{"tool_use", {{"id", id}, {"name", "f"}, {"input", input}}}}}}});
    EXPECT_EQ(post_chat(fixture, chat_body({{"tools", tools}})).status, 200);
    fixture.set_reply({{"text", "done"}});
    if (id != std::string("toolu_1")) continue;
    EXPECT_EQ(send_again(nullptr), "");
    EXPECT_EQ(
        messages[1]["content"],
        (Document{
            kThought, text, {{"type", "tool_use"}, {"id", id}, {"name", "f"}, {"input", input}}}));
    EXPECT_EQ(messages[2]["content"][0]["tool_use_id"], id);
    EXPECT_EQ(send_again("Something else."), "thinking_dropped");
    EXPECT_EQ(messages[1]["content"].size(), 2U);
  }
  EXPECT_EQ(send_again(nullptr), "thinking_dropped") << "two fit";
  EXPECT_EQ(messages[1]["content"].size(), 1U);
}

TEST_P(ThinkingMemory, is_separate_for_each_proxy_key) {
  ProxyFixture keyed(Plan{.workers = GetParam(), .config = kTwoKeys});
  const auto send_as = [&](const char* name, const Document& more) {
    EXPECT_EQ(post_chat(keyed, chat_body(more), key_fields(name)).status, 200);
    return Document::parse(body_of(keyed.requests().back()))["messages"];
  };
  keyed.set_reply(
      {{"blocks",
        {{{"thinking", ""}, {"signature", "U0lH"}},
         {{"tool_use", {{"id", "toolu_1"}, {"name", "f"}, {"input", Document::object()}}}}}}});
  const Document tools = Document::array({function_tool("f")});
  (void)send_as("a", {{"tools", tools}});
  const Document again = {{"tools", tools},
                          {"messages",
                           {{{"role", "user"}, {"content", "Hi"}},
                            assistant_calls({tool_call("toolu_1", "f", "{}")}),
                            tool_result("toolu_1", "R")}}};
  keyed.set_reply({{"text", "done"}});
  EXPECT_EQ(send_as("b", again)[1]["content"].size(), 1U);
  EXPECT_EQ(send_as("a", again)[1]["content"][0], kThought);
}

TEST_P(ThinkingMemory, stores_nothing_with_a_size_of_zero) {
  ProxyFixture small(
      Plan{.workers = GetParam(), .config = R"({"translation":{"thinkingMemoryMb":0}})"});
  small.set_reply(
      {{"blocks",
        {{{"thinking", ""}, {"signature", "U0lH"}},
         {{"tool_use", {{"id", "toolu_1"}, {"name", "f"}, {"input", Document::object()}}}}}}});
  (void)post_chat(small, chat_body({{"tools", {function_tool("f")}}}));
  (void)post_chat(small, chat_body({{"tools", {function_tool("f")}},
                                    {"messages",
                                     {{{"role", "user"}, {"content", "Hi"}},
                                      assistant_calls({tool_call("toolu_1", "f", "{}")}),
                                      tool_result("toolu_1", "R")}}}));
  const Document sent = Document::parse(body_of(small.requests().at(1)));
  EXPECT_EQ(sent["messages"][1]["content"].size(), 1U);
}

}  // namespace
}  // namespace ccproxy::test
