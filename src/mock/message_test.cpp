#include "mock/message.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mock/demo.hpp"
#include "mock/messages_endpoint.hpp"
#include "mock/received_request.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

// Assembles the message from the events of its stream, as a client does.
Document assemble(const std::vector<Event>& events) {
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

ReceivedRequest request_with(const std::string& members) {
  const auto request =
      parse_request(R"({"model":"claude-sonnet-5","max_tokens":1000,)" + members + "}", false);
  EXPECT_TRUE(request) << (request ? "" : request.error().message);
  return request ? *request : ReceivedRequest{};
}

Message rich_message() {
  Message message{"msg_1", "claude-sonnet-5"};
  message.content.emplace_back(ThinkingBlock{{"I ", "think."}, "c2ln"});
  message.content.emplace_back(RedactedThinkingBlock{"ZGF0YQ=="});
  message.content.emplace_back(TextBlock{{"One ", "two \"\xE4\xBD\xA0\""}});
  append_web_search(message.content, "srvtoolu_1", "what?",
                    Document::array({{{"type", "web_search_result"}, {"url", "https://a/"}}}));
  message.content.emplace_back(TextBlock{{"Cited."}, {{{"type", "web_search_result_location"}}}});
  message.content.emplace_back(ToolUseBlock{"toolu_1", "first", {"{\"a\":", "[1,2]}"}});
  message.content.emplace_back(ToolUseBlock{"toolu_2", "second", {}});
  message.stop_reason = "tool_use";
  message.usage = make_usage(10, 20);
  message.usage["output_tokens_details"] = {{"thinking_tokens", 2}};
  return message;
}

TEST(Message, stream_assembles_to_the_whole_message) {
  std::vector<Message> messages = {rich_message()};
  for (const char* members : {
           R"("messages":[{"role":"user","content":"Hi"}])",
           R"("thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"Hi"}])",
           R"("tools":[{"name":"t","input_schema":{"type":"object"}}],
              "messages":[{"role":"user","content":"TOOL"}])",
       })
    messages.push_back(demo_message(request_with(members)));
  Message refusal{"msg_2", "m"};
  refusal.stop_reason = "refusal";
  refusal.extra["stop_details"] = {{"type", "refusal"}, {"category", "cyber"}};
  refusal.usage = make_usage(1, 1);
  messages.push_back(refusal);
  for (const Message& message : messages)
    // nlohmann::json compares members in any order.
    EXPECT_EQ(nlohmann::json(assemble(message_events(message))),
              nlohmann::json(*json::parse_document(message_json(message))));
}

TEST(Message, stream_begins_with_start_and_ping_and_ends_with_stop) {
  const auto events = message_events(rich_message());
  EXPECT_EQ(events[0].name, "message_start");
  EXPECT_EQ(events[1].name, "ping");
  EXPECT_EQ(events.rbegin()[1].name, "message_delta");
  EXPECT_EQ(events.rbegin()[0].name, "message_stop");
}

TEST(Message, omits_absent_members) {
  Message plain{"msg_1", "m", {TextBlock{{"Hi"}}}};
  plain.usage = make_usage(1, 1);
  std::string all = message_json(plain);
  for (const Event& event : message_events(plain)) all += event.data;
  for (const char* name : {"citations", "stop_details", "container", "server_tool_use",
                           "output_tokens_details", "thinking"})
    EXPECT_EQ(all.find(name), std::string::npos) << name;
}

TEST(Message, sends_an_empty_fragment_before_a_tool_input) {
  int calls = 0;
  const auto events = message_events(rich_message());
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    if (events[i].data.find("tool_use\"") == std::string::npos) continue;
    if (events[i].name != "content_block_start") continue;
    ++calls;
    EXPECT_NE(events[i].data.find(R"("input":{})"), std::string::npos);
    EXPECT_NE(events[i + 1].data.find(R"("partial_json":"")"), std::string::npos);
  }
  EXPECT_EQ(calls, 3);
}

TEST(Message, stream_has_cumulative_usage) {
  const auto events = message_events(rich_message());
  const Document start = *json::parse_document(events[0].data);
  const Document end = *json::parse_document(events.rbegin()[1].data);
  EXPECT_EQ(start["message"]["usage"]["output_tokens"], 1);
  EXPECT_EQ(start["message"]["usage"]["input_tokens"], 10);
  EXPECT_EQ(end["usage"]["output_tokens"], 20);
  EXPECT_EQ(end["usage"]["input_tokens"], 10);
  EXPECT_EQ(end["usage"]["output_tokens_details"]["thinking_tokens"], 2);
  EXPECT_FALSE(start["message"]["usage"].contains("output_tokens_details"));
}

TEST(DemoMessage, calls_the_first_tool_once_when_the_text_says_tool) {
  const std::string tools =
      R"("tools":[{"type":"web_search_20250305","name":"web_search"},
         {"name":"run","input_schema":{"type":"object","required":["cmd","n","mode"],
          "properties":{"cmd":{"type":"string"},"n":{"type":"integer","minimum":3},
          "mode":{"enum":["fast","slow"]},"extra":{"type":"string"}}}},{"name":"other"}],)";
  const Message call = demo_message(request_with(
      tools + R"("messages":[{"role":"user","content":[{"type":"text","text":"say TOOL"}]}])"));
  EXPECT_EQ(call.stop_reason, "tool_use");
  const auto& tool = std::get<ToolUseBlock>(call.content.back());
  EXPECT_EQ(tool.name, "run");
  std::string input;
  for (const auto& fragment : tool.fragments) input += fragment;
  EXPECT_EQ(input, R"({"cmd":"echo hello from the simulated Claude API","n":3,"mode":"fast"})");

  const Message named = demo_message(
      request_with(tools + R"("messages":[{"role":"user","content":"TOOL:other, please"}])"));
  EXPECT_EQ(std::get<ToolUseBlock>(named.content.back()).name, "other");

  const Message after = demo_message(request_with(
      tools + R"("messages":[{"role":"user","content":"TOOL"},{"role":"assistant","content":[]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":"done TOOL"},
      {"type":"text","text":"TOOL"}]}])"));
  EXPECT_EQ(after.stop_reason, "end_turn");
}

TEST(DemoMessage, ends_at_max_tokens) {
  auto request = request_with(R"("messages":[{"role":"user","content":"Hi"}])");
  request.max_tokens = 3;
  const Message cut = demo_message(request);
  EXPECT_EQ(cut.stop_reason, "max_tokens");
  EXPECT_EQ(cut.usage["output_tokens"], 3);
  request.max_tokens = 0;
  EXPECT_TRUE(demo_message(request).content.empty());
}

TEST(DemoMessage, matches_the_requested_schema) {
  const Message message = demo_message(request_with(
      R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object",
      "required":["name","tags"],"properties":{"name":{"$ref":"#/$defs/n"},
      "tags":{"type":"array","minItems":2,"items":{"type":"boolean"}}},
      "$defs":{"n":{"type":"string"}}}}},"messages":[{"role":"user","content":"Hi"}])"));
  std::string text;
  for (const auto& delta : std::get<TextBlock>(message.content[0]).deltas) text += delta;
  EXPECT_EQ(text, R"({"name":"demo","tags":[true,true]})");
}

TEST(ReceivedRequest, fails_with_the_real_apis_messages) {
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
    const auto request = parse_request(row.body, false);
    ASSERT_FALSE(request) << row.body;
    EXPECT_NE(request.error().message.find(row.message), std::string::npos)
        << request.error().message;
  }
  EXPECT_TRUE(parse_request(R"({"model":"m","messages":[{"role":"user","content":"a"}]})", true));
  const std::string deep = R"({"model":"m","messages":)" + std::string(100'000, '[');
  EXPECT_FALSE(parse_request(deep, false));
}

TEST(MessagesEndpoint, cached_replies_differ_only_in_their_ids) {
  MessagesEndpoint messages(Script{}, Pace::at_once());
  const std::string body =
      R"({"model":"m","max_tokens":100,"stream":true,"tools":[{"name":"t"}],
         "messages":[{"role":"user","content":"TOOL"}]})";
  IdNumbers numbers;
  std::vector<std::string> replies;
  for (int i = 0; i < 2; ++i) {
    const auto known = messages.parse(body);
    ASSERT_TRUE(known);
    const std::string number = numbers.next();
    Reply reply = messages.reply(nullptr, *known, number, true);
    ASSERT_EQ(reply.steps.size(), 1U);  // all steps were joined
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
