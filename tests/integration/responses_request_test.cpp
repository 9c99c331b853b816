// What the upstream receives for a Responses request: responses that come back as the input of the
// next turn, what Codex and Cursor send, and what is refused.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

class ResponsesRequest : public testing::TestWithParam<unsigned> {
 protected:
  // Lets the client send back a response of these blocks item by item, followed by `results`,
  // without the store. Returns the content of the assistant's turn that the upstream receives.
  Document replayed(const Document& blocks, const Document& more, const Document& results) {
    fixture.set_reply({{"blocks", blocks}});
    Document first = more;
    first["store"] = false;
    const Document output = stream_response(fixture, first).response()["output"];
    Document input = json_of(R"([{"role":"user","content":"hi"}])");
    for (const Document& item : output) input.push_back(item);
    for (const Document& item : results) input.push_back(item);
    Document second = first;
    second["input"] = input;
    (void)whole_response(fixture, second);
    const Document sent = sent_body(fixture);
    EXPECT_EQ(sent["messages"].size(), 3U) << sent;
    EXPECT_EQ(sent["messages"][1].value("role", ""), "assistant");
    last_ = sent["messages"][2]["content"];
    return sent["messages"][1]["content"];
  }
  Document last_;  // content of the user's turn after it

  ProxyFixture fixture{Plan{.workers = GetParam(), .config = R"({"upstream":{"maxRetries":0}})"}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ResponsesRequest, testing::Values(1U, 2U));

TEST_P(ResponsesRequest, restores_signed_thinking_and_its_call_p52_a14) {
  const Document content =
      replayed(json_of(R"([{"thinking":"x\n\u00e9\"y","signature":"S+/="},
                  {"tool_use":{"id":"toolu_1","name":"f","fragments":["{\"a\":","1}"]}}])"),
               json_of(R"({"tools":[{"type":"function","name":"f"}],
                  "reasoning":{"effort":"low","summary":"auto"}})"),
               json_of(R"([{"type":"function_call_output","call_id":"toolu_1","output":"r"}])"));
  EXPECT_EQ(content, json_of(R"([{"type":"thinking","thinking":"x\n\u00e9\"y","signature":"S+/="},
                        {"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}])"));
  EXPECT_EQ(last_, json_of(R"([{"type":"tool_result","tool_use_id":"toolu_1","content":"r"}])"));
}

TEST_P(ResponsesRequest, restores_hidden_and_redacted_thinking_p53_p54) {
  const Document next = json_of(R"([{"role":"user","content":"go on"}])");
  EXPECT_EQ(replayed(json_of(R"([{"thinking":"","signature":"S"},{"text":"t"}])"),
                     Document::object(), next),
            json_of(R"([{"type":"thinking","thinking":"","signature":"S"},
                        {"type":"text","text":"t"}])"));
  EXPECT_EQ(
      replayed(json_of(R"([{"redacted_thinking":"DATA"},{"text":"t"}])"), Document::object(), next),
      json_of(R"([{"type":"redacted_thinking","data":"DATA"},
                        {"type":"text","text":"t"}])"));
}

TEST_P(ResponsesRequest, restores_the_text_of_a_custom_tool_p55_a06) {
  const std::string patch = "*** Begin Patch\n+\"\\\u00e9\"\n*** End Patch";
  const Document content = replayed(
      {{{"tool_use", {{"id", "t1"}, {"name", "apply_patch"}, {"input", {{"input", patch}}}}}}},
      json_of(R"({"tools":[{"type":"custom","name":"apply_patch","description":"D",
        "format":{"type":"grammar","syntax":"lark","definition":"start: \"x\""}}]})"),
      json_of(R"([{"type":"custom_tool_call_output","call_id":"t1","output":"r"}])"));
  EXPECT_EQ(content[0]["input"], (Document{{"input", patch}}));
  EXPECT_EQ(last_[0]["content"], "r");
  const Document tool = sent_body(fixture)["tools"][0];
  EXPECT_EQ(tool["input_schema"]["properties"]["input"]["type"], "string");
  EXPECT_NE(tool["description"].get<std::string>().find("start: \"x\""), std::string::npos);
}

// What the items carry beside the model's words must not become words of the model (rule 0.2).
TEST_P(ResponsesRequest, restores_shell_and_patch_calls_b03) {
  struct Row {
    const char *type, *name, *input;
  };
  for (const Row& row :
       {Row{"local_shell", "local_shell", R"({"command":["ls"]})"},
        Row{"local_shell", "local_shell",
            R"({"command":["ls"],"env":{"A":"b"},"timeout_ms":5,"working_directory":"/"})"},
        Row{"shell", "shell", R"({"commands":["ls"]})"},
        Row{"shell", "shell", R"({"commands":["ls"],"timeout_ms":5,"max_output_length":9})"},
        Row{"apply_patch", "apply_patch",
            R"({"operation":{"type":"update_file","path":"a","diff":"+\"\\u00e9"}})"}}) {
    SCOPED_TRACE(row.input);
    const Document call = {{"id", "t"}, {"name", row.name}, {"input", json_of(row.input)}};
    const Document output = {{"type", std::string(row.type) + "_call_output"},
                             {"call_id", "t"},
                             {"id", "t"},
                             {"status", "completed"},
                             {"output", "o"}};
    const Document content = replayed({{{"tool_use", call}}}, {{"tools", {{{"type", row.type}}}}},
                                      Document::array({output}));
    EXPECT_EQ(content[0]["input"].dump(), json_of(row.input).dump());
    EXPECT_EQ(content[0]["id"], "t");
  }
}

TEST_P(ResponsesRequest, translates_what_codex_sends_p59_a11_a12) {
  fixture.set_reply(
      json_of(R"({"blocks":[{"tool_use":{"name":"multi_agent_v1__spawn","input":{}}}]})"));
  const Document more = json_of(R"({"store":false,"client_metadata":{"a":"b"},
    "input":[
      {"type":"message","role":"developer","content":[{"type":"input_text","text":"D"}]},
      {"type":"message","role":"user","content":[{"type":"input_text","text":"U"}]},
      {"type":"reasoning","encrypted_content":"gAAAA-foreign","content":null,"summary":[]},
      {"type":"function_call","name":"exec_command","call_id":"c1","arguments":"{}"},
      {"type":"function_call_output","call_id":"c1","output":"hi","id":"fco_1"}],
    "tools":[{"type":"function","name":"exec_command","strict":null},
      {"type":"namespace","name":"multi_agent_v1","tools":[{"type":"function","name":"spawn"}]},
      {"type":"web_search","external_web_access":false}]})");
  const ResponseEvents read = stream_response(fixture, more);
  const Document item = read.response()["output"][0];
  EXPECT_EQ(item["name"], "spawn");
  EXPECT_EQ(item["namespace"], "multi_agent_v1");
  EXPECT_EQ(read.response()["store"], false);
  const Document sent = sent_body(fixture);
  EXPECT_EQ(sent["system"], json_of(R"([{"type":"text","text":"D"}])"));
  EXPECT_EQ(sent["tools"].size(), 2U);
  EXPECT_EQ(sent["tools"][1]["name"], "multi_agent_v1__spawn");
  EXPECT_EQ(sent["messages"], json_of(R"([
      {"role":"user","content":[{"type":"text","text":"U"}]},
      {"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"exec_command","input":{}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"hi"}]}])"));

  Document nameless = response_body();  // case A12
  nameless.erase("model");
  const Reply reply = post_response(fixture, nameless);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "model_defaulted");
}

TEST_P(ResponsesRequest, list_of_outputs_becomes_one_result_p62) {
  (void)whole_response(fixture, json_of(R"({"input":[{"role":"user","content":"hi"},
      {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
      {"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"t"},
        {"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo="}]}]})"));
  const Document content = sent_body(fixture)["messages"][2]["content"][0]["content"];
  EXPECT_EQ(content[0], json_of(R"({"type":"text","text":"t"})"));
  EXPECT_EQ(content[1]["source"]["media_type"], "image/png");
}

TEST_P(ResponsesRequest, calls_of_one_response_are_one_turn_p63) {
  fixture.set_reply(json_of(R"({"blocks":[{"tool_use":{"id":"a","name":"f","input":{}}},
                                   {"tool_use":{"id":"b","name":"f","input":{}}}]})"));
  const Document tools = json_of(R"({"store":false,"tools":[{"type":"function","name":"f"}]})");
  const Document output = whole_response(fixture, tools)["output"];
  const Document other = whole_response(fixture, tools)["output"];
  const auto turns = [&](const Document& first, const Document& second) {
    Document more = tools;
    more["input"] = {{{"role", "user"}, {"content", "hi"}},
                     first,
                     {{"type", "function_call_output"}, {"call_id", "a"}, {"output", "1"}},
                     second,
                     {{"type", "function_call_output"}, {"call_id", "b"}, {"output", "2"}}};
    (void)whole_response(fixture, more);
    return sent_body(fixture)["messages"];
  };
  const Document together = turns(output[0], output[1]);
  ASSERT_EQ(together.size(), 3U) << together;
  EXPECT_EQ(together[1]["content"].size(), 2U);
  EXPECT_EQ(together[2]["content"].size(), 2U);
  EXPECT_EQ(turns(output[0], other[1]).size(), 5U);
}

// Case A13: an id that the client lost, and fields of other APIs.
TEST_P(ResponsesRequest, accepts_lost_call_ids_and_unknown_fields_a13) {
  const Reply reply = post_response(
      fixture, response_body(json_of(R"({"stream_options":{"include_obfuscation":false},
      "prompt_cache_retention":"24h","safety_identifier":"s","x_unknown":1,
      "input":[{"role":"user","content":"hi"},
        {"type":"function_call_output","call_id":"lost","output":"r"}]})")));
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.field("x-ccproxy-ignored").find("safety"), std::string::npos);
  EXPECT_NE(reply.field("x-ccproxy-ignored").find("x_unknown"), std::string::npos);
  EXPECT_EQ(reply.field("x-ccproxy-warning"), "result_orphan");
  EXPECT_EQ(json_of(reply.body)["safety_identifier"], "s");
}

TEST_P(ResponsesRequest, accepts_every_kind_of_item_a16) {
  for (const char* type :
       {"file_search_call", "code_interpreter_call", "image_generation_call", "computer_call",
        "computer_call_output", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response",
        "mcp_call", "program", "program_output", "web_search_call", "brand_new_item"}) {
    SCOPED_TRACE(type);
    const Document more = {
        {"input",
         {{{"role", "user"}, {"content", "hi"}}, {{"type", type}, {"id", "x"}, {"name", "n"}}}}};
    const Reply reply = post_response(fixture, response_body(more));
    EXPECT_EQ(reply.status, 200) << reply.body;
    const std::string warning = reply.field("x-ccproxy-warning");
    EXPECT_TRUE(std::string(type) != "brand_new_item" || warning == "unknown_input_item");
    EXPECT_EQ(sent_body(fixture)["messages"].size(), 1U);
  }
  const Reply strict = post_response(
      fixture,
      response_body(json_of(R"({"input":[{"role":"user","content":"hi"},{"type":"new"}]})")),
      std::string(kOpenAiFields) + "x-ccproxy-strict: true\r\n");
  EXPECT_EQ(error_in(strict)["param"], "input[1].type");
  EXPECT_EQ(error_in(strict)["code"], "invalid_value");
}

// Rule A.11, case B17: Cursor posts such a body to the chat route and reads chunks.
TEST_P(ResponsesRequest, responses_body_on_the_chat_route_gets_a_chat_reply_b17) {
  fixture.set_reply(
      json_of(R"({"blocks":[{"text":"Hi"},{"tool_use":{"id":"t","name":"f","input":{}}}]})"));
  Document body = response_body(json_of(R"({"instructions":"I","max_output_tokens":99,
      "tools":[{"type":"function","name":"f","parameters":{"type":"object"}},
               {"name":"g","input_schema":{"type":"object"}}],
      "tool_choice":{"type":"function","name":"f"},
      "input":[{"role":"user","content":[{"type":"input_text","text":"U"}]}]})"));
  const Document whole = json_of(post_chat(fixture, body).body);
  EXPECT_EQ(whole.value("object", ""), "chat.completion") << whole;
  EXPECT_EQ(whole["choices"][0]["message"]["content"], "Hi");
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "tool_calls");
  const Document sent = sent_body(fixture);
  EXPECT_EQ(sent["system"][0]["text"], "I");
  EXPECT_EQ(sent["max_tokens"], 99);
  EXPECT_EQ(sent["tools"].size(), 2U);
  EXPECT_EQ(sent["messages"][0]["content"][0]["text"], "U");
  body["stream"] = true;
  const ChatStream read = read_chunks(post_chat(fixture, body).body);
  EXPECT_EQ(read.text(), "Hi");
  EXPECT_EQ(read.finish_reason(), "tool_calls");
  EXPECT_EQ(read.done, 1);
  EXPECT_EQ(read.unexpected_lines, "");
}

TEST_P(ResponsesRequest, refuses_invalid_requests_and_names_the_place_d03) {
  struct Row {
    const char *more, *param, *code;
  };
  for (const Row& row :
       {Row{R"({"input":null})", "input", "missing_required_parameter"},
        Row{R"({"input":7})", "input", "invalid_type"},
        Row{R"({"temperature":"x"})", "temperature", "invalid_type"},
        Row{R"({"stream":"yes"})", "stream", "invalid_type"},
        Row{R"({"top_logprobs":3})", "top_logprobs", "unsupported_parameter"},
        Row{R"({"prompt":{"id":"p"}})", "prompt", "unsupported_parameter"},
        Row{R"({"metadata":{"a":1}})", "metadata", "invalid_value"},
        Row{R"({"previous_response_id":"resp_x","conversation":"c"})", "previous_response_id",
            "mutually_exclusive_parameters"},
        Row{R"({"previous_response_id":"resp_x"})", "previous_response_id",
            "previous_response_not_found"},
        Row{R"({"background":true,"store":false})", "background", "unsupported_parameter"},
        Row{R"({"input":[{"role":"user","content":[{"type":"input_image"}]}]})",
            "input[0].content[0].image_url", "missing_required_parameter"},
        Row{R"({"input":[{"type":"compaction","encrypted_content":"x"}]})",
            "input[0].encrypted_content", "invalid_encrypted_content"}}) {
    SCOPED_TRACE(row.more);
    for (const bool streams : {false, true}) {
      Document body = response_body(json_of(row.more));
      if (!body.contains("stream")) body["stream"] = streams;
      const Document error = error_in(post_response(fixture, body));
      EXPECT_EQ(error["status"], 400);
      EXPECT_EQ(error["type"], "invalid_request_error");
      EXPECT_EQ(error["param"], row.param) << error;
      EXPECT_EQ(error["code"], row.code) << error;
    }
  }
  EXPECT_EQ(error_in(send_request(fixture.port(), "POST", kResponses,
                                  "{\"input\":", kOpenAiFields))["status"],
            400);
  EXPECT_EQ(sent_body(fixture), Document()) << "nothing of these went upstream";
}

TEST_P(ResponsesRequest, maps_upstream_errors_d01) {
  struct Row {
    const char* reply;
    int status;
    const char* code;
  };
  for (const Row& row :
       {Row{R"({"status":529,"error":"overloaded_error"})", 503, "overloaded"},
        Row{R"({"status":429,"error":"rate_limit_error"})", 429, "rate_limit_exceeded"},
        Row{R"({"status":401,"error":"authentication_error"})", 401, "upstream_auth"},
        Row{R"({"status":400,"error":{"type":"invalid_request_error",
             "message":"prompt is too long: 9 tokens > 8 maximum"}})",
            400, "context_length_exceeded"},
        Row{R"({"status":404,"error":{"type":"not_found_error","message":"model: x"}})", 404,
            "model_not_found"}}) {
    SCOPED_TRACE(row.reply);
    fixture.set_reply(json_of(row.reply));
    const Reply reply = post_response(fixture, response_body({{"stream", true}}));
    const Document error = error_in(reply);
    EXPECT_EQ(error["status"], row.status) << error;
    EXPECT_EQ(error["code"], row.code) << error;
    EXPECT_FALSE(reply.field("x-request-id").empty());
    if (error["code"] == "context_length_exceeded") {
      EXPECT_EQ(error["param"], "input");
    }
  }
}

}  // namespace
}  // namespace ccproxy::test
