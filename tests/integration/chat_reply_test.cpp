// Replies of the Chat Completions route as a client gets them from the real program: what a
// streamed and a whole reply have in common. Their bytes are golden cases of the dialect.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/chat.hpp"

namespace ccproxy::test {
namespace {

class ChatReply : public testing::TestWithParam<unsigned> {
 protected:
  [[nodiscard]] ChatStream stream(Document more = Document::object()) {
    more["stream"] = true;
    const Reply reply = post_chat(fixture, chat_body(more));
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_EQ(reply.field("content-type"), "text/event-stream; charset=utf-8");
    EXPECT_EQ(reply.field("cache-control"), "no-cache");
    EXPECT_EQ(reply.field("x-accel-buffering"), "no");
    EXPECT_TRUE(reply.complete);
    ChatStream read = read_chunks(reply.body);
    EXPECT_EQ(read.unexpected_lines, "");
    return read;
  }
  [[nodiscard]] Document whole(const Document& more = Document::object()) {
    const Reply reply = post_chat(fixture, chat_body(more));
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_EQ(reply.field("content-type"), "application/json");
    return Document::parse(reply.body);
  }

  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ChatReply, testing::Values(1U, 2U));

TEST_P(ChatReply, streams_a_text_with_one_usage_chunk_and_one_done_p34) {
  fixture.set_reply({{"blocks", {{{"text", "Hello"}, {"deltas", {"Hel", "lo"}}}}},
                     {"usage",
                      {{"input_tokens", 10},
                       {"cache_read_input_tokens", 100},
                       {"cache_creation_input_tokens", 5},
                       {"output_tokens", 20}}}});
  const ChatStream read = stream({{"stream_options", {{"include_usage", true}}}});
  EXPECT_EQ(read.deltas(),
            (std::vector<Document>{{{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}},
                                   {{"content", "Hel"}},
                                   {{"content", "lo"}}}));
  EXPECT_EQ(read.finish_reason(), "stop");
  const Document& usage = read.chunks.back();
  EXPECT_EQ(usage["choices"], Document::array());
  EXPECT_EQ(usage["usage"]["prompt_tokens"], 115);
  EXPECT_EQ(usage["usage"]["completion_tokens"], 20);
  EXPECT_EQ(usage["usage"]["total_tokens"], 135);
  EXPECT_EQ(usage["usage"]["prompt_tokens_details"]["cached_tokens"], 100);
  EXPECT_EQ(usage["usage"]["prompt_tokens_details"]["cache_write_tokens"], 5);
  for (const Document& chunk : read.chunks) {
    EXPECT_EQ(chunk["id"], usage["id"]);
    EXPECT_EQ(chunk["model"], "claude-sonnet-5");
    EXPECT_TRUE(&chunk == &read.chunks.back() || chunk.at("usage").is_null());
  }
  EXPECT_EQ(read.done, 1);
  EXPECT_TRUE(read.ends_with_done);
  EXPECT_EQ(fixture.receipt()["input_tokens"], 10);
}

// Case B21: a stream has usage only when the client asked for it.
TEST_P(ChatReply, streams_no_usage_unless_requested_b21) {
  fixture.set_reply({{"text", "Hi"}});
  for (const Document& chunk : stream().chunks) EXPECT_FALSE(chunk.contains("usage"));
}

TEST_P(ChatReply, numbers_calls_from_zero_and_names_them_once_p35) {
  fixture.set_reply(
      {{"blocks",
        {{{"thinking", "ab"}, {"signature", "c2ln"}},
         {{"text", "ok"}},
         {{"tool_use", {{"id", "toolu_1"}, {"name", "f"}, {"fragments", {"", "{\"x\"", ":1}"}}}}},
         {{"tool_use", {{"id", "toolu_2"}, {"name", "g"}, {"fragments", Document::array()}}}}}}});
  const Document tools = {{"tools", {function_tool("f"), function_tool("g")}}};
  std::vector<Document> calls;
  const ChatStream read = stream(tools);
  for (const Document& delta : read.deltas())
    if (delta.contains("tool_calls")) calls.push_back(delta["tool_calls"]);
  const auto opening = [](int index, const char* id, const char* name) {
    return Document{{{"index", index},
                     {"id", id},
                     {"type", "function"},
                     {"function", {{"name", name}, {"arguments", ""}}}}};
  };
  const auto piece = [](int index, const char* arguments) {
    return Document{{{"index", index}, {"function", {{"arguments", arguments}}}}};
  };
  EXPECT_EQ(calls,
            (std::vector<Document>{opening(0, "toolu_1", "f"), piece(0, "{\"x\""), piece(0, ":1}"),
                                   opening(1, "toolu_2", "g"), piece(1, "{}")}));
  EXPECT_EQ(read.finish_reason(), "tool_calls");

  const Document completion = whole(tools);
  const Document& message = completion["choices"][0]["message"];
  EXPECT_EQ(message["content"], "ok");
  EXPECT_EQ(message["reasoning_content"], "ab");
  EXPECT_EQ(message["tool_calls"],
            (Document{tool_call("toolu_1", "f", "{\"x\":1}"), tool_call("toolu_2", "g", "{}")}));
  EXPECT_EQ(completion["choices"][0]["finish_reason"], "tool_calls");
}

TEST_P(ChatReply, streams_the_text_of_custom_tools_p36) {
  fixture.set_reply(
      {{"blocks",
        {{{"tool_use",
           {{"id", "t"},
            {"name", "p"},
            {"fragments", {"{\"inp", "ut\": \"a\\", "nb\\u", "d83d\\ude00 \\\"", "q\"}"}}}}}}}});
  const Document tools = {{"tools", {{{"type", "custom"}, {"custom", {{"name", "p"}}}}}}};
  std::string input;
  for (const Document& delta : stream(tools).deltas())
    if (delta.contains("tool_calls") && delta["tool_calls"][0].contains("custom"))
      input += delta["tool_calls"][0]["custom"]["input"].get<std::string>();
  EXPECT_EQ(input, "a\nb\xF0\x9F\x98\x80 \"q");
  const Document call = whole(tools)["choices"][0]["message"]["tool_calls"][0];
  EXPECT_EQ(call["type"], "custom");
  EXPECT_EQ(call["custom"]["input"], input);
}

// Case B19: finish_reason matches the tool calls, whatever stop_reason the upstream sends.
TEST_P(ChatReply, finish_reason_agrees_with_the_calls_b19) {
  const Document tools = {{"tools", {function_tool("f")}}};
  fixture.set_reply({{"blocks", {{{"tool_use", {{"name", "f"}, {"input", {{"a", 1}}}}}}}},
                     {"stop_reason", "end_turn"}});
  EXPECT_EQ(stream(tools).finish_reason(), "tool_calls");
  EXPECT_EQ(whole(tools)["choices"][0]["finish_reason"], "tool_calls");
  fixture.set_reply({{"text", "no call"}, {"stop_reason", "tool_use"}});
  EXPECT_EQ(stream(tools).finish_reason(), "stop");
  EXPECT_EQ(whole(tools)["choices"][0]["finish_reason"], "stop");
}

TEST_P(ChatReply, maps_stop_reasons_to_finish_reasons_p37) {
  for (const auto& [theirs, ours] :
       std::vector<std::pair<std::string, std::string>>{{"end_turn", "stop"},
                                                        {"max_tokens", "length"},
                                                        {"stop_sequence", "stop"},
                                                        {"model_context_window_exceeded", "length"},
                                                        {"brand_new", "stop"}}) {
    SCOPED_TRACE(theirs);
    fixture.set_reply({{"text", "Hi"}, {"stop_reason", theirs}});
    EXPECT_EQ(stream().finish_reason(), ours);
    EXPECT_EQ(whole()["choices"][0]["finish_reason"], ours);
  }
}

TEST_P(ChatReply, reports_a_refusal_p38) {
  fixture.set_reply(
      {{"blocks", Document::array()},
       {"stop_reason", "refusal"},
       {"stop_details", {{"type", "refusal"}, {"category", "cyber"}, {"explanation", "E"}}}});
  const Document choice = whole()["choices"][0];
  EXPECT_TRUE(choice["message"]["content"].is_null());
  EXPECT_EQ(choice["message"]["refusal"], "E");
  EXPECT_EQ(choice["finish_reason"], "content_filter");
  const ChatStream read = stream();
  EXPECT_EQ(read.deltas().back(), (Document{{"refusal", "E"}}));
  EXPECT_EQ(read.finish_reason(), "content_filter");
}

TEST_P(ChatReply, citations_become_annotations_p43) {
  fixture.set_reply({{"blocks",
                      {{{"text", "The sky "}},
                       {{"text", "is blue"},
                        {"citations", {{{"url", "u"}, {"title", nullptr}, {"cited_text", "b"}}}}},
                       {{"text", "."}}}}});
  const Document message = whole()["choices"][0]["message"];
  EXPECT_EQ(message["content"], "The sky is blue.");
  const Document expected = {
      {{"type", "url_citation"},
       {"url_citation", {{"start_index", 8}, {"end_index", 15}, {"url", "u"}, {"title", "u"}}}}};
  EXPECT_EQ(message["annotations"], expected);
  EXPECT_EQ(stream().deltas().back()["annotations"], expected);
}

TEST_P(ChatReply, reports_an_omitted_document_citation) {
  fixture.set_reply(
      {{"blocks",
        {{{"text", "blue"},
          {"citations",
           {{{"type", "char_location"}, {"document_title", "D"}, {"cited_text", "b"}}}}}}}});
  const Reply reply = post_chat(fixture, chat_body({{"seed", 1}}));
  EXPECT_NE(reply.body.find(R"("annotations":[])"), std::string::npos);
  EXPECT_NE(reply.body.find("blue"), std::string::npos);
  EXPECT_NE(reply.raw.find("x-ccproxy-ignored: citations\r\n"), std::string::npos) << reply.raw;
  EXPECT_EQ(fixture.receipt()["ignored"], "seed,citations");
  (void)stream();
  EXPECT_EQ(fixture.receipts(2).at(1)["ignored"], "citations");
}

TEST_P(ChatReply, legacy_functions_get_function_call_p50) {
  fixture.set_reply(
      {{"blocks", {{{"tool_use", {{"id", "t"}, {"name", "f"}, {"fragments", {"{\"a\":1}"}}}}}}}});
  const Document functions = {{"functions", {{{"name", "f"}}}}};
  const auto deltas = stream(functions).deltas();
  EXPECT_EQ(deltas.at(1), (Document{{"function_call", {{"name", "f"}, {"arguments", ""}}}}));
  EXPECT_EQ(deltas.at(2), (Document{{"function_call", {{"arguments", "{\"a\":1}"}}}}));
  const Document choice = whole(functions)["choices"][0];
  EXPECT_EQ(choice["message"]["function_call"],
            (Document{{"name", "f"}, {"arguments", "{\"a\":1}"}}));
  EXPECT_FALSE(choice["message"].contains("tool_calls"));
  EXPECT_EQ(choice["finish_reason"], "function_call");
}

TEST_P(ChatReply, removes_a_fence_around_json_p22) {
  fixture.set_reply({{"blocks", {{{"text", "x"}, {"deltas", {"```json\n{\"a\"", ":1}\n```"}}}}}});
  const Document json_format = {{"response_format", {{"type", "json_object"}}}};
  EXPECT_EQ(whole(json_format)["choices"][0]["message"]["content"], "{\"a\":1}");
  EXPECT_EQ(stream(json_format).text(), "{\"a\":1}");
}

// Cases E50 and C37: a streamed and a whole reply have the same content, however the upstream's
// bytes are cut.
TEST_P(ChatReply, streamed_and_whole_text_are_equal_however_the_bytes_are_cut_c37_e50) {
  const std::string text = "Gr\xC3\xBC\xC3\x9F \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x98\x80 Ende";
  for (const char* fault : {"split=1", "split=7", "crlf", "cr", "drip", "gzip"}) {
    SCOPED_TRACE(fault);
    fixture.set_reply({{"text", text}, {"fault", fault}});
    EXPECT_EQ(stream().text(), text);
    EXPECT_EQ(whole()["choices"][0]["message"]["content"], text);
  }
}

TEST_P(ChatReply, ends_with_one_done_b23) {
  fixture.set_reply({{"text", "Hi"}});
  const ChatStream read = stream();
  EXPECT_EQ(read.done, 1);
  EXPECT_TRUE(read.ends_with_done);
}

TEST_P(ChatReply, consecutive_requests_share_one_upstream_connection) {
  fixture.set_reply({{"text", "Hi"}});
  RawClient client(fixture.port());
  for (int i = 0; i < 5; ++i) {
    const Document body = chat_body({{"stream", i % 2 == 0}});
    client.send(request("POST", kChat, body.dump(), kOpenAiFields));
    EXPECT_EQ(client.read_reply().status, 200);
  }
  EXPECT_EQ(fixture.status()["connections_seen"], 1);
}

TEST_P(ChatReply, text_completions_get_the_legacy_object) {
  fixture.set_reply({{"text", "Hello there"}});
  const Document body = {{"model", "claude-sonnet-5"}, {"prompt", {"Say hello"}}, {"echo", true}};
  const Reply reply =
      send_request(fixture.port(), "POST", "/v1/completions", body.dump(), kOpenAiFields);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("x-ccproxy-ignored"), "echo");
  const Document completion = Document::parse(reply.body);
  EXPECT_EQ(completion["object"], "text_completion");
  EXPECT_EQ(completion["choices"][0]["text"], "Hello there");
  EXPECT_TRUE(completion["id"].get<std::string>().starts_with("cmpl-"));
  const Document sent = Document::parse(body_of(fixture.requests().at(0)));
  EXPECT_EQ(sent["messages"][0]["content"][0]["text"], "Say hello");
}

TEST_P(ChatReply, head_names_the_model_and_what_was_changed) {
  fixture.set_reply({{"text", "Hi"}, {"headers", {{"request-id", "req_7"}}}});
  const Reply reply = post_chat(fixture, chat_body({{"model", "claude-sonnet-4-0"},
                                                    {"seed", 1},
                                                    {"logit_bias", Document::object()},
                                                    {"presence_penalty", 0.5},
                                                    {"we\"ird\n", 1}}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("x-request-id"), "req_7");
  EXPECT_EQ(reply.field("x-ccproxy-upstream-model"), "claude-sonnet-4-6");
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "model_retired");
  EXPECT_EQ(reply.field("x-ccproxy-ignored"), "seed,presence_penalty,we?ird?");
  EXPECT_NE(reply.field("x-ratelimit-limit-requests"), "");
  EXPECT_EQ(Document::parse(reply.body)["model"], "claude-sonnet-4-0");
  EXPECT_EQ(fixture.receipt()["ignored"], "seed,presence_penalty,we?ird?");
}

TEST_P(ChatReply, names_the_upstream_model_when_configured) {
  ProxyFixture named(
      Plan{.workers = GetParam(), .config = R"({"translation":{"responseModel":"upstream"}})"});
  const Reply reply = post_chat(named, chat_body({{"model", "gpt-4o"}}));
  EXPECT_EQ(Document::parse(reply.body)["model"], "claude-sonnet-4-6");
}

}  // namespace
}  // namespace ccproxy::test
