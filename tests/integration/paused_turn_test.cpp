// Turns that pause (pause_turn): the proxy continues them, and the client gets one reply.
#include <gtest/gtest.h>

#include <string>

#include "support/chat.hpp"

namespace ccproxy::test {
namespace {

class PausedTurn : public testing::TestWithParam<unsigned> {
 protected:
  static Document search_turn(const std::string& text, int input, int output) {
    return {{"times", 1},
            {"blocks",
             {{{"text", text}},
              {{"web_search", {{"query", "q"}, {"results", {{{"url", "u"}, {"title", "t"}}}}}}}}},
            {"stop_reason", "pause_turn"},
            {"usage", {{"input_tokens", input}, {"output_tokens", output}}}};
  }

  const Document web_search = {{"web_search_options", Document::object()}};
  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, PausedTurn, testing::Values(1U, 2U));

TEST_P(PausedTurn, continues_as_one_reply_p39) {
  const Document script = {
      {"replies",
       {search_turn("A", 10, 5),
        {{"text", "B"}, {"usage", {{"input_tokens", 20}, {"output_tokens", 7}}}}}}};
  Document body = chat_body(web_search);
  fixture.set_script(script);
  const Document whole = Document::parse(post_chat(fixture, body).body);
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

  fixture.set_script(script);
  body["stream"] = true;
  const ChatStream read = read_chunks(post_chat(fixture, body).body);
  EXPECT_EQ(read.text(), "AB");
  EXPECT_EQ(read.finish_reason(), "stop");
  EXPECT_EQ(read.done, 1);
  for (const Document& chunk : read.chunks) EXPECT_EQ(chunk["id"], read.chunks[0]["id"]);
}

TEST_P(PausedTurn, ends_after_eight_continuations_p39) {
  Document forever = search_turn("A", 1, 1);
  forever.erase("times");
  fixture.set_reply(forever);
  const Document whole = Document::parse(post_chat(fixture, chat_body(web_search)).body);
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

TEST_P(PausedTurn, reports_a_failed_continuation_in_the_stream) {
  fixture.set_script(
      {{"replies", {search_turn("A", 1, 1), {{"status", 403}, {"error", "permission_error"}}}}});
  Document body = chat_body(web_search);
  body["stream"] = true;
  const ChatStream read = read_chunks(post_chat(fixture, body).body);
  EXPECT_EQ(read.text(), "A");
  EXPECT_EQ(read.error()["code"], "permission_denied");
  EXPECT_EQ(read.done, 0);
}

TEST_P(PausedTurn, retries_a_busy_continuation) {
  fixture.set_script(
      {{"replies", {search_turn("A", 1, 1), {{"times", 1}, {"status", 529}}, {{"text", "B"}}}}});
  const Document whole = Document::parse(post_chat(fixture, chat_body(web_search)).body);
  EXPECT_EQ(whole["choices"][0]["message"]["content"], "AB");
}

}  // namespace
}  // namespace ccproxy::test
