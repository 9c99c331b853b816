// Replies of the Responses API as a client gets them from the real program: which events come in
// which order, and that a whole response equals the one that its stream ends with. Their bytes are
// golden cases of the dialect.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

// Returns the response without its ids and times, which differ between two requests.
Document without_identity(const Document& response) {
  std::string text = response.dump();
  const std::string id = response.at("id");
  const std::string key = id.substr(id.find('_') + 1);
  for (auto at = text.find(key); at != std::string::npos; at = text.find(key)) {
    text.replace(at, key.size(), "KEY");
  }
  Document bare = json_of(text);
  bare["created_at"] = bare["completed_at"] = 0;
  return bare;
}

class ResponsesReply : public testing::TestWithParam<unsigned> {
 protected:
  // Sends the request streamed and whole, and expects the same response.
  [[nodiscard]] ResponseEvents stream_and_compare_whole(const Document& more = Document::object()) {
    ResponseEvents read = stream_response(fixture, more);
    EXPECT_EQ(without_identity(whole_response(fixture, more)), without_identity(read.response()));
    return read;
  }

  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ResponsesReply, testing::Values(1U, 2U));

constexpr const char* kTools = R"({"tools":[{"type":"function","name":"f"}]})";

TEST_P(ResponsesReply, text_has_every_event_in_order_p51_a02) {
  fixture.set_reply(
      json_of(R"({"blocks":[{"text":"Hel","deltas":["Hel"]},{"text":"lo","deltas":["lo"]}],
      "usage":{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":5,
               "output_tokens":20}})"));
  const ResponseEvents read = stream_and_compare_whole();
  EXPECT_EQ(read.names(),
            "created in_progress output_item.added content_part.added output_text.delta "
            "output_text.delta output_text.done content_part.done output_item.done completed");
  EXPECT_EQ(read.text(), "Hello");
  const Document created = read.events[0]["response"], response = read.response();
  EXPECT_EQ(created["status"], "in_progress");
  EXPECT_EQ(created["output"], Document::array());
  EXPECT_TRUE(created["usage"].is_null() && created["completed_at"].is_null());
  EXPECT_EQ(response["output"].size(), 1U);
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "Hello");
  EXPECT_EQ(response["usage"], json_of(R"({"input_tokens":115,
      "input_tokens_details":{"cached_tokens":100,"cache_write_tokens":5},"output_tokens":20,
      "output_tokens_details":{"reasoning_tokens":0},"total_tokens":135})"));
}

TEST_P(ResponsesReply, has_every_member_that_the_schema_requires_b04) {
  const Document response = whole_response(fixture, {{"metadata", {{"a", "b"}}}});
  for (const char* name : {"id",
                           "object",
                           "created_at",
                           "completed_at",
                           "status",
                           "background",
                           "error",
                           "incomplete_details",
                           "instructions",
                           "max_output_tokens",
                           "max_tool_calls",
                           "model",
                           "output",
                           "parallel_tool_calls",
                           "previous_response_id",
                           "prompt_cache_key",
                           "reasoning",
                           "safety_identifier",
                           "service_tier",
                           "store",
                           "temperature",
                           "top_p",
                           "presence_penalty",
                           "frequency_penalty",
                           "top_logprobs",
                           "text",
                           "tool_choice",
                           "tools",
                           "truncation",
                           "usage",
                           "metadata",
                           "user"})
    EXPECT_TRUE(response.contains(name)) << name;
  EXPECT_EQ(response["object"], "response");
  EXPECT_EQ(response["store"], true);
  EXPECT_EQ(response["background"], false);
  EXPECT_EQ(response["metadata"], json_of(R"({"a":"b"})"));
  EXPECT_EQ(response["text"], json_of(R"({"format":{"type":"text"}})"));
  const std::string id = response["id"];
  EXPECT_TRUE(id.starts_with("resp_") && id.size() >= 27 && id.size() <= 64) << id;
  EXPECT_EQ(response["output"][0]["id"], "msg_" + id.substr(5) + "_0");
  EXPECT_GE(response["completed_at"], response["created_at"]);
}

TEST_P(ResponsesReply, has_a_request_id_d01) {
  const Reply reply =
      post_response(fixture, response_body({{"stream", true}, {"truncation", "auto"}}));
  const Document request = fixture.requests().at(0);
  EXPECT_FALSE(reply.field("x-request-id").empty());
  EXPECT_EQ(reply.field("x-ccproxy-ignored"), "truncation");
  EXPECT_EQ(reply.field("cache-control"), "no-cache");
  EXPECT_EQ(reply.field("x-accel-buffering"), "no");
  EXPECT_FALSE(reply.has("content-length"));
  EXPECT_EQ(field_of(request, "anthropic-version"), "2023-06-01");
  EXPECT_EQ(json_of(body_of(request))["stream"], true);
  const Document receipt = fixture.receipt();
  EXPECT_EQ(receipt["status"], 200);
  EXPECT_EQ(receipt["route"], "/v1/responses");
}

TEST_P(ResponsesReply, reasoning_and_calls_are_separate_items_p52_a03) {
  fixture.set_reply(json_of(R"({"blocks":[{"thinking":"xy","deltas":["x","y"],"signature":"S"},
      {"tool_use":{"id":"toolu_1","name":"f","fragments":["{\"a\":","1}"]}}]})"));
  Document more = json_of(kTools);
  more["reasoning"] = json_of(R"({"effort":"low","summary":"auto"})");
  const ResponseEvents read = stream_and_compare_whole(more);
  const std::string names = read.names();
  EXPECT_TRUE(
      names.starts_with("created in_progress output_item.added reasoning_summary_part.added"
                        " reasoning_summary_text.delta"))
      << names;
  EXPECT_TRUE(
      names.ends_with("reasoning_summary_text.done reasoning_summary_part.done "
                      "output_item.done output_item.added function_call_arguments.delta "
                      "function_call_arguments.delta function_call_arguments.done "
                      "output_item.done completed"))
      << names;
  const Document output = read.response()["output"];
  EXPECT_EQ(output[0]["summary"], json_of(R"([{"type":"summary_text","text":"xy"}])"));
  EXPECT_TRUE(output[0]["encrypted_content"].get<std::string>().starts_with("ccp1."));
  EXPECT_EQ(output[1]["call_id"], "toolu_1");
  EXPECT_EQ(output[1]["arguments"], "{\"a\":1}");
  const Document sent = sent_body(fixture);
  EXPECT_EQ(sent["thinking"]["display"], "summarized");
  EXPECT_EQ(sent["output_config"]["effort"], "low");
}

TEST_P(ResponsesReply, hidden_and_redacted_thinking_has_no_summary_p53_p54) {
  for (const char* block : {R"({"thinking":"","signature":"S"})", R"({"redacted_thinking":"DATA"})",
                            R"({"thinking":"nobody asked","signature":"S"})"}) {
    SCOPED_TRACE(block);
    fixture.set_reply({{"blocks", {json_of(block), json_of(R"({"text":"t"})")}}});
    const ResponseEvents read = stream_and_compare_whole();
    EXPECT_TRUE(read.names().starts_with(
        "created in_progress output_item.added output_item.done output_item.added content_part"))
        << read.names();
    const Document item = read.response()["output"][0];
    EXPECT_EQ(item["type"], "reasoning");
    EXPECT_EQ(item["summary"], Document::array());
    EXPECT_TRUE(item["encrypted_content"].get<std::string>().starts_with("ccp1."));
  }
}

TEST_P(ResponsesReply, custom_tool_gets_its_text_p55_a06) {
  fixture.set_reply(json_of(R"({"blocks":[{"tool_use":{"id":"t","name":"p",
      "fragments":["{\"inp","ut\": \"a\\","nb\\u","00e9 \\\"","q\"}"]}}]})"));
  const ResponseEvents read =
      stream_and_compare_whole(json_of(R"({"tools":[{"type":"custom","name":"p"}]})"));
  EXPECT_TRUE(read.names().ends_with(
      "custom_tool_call_input.delta custom_tool_call_input.done output_item.done completed"));
  EXPECT_EQ(read.event("output_item.added")["item"]["input"], "");
  const Document item = read.response()["output"][0];
  EXPECT_EQ(item["type"], "custom_tool_call");
  EXPECT_EQ(item["input"], "a\nb\u00e9 \"q");
}

TEST_P(ResponsesReply, indices_are_contiguous_whatever_precedes_a_call_a04) {
  const Document tools = json_of(kTools);
  const Document reasoning = json_of(R"({"thinking":"x","signature":"S"})"),
                 text = json_of(R"({"text":"t"})"),
                 call = json_of(R"({"tool_use":{"id":"c1","name":"f","input":{}}})"),
                 second = json_of(R"({"tool_use":{"id":"c2","name":"f","input":{}}})");
  for (const std::vector<Document>& blocks : {std::vector<Document>{call},
                                              {call, second},
                                              {text, call},
                                              {reasoning, call},
                                              {reasoning, text, call, second},
                                              {text, reasoning, text, call}}) {
    fixture.set_reply({{"blocks", blocks}});
    const Document output = stream_and_compare_whole(tools).response()["output"];
    ASSERT_EQ(output.size(), blocks.size());
    EXPECT_EQ(output.back()["arguments"], "{}") << "case A5";
  }
}

TEST_P(ResponsesReply, refusal_has_the_configured_style_p56_a15) {
  const Document refusal = json_of(R"({"blocks":[{"text":"Par"}],"stop_reason":"refusal",
      "stop_details":{"type":"refusal","explanation":"E"}})");
  fixture.set_reply(refusal);
  const ResponseEvents read = stream_and_compare_whole();
  EXPECT_TRUE(read.names().ends_with(
      "content_part.added refusal.delta refusal.done content_part.done output_item.done completed"))
      << read.names();
  const Document content = read.response()["output"][0]["content"];
  EXPECT_EQ(content[0]["text"], "Par");
  EXPECT_EQ(content[1], json_of(R"({"type":"refusal","refusal":"E"})"));

  const std::string codex = std::string(kOpenAiFields) + "user-agent: codex_cli_rs/0.1\r\n";
  const ResponseEvents shown = stream_response(fixture, Document::object(), codex);
  EXPECT_EQ(shown.names().find("refusal"), std::string::npos) << "Codex shows none of it";
  EXPECT_TRUE(shown.text().starts_with("Par") && shown.text().ends_with("E")) << shown.text();

  ProxyFixture other(
      Plan{.workers = GetParam(), .config = R"({"translation":{"refusalStyle":"incomplete"}})"});
  other.set_reply(refusal);
  const Document response = stream_response(other).response();
  EXPECT_EQ(response["status"], "incomplete");
  EXPECT_EQ(response["incomplete_details"]["reason"], "content_filter");
}

TEST_P(ResponsesReply, truncated_message_is_incomplete_p57_a15) {
  fixture.set_reply(
      json_of(R"({"blocks":[{"tool_use":{"id":"t","name":"f","fragments":["{\"a\":\"lo"]}}],
      "stop_reason":"max_tokens","usage":{"output_tokens":9}})"));
  const Document response = stream_and_compare_whole(json_of(kTools)).response();
  EXPECT_EQ(response["status"], "incomplete");
  EXPECT_EQ(response["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(response["output"][0]["status"], "incomplete");
  EXPECT_EQ(response["output"][0]["arguments"], "{\"a\":\"lo");
  EXPECT_EQ(response["usage"]["output_tokens"], 9);
  EXPECT_TRUE(response["completed_at"].is_null());
  for (const char* reason : {"max_tokens", "model_context_window_exceeded"}) {
    fixture.set_reply({{"text", "cut"}, {"stop_reason", reason}});
    EXPECT_EQ(stream_and_compare_whole().response()["incomplete_details"]["reason"],
              "max_output_tokens")
        << reason;
  }
  for (const char* reason : {"end_turn", "stop_sequence", "brand_new"}) {
    fixture.set_reply({{"text", "whole"}, {"stop_reason", reason}});
    EXPECT_EQ(stream_and_compare_whole().response()["status"], "completed") << reason;
  }
}

TEST_P(ResponsesReply, error_in_the_middle_fails_the_response_p58) {
  fixture.set_reply(json_of(R"({"text":"Hello over there","fault":"error-mid=4"})"));
  const ResponseEvents read = stream_response(fixture);
  EXPECT_TRUE(read.names().ends_with("output_text.delta failed")) << read.names();
  EXPECT_EQ(read.response()["status"], "failed");
  EXPECT_EQ(read.response()["error"]["code"], "server_error");
  // No event was sent yet, so the error has a status of its own.
  const Document error = error_in(post_response(fixture, response_body()));
  EXPECT_EQ(error["status"], 503);
  EXPECT_EQ(error["code"], "overloaded");
}

TEST_P(ResponsesReply, search_has_an_item_and_citations_p64) {
  fixture.set_reply(json_of(R"({"blocks":[{"web_search":{"query":"q","results":[
      {"url":"https://a.com/","title":"T"}]}},{"text":"x","citations":[
      {"url":"https://a.com/","title":"T","cited_text":"c"}]}]})"));
  Document more = json_of(R"({"include":["web_search_call.action.sources"],"tools":[
      {"type":"web_search","filters":{"allowed_domains":["a.com"]}}]})");
  const ResponseEvents read = stream_and_compare_whole(more);
  EXPECT_TRUE(read.names().starts_with(
      "created in_progress output_item.added web_search_call.in_progress web_search_call.searching "
      "web_search_call.completed output_item.done output_item.added content_part.added"))
      << read.names();
  EXPECT_EQ(read.response()["output"][0]["action"],
            json_of(R"({"type":"search","query":"q","queries":["q"],
                        "sources":[{"type":"url","url":"https://a.com/"}]})"));
  EXPECT_EQ(read.response()["output"][1]["content"][0]["annotations"].size(), 1U);
  EXPECT_EQ(read.event("output_text.annotation.added")["annotation"]["url"], "https://a.com/");
  EXPECT_EQ(sent_body(fixture)["tools"][0]["allowed_domains"], json_of(R"(["a.com"])"));

  fixture.set_reply(json_of(R"({"blocks":[{"web_search":{"query":"q","error":"unavailable"}},
                                   {"text":"x"}]})"));
  const ResponseEvents failed = stream_and_compare_whole(more);
  EXPECT_TRUE(failed.event("web_search_call.completed").is_null());
  EXPECT_EQ(failed.response()["output"][0]["status"], "failed");
}

TEST_P(ResponsesReply, repeats_tools_and_settings_p65) {
  const Document response = whole_response(
      fixture,
      json_of(R"({"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]})"));
  EXPECT_EQ(response["tools"], json_of(R"([{"type":"function","name":"f","description":null,
                                            "parameters":{"type":"object"},"strict":false}])"));
  EXPECT_EQ(response["tool_choice"], "auto");
  EXPECT_EQ(response["temperature"], 1);
  EXPECT_EQ(response["top_p"], 1);
  EXPECT_TRUE(response["max_output_tokens"].is_null());
}

}  // namespace
}  // namespace ccproxy::test
