#include "mock/answer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mock/asked.hpp"
#include "mock/demo.hpp"
#include "mock/messages.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

// Puts a stream together again, as a client does.
Document folded(const std::vector<Event>& events) {
  Document message;
  std::vector<std::string> inputs;
  for (const Event& event : events) {
    const Document data = *json::parse_document(event.data);
    EXPECT_EQ(data["type"], event.name);
    if (event.name == "message_start") message = data["message"];
    if (event.name == "content_block_start") {
      EXPECT_EQ(data["index"], message["content"].size());
      message["content"].push_back(data["content_block"]);
      inputs.emplace_back();
    }
    if (event.name == "content_block_delta") {
      const Document& delta = data["delta"];
      Document& block = message["content"][data["index"].get<std::size_t>()];
      const std::string type = delta["type"];
      if (type == "input_json_delta")
        inputs[data["index"].get<std::size_t>()] += delta["partial_json"].get<std::string>();
      for (const char* member : {"text", "thinking", "signature"})
        if (type == std::string(member) + "_delta")
          block[member] = block[member].get<std::string>() + delta[member].get<std::string>();
      if (type == "citations_delta") block["citations"].push_back(delta["citation"]);
    }
    if (event.name == "content_block_stop") {
      Document& block = message["content"][data["index"].get<std::size_t>()];
      const std::string& input = inputs[data["index"].get<std::size_t>()];
      if (!input.empty()) block["input"] = *json::parse_document(input);
    }
    if (event.name == "message_delta") {
      message.update(data["delta"]);
      message["usage"].update(data["usage"]);
    }
  }
  return message;
}

ReceivedRequest asked_with(const std::string& members) {
  const auto asked =
      read_asked(R"({"model":"claude-sonnet-5","max_tokens":1000,)" + members + "}", false);
  EXPECT_TRUE(asked) << (asked ? "" : asked.error().message);
  return asked ? *asked : ReceivedRequest{};
}

Message rich_answer() {
  Message answer{"msg_1", "claude-sonnet-5"};
  answer.content.emplace_back(ThinkingBlock{{"I ", "think."}, "c2ln"});
  answer.content.emplace_back(RedactedThinkingBlock{"ZGF0YQ=="});
  answer.content.emplace_back(TextBlock{{"One ", "two \"\xE4\xBD\xA0\""}});
  append_web_search(answer.content, "srvtoolu_1", "what?",
                    Document::array({{{"type", "web_search_result"}, {"url", "https://a/"}}}));
  answer.content.emplace_back(TextBlock{{"Cited."}, {{{"type", "web_search_result_location"}}}});
  answer.content.emplace_back(ToolUseBlock{"toolu_1", "first", {"{\"a\":", "[1,2]}"}});
  answer.content.emplace_back(ToolUseBlock{"toolu_2", "second", {}});
  answer.stop_reason = "tool_use";
  answer.usage = make_usage(10, 20);
  answer.usage["output_tokens_details"] = {{"thinking_tokens", 2}};
  return answer;
}

TEST(Message, the_stream_put_together_is_the_whole_message) {
  std::vector<Message> answers = {rich_answer()};
  for (const char* members : {
           R"("messages":[{"role":"user","content":"Hi"}])",
           R"("thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"Hi"}])",
           R"("tools":[{"name":"t","input_schema":{"type":"object"}}],
              "messages":[{"role":"user","content":"TOOL"}])",
       })
    answers.push_back(demo_message(asked_with(members)));
  Message refusal{"msg_2", "m"};
  refusal.stop_reason = "refusal";
  refusal.extra["stop_details"] = {{"type", "refusal"}, {"category", "cyber"}};
  refusal.usage = make_usage(1, 1);
  answers.push_back(refusal);
  for (const Message& answer : answers)
    EXPECT_EQ(nlohmann::json(folded(events_of(answer))),  // in any order of members
              nlohmann::json(*json::parse_document(message_of(answer))));
}

TEST(Message, a_stream_opens_with_start_and_ping_and_ends_with_stop) {
  const auto events = events_of(rich_answer());
  EXPECT_EQ(events[0].name, "message_start");
  EXPECT_EQ(events[1].name, "ping");
  EXPECT_EQ(events.rbegin()[1].name, "message_delta");
  EXPECT_EQ(events.rbegin()[0].name, "message_stop");
}

TEST(Message, absent_members_are_left_out) {
  Message plain{"msg_1", "m", {TextBlock{{"Hi"}}}};
  plain.usage = make_usage(1, 1);
  std::string all = message_of(plain);
  for (const Event& event : events_of(plain)) all += event.data;
  for (const char* name : {"citations", "stop_details", "container", "server_tool_use",
                           "output_tokens_details", "thinking"})
    EXPECT_EQ(all.find(name), std::string::npos) << name;
}

TEST(Message, a_tool_input_begins_with_an_empty_fragment) {
  int calls = 0;
  const auto events = events_of(rich_answer());
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    if (events[i].data.find("tool_use\"") == std::string::npos) continue;
    if (events[i].name != "content_block_start") continue;
    ++calls;
    EXPECT_NE(events[i].data.find(R"("input":{})"), std::string::npos);
    EXPECT_NE(events[i + 1].data.find(R"("partial_json":"")"), std::string::npos);
  }
  EXPECT_EQ(calls, 3);
}

TEST(Message, usage_is_cumulative) {
  const auto events = events_of(rich_answer());
  const Document start = *json::parse_document(events[0].data);
  const Document end = *json::parse_document(events.rbegin()[1].data);
  EXPECT_EQ(start["message"]["usage"]["output_tokens"], 1);
  EXPECT_EQ(start["message"]["usage"]["input_tokens"], 10);
  EXPECT_EQ(end["usage"]["output_tokens"], 20);
  EXPECT_EQ(end["usage"]["input_tokens"], 10);
  EXPECT_EQ(end["usage"]["output_tokens_details"]["thinking_tokens"], 2);
  EXPECT_FALSE(start["message"]["usage"].contains("output_tokens_details"));
}

TEST(Demo, calls_the_first_tool_once_when_the_word_stands_there) {
  const std::string tools =
      R"("tools":[{"type":"web_search_20250305","name":"web_search"},
         {"name":"run","input_schema":{"type":"object","required":["cmd","n","mode"],
          "properties":{"cmd":{"type":"string"},"n":{"type":"integer","minimum":3},
          "mode":{"enum":["fast","slow"]},"extra":{"type":"string"}}}},{"name":"other"}],)";
  const Message call = demo_message(asked_with(
      tools + R"("messages":[{"role":"user","content":[{"type":"text","text":"say TOOL"}]}])"));
  EXPECT_EQ(call.stop_reason, "tool_use");
  const auto& tool = std::get<ToolUseBlock>(call.content.back());
  EXPECT_EQ(tool.name, "run");
  std::string input;
  for (const auto& fragment : tool.fragments) input += fragment;
  EXPECT_EQ(input, R"({"cmd":"echo hello from the simulated Claude API","n":3,"mode":"fast"})");

  const Message named = demo_message(
      asked_with(tools + R"("messages":[{"role":"user","content":"TOOL:other, please"}])"));
  EXPECT_EQ(std::get<ToolUseBlock>(named.content.back()).name, "other");

  const Message after = demo_message(asked_with(
      tools + R"("messages":[{"role":"user","content":"TOOL"},{"role":"assistant","content":[]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":"done TOOL"},
      {"type":"text","text":"TOOL"}]}])"));
  EXPECT_EQ(after.stop_reason, "end_turn");
}

TEST(Demo, stops_where_the_tokens_end) {
  auto asked = asked_with(R"("messages":[{"role":"user","content":"Hi"}])");
  asked.max_tokens = 3;
  const Message cut = demo_message(asked);
  EXPECT_EQ(cut.stop_reason, "max_tokens");
  EXPECT_EQ(cut.usage["output_tokens"], 3);
  asked.max_tokens = 0;
  EXPECT_TRUE(demo_message(asked).content.empty());
}

TEST(Demo, answers_in_the_format_that_is_asked_for) {
  const Message answer = demo_message(asked_with(
      R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object",
      "required":["name","tags"],"properties":{"name":{"$ref":"#/$defs/n"},
      "tags":{"type":"array","minItems":2,"items":{"type":"boolean"}}},
      "$defs":{"n":{"type":"string"}}}}},"messages":[{"role":"user","content":"Hi"}])"));
  std::string text;
  for (const auto& delta : std::get<TextBlock>(answer.content[0]).deltas) text += delta;
  EXPECT_EQ(text, R"({"name":"demo","tags":[true,true]})");
}

TEST(ReceivedRequest, complains_in_the_words_of_the_real_api) {
  const struct {
    const char* body;
    const char* message;
  } kRows[] = {
      {"{", "The request body is not valid JSON"},
      {"[]", "must be a JSON object"},
      {R"({"messages":[],"max_tokens":1})", "model: Field required"},
      {R"({"model":"m","max_tokens":1})", "messages: Field required"},
      {R"({"model":"m","max_tokens":1,"messages":[]})", "at least one message"},
      {R"({"model":"m","max_tokens":1,"messages":[{"role":"x","content":""}]})", "messages.0.role"},
      {R"({"model":"m","messages":[{"role":"user","content":"a"}]})", "max_tokens: Field required"},
  };
  for (const auto& row : kRows) {
    const auto asked = read_asked(row.body, false);
    ASSERT_FALSE(asked) << row.body;
    EXPECT_NE(asked.error().message.find(row.message), std::string::npos) << asked.error().message;
  }
  EXPECT_TRUE(read_asked(R"({"model":"m","messages":[{"role":"user","content":"a"}]})", true));
  const std::string deep = R"({"model":"m","messages":)" + std::string(100'000, '[');
  EXPECT_FALSE(read_asked(deep, false));
}

TEST(Messages, remembered_answers_get_new_ids_and_are_else_the_same) {
  Messages messages(Script{}, Pace::at_once());
  const std::string body =
      R"({"model":"m","max_tokens":100,"stream":true,"tools":[{"name":"t"}],
         "messages":[{"role":"user","content":"TOOL"}]})";
  Numbers numbers;
  std::vector<std::string> replies;
  for (int i = 0; i < 2; ++i) {
    const auto known = messages.understand(body);
    ASSERT_TRUE(known);
    const std::string number = numbers.next();
    Reply reply = messages.reply(nullptr, *known, number, true);
    ASSERT_EQ(reply.steps.size(), 1U);  // one write
    std::string text = reply.steps[0].bytes;
    EXPECT_NE(text.find("msg_01" + number + "00"), std::string::npos);
    EXPECT_NE(text.find("toolu_01" + number + "02"), std::string::npos);
    for (auto at = text.find(number); at != std::string::npos; at = text.find(number))
      text.erase(at, number.size());
    replies.push_back(text);
  }
  EXPECT_EQ(replies[0], replies[1]);
}

}  // namespace
}  // namespace ccproxy::mock
