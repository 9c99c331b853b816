// Rules of single fields of a chat request (rules A.1 to A.7) that no recorded request of
// tests/golden shows: a row each, which checks single places of the request that goes upstream.
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "dialect/testing/chat_members.hpp"

namespace ccproxy::dialect {
namespace {

using json::Document;
using test::decoded_with;

struct Row {
  const char* name;
  const char* members;   // of the request
  const char* expected;  // values by their JSON pointers in the upstream request; null: absent
  std::vector<std::string> ignored{}, warnings{};
};

const Row kParameters[] = {
    {"scale is served as standard, and reported",
     R"({"service_tier":"scale"})",
     R"({"/service_tier":"standard_only"})",
     {"service_tier"}},
    {"default is standard_only", R"({"service_tier":"default"})",
     R"({"/service_tier":"standard_only"})"},
    {"auto sends nothing", R"({"service_tier":"auto"})", R"({"/service_tier":null})"},
    {"fast without the fast mode sends nothing", R"({"service_tier":"fast"})",
     R"({"/service_tier":null,"/speed":null})"},
    {"moderation that does not block is left out",
     R"({"moderation":{"model":"m"}})",
     R"({"/moderation":null})",
     {"moderation"}},
    {"the user is taken where there is no safety identifier", R"({"user":"u-1"})",
     R"({"/metadata/user_id":"a24a7f55f278dd49fb1f99c5507800cb198a5bfe10fe2126cd0b25672152b0da"})"},
    {"verbosity is medium by itself", R"({"verbosity":"medium"})", R"({"/verbosity":null})"},
    {"a voice is not needed for text", R"({"audio":{"voice":"v"},"modalities":["text"]})",
     R"({"/audio":null})"},
    {"top_k goes up where the model takes it", R"({"top_k":5})", R"({"/top_k":5})"},
    {"top_k is left out where it does not",
     R"({"model":"claude-opus-5","top_k":5})",
     R"({"/top_k":null})",
     {"top_k"}},
    {"top_k is left out while it thinks",
     R"({"top_k":5,"reasoning_effort":"low"})",
     R"({"/top_k":null,"/thinking/type":"enabled"})",
     {"top_k"}},
};

const Row kThinking[] = {
    {"reasoning_effort wins over reasoning.effort",
     R"({"model":"claude-opus-5","reasoning_effort":"low","reasoning":{"effort":"high"}})",
     R"({"/output_config/effort":"low"})"},
    {"reasoning.enabled switches it on",
     R"({"model":"claude-opus-4-8","reasoning":{"enabled":true}})",
     R"({"/thinking/type":"adaptive","/output_config/effort":"medium"})"},
    {"reasoning.enabled switches it off",
     R"({"model":"claude-opus-5","reasoning":{"enabled":false}})",
     R"({"/thinking/type":"disabled","/output_config":null})"},
    {"enable_thinking switches it off", R"({"model":"claude-opus-5","enable_thinking":false})",
     R"({"/thinking/type":"disabled"})"},
    {"an effort in the model's name yields to the request's fields",
     R"({"model":"claude-opus-5:high","thinking":{"type":"disabled"}})",
     R"({"/thinking":{"type":"disabled"},"/output_config":null})"},
    {"thinking that cannot be switched off gets the lowest effort",
     R"({"model":"claude-opus-5-5","thinking":{"type":"disabled"}})",
     R"({"/thinking":null,"/output_config/effort":"low"})",
     {},
     {"effort_forced_low"}},
    {"thinking is reported where the model has none",
     R"({"model":"claude-3-haiku-20240307","thinking":{"type":"adaptive"}})",
     R"({"/thinking":null})",
     {"thinking"}},
    {"an empty object requests nothing",
     R"({"model":"claude-opus-4-8","thinking":{},"reasoning":{}})",
     R"({"/thinking":null,"/output_config":null})"},
    {"a budget is a level where thinking has no other form",
     R"({"model":"claude-opus-5","thinking":{"type":"enabled","budget_tokens":20000}})",
     R"({"/thinking":{"type":"adaptive","display":"summarized"},"/output_config/effort":"high"})"},
    {"between_tools is off where the model does not know it",
     R"({"model":"claude-opus-5","thinking":{"type":"between_tools"}})",
     R"({"/thinking":{"type":"disabled"},"/output_config":null})"},
    {"adaptive thinking is a budget where the model has no other",
     R"({"thinking":{"type":"adaptive"}})",
     R"({"/thinking":{"type":"enabled","budget_tokens":8192}})"},
};

const Row kContent[] = {
    {"image/jpg is image/jpeg",
     R"({"messages":[{"role":"user","content":[
         {"type":"image_url","image_url":{"url":"data:image/jpg;base64,AAAA"}}]}]})",
     R"({"/messages/0/content/0/source/media_type":"image/jpeg"})"},
    {"a file of an unknown type is what its bytes show",
     R"({"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.md",
         "file_data":"data:application/octet-stream;base64,IyBI"}}]}]})",
     R"({"/messages/0/content/0/source/data":"# H"})"},
    {"a file without a name is what its bytes show",
     R"({"messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"JVBERi0xLjQK"}}]}]})",
     R"({"/messages/0/content/0/source/media_type":"application/pdf"})"},
    {"a file may be a URL",
     R"({"messages":[{"role":"user","content":[{"type":"file","file":{"file_url":"https://x/a.pdf"}}]}]})",
     R"({"/messages/0/content/0":{"type":"document","source":{"type":"url","url":"https://x/a.pdf"}}})"},
    {"a file of the provider's may be an image",
     R"({"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.png","file_id":"file_1"}}]}]})",
     R"({"/messages/0/content/0":{"type":"image","source":{"type":"file","file_id":"file_1"}}})"},
    {"thinking_blocks win over reasoning_details",
     R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a",
         "thinking_blocks":[{"type":"thinking","thinking":"t","signature":"S"}],
         "reasoning_details":[{"type":"reasoning.encrypted","data":"D"}]},
         {"role":"user","content":"r"}]})",
     R"({"/messages/1/content/0/signature":"S","/messages/1/content/1/text":"a"})"},
    {"a refusal counts only in a message without text",
     R"({"messages":[{"role":"user","content":"q"},
         {"role":"assistant","content":"a","refusal":"no"},{"role":"user","content":"r"}]})",
     R"({"/messages/1/content/0/text":"a","/messages/1/content/1":null})"},
    {"Anthropic's blocks keep their breakpoints, and errors are errors",
     R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[
         {"type":"tool_use","id":"t","name":"f","input":{},"cache_control":{"type":"ephemeral"}}]},
         {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r",
         "is_error":true,"cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"a"}]}]})",
     R"({"/messages/1/content/0/cache_control":{"type":"ephemeral"},
         "/messages/2/content/0/is_error":true,
         "/messages/2/content/0/cache_control":{"type":"ephemeral"}})"},
    {"the caller of a tool goes upstream with the call",
     R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[
         {"type":"tool_use","id":"t","name":"f","input":{},"caller":{"type":"direct"}}]},
         {"role":"tool","tool_call_id":"t","content":"r"}]})",
     R"({"/messages/1/content/0/caller":{"type":"direct"}})"},
    {"a part without a type is text", R"({"messages":[{"role":"user","content":[{"text":"t"}]}]})",
     R"({"/messages/0/content/0":{"type":"text","text":"t"}})"},
};

const char* const kCalled =
    R"({"role":"user","content":"q"},{"role":"assistant","tool_calls":[
        {"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}]},)";

// A request with `kCalled` and these messages.
std::string after_a_call(const char* messages) {
  return std::string(R"({"messages":[)") + kCalled + messages + "]}";
}

void expect_sent(const Row& row, const char* members) {
  SCOPED_TRACE(row.name);
  const auto request = decoded_with(members);
  ASSERT_TRUE(request) << request.error().param << ": " << request.error().message;
  const Document body = Document::parse(request->body);
  const Document expected = Document::parse(row.expected);
  for (const auto& [at, value] : expected.items()) {
    const Document::json_pointer pointer(at);
    EXPECT_EQ(body.contains(pointer) ? body.at(pointer) : Document(), value) << at << '\n' << body;
  }
  EXPECT_EQ(request->plan.ignored, row.ignored);
  EXPECT_EQ(request->plan.warnings, row.warnings);
}

TEST(ChatRules, translate_parameters) {
  for (const Row& row : kParameters) expect_sent(row, row.members);
}

TEST(ChatRules, translate_thinking) {
  for (const Row& row : kThinking) expect_sent(row, row.members);
}

TEST(ChatRules, translate_content) {
  for (const Row& row : kContent) expect_sent(row, row.members);
}

TEST(ChatRules, translate_results) {
  const Row rows[] = {
      {"an error stays an error",
       R"({"role":"tool","tool_call_id":"t1","content":"r","is_error":true})",
       R"({"/messages/2/content/0/is_error":true})"},
      {"two results are an error when one of them is",
       R"({"role":"tool","tool_call_id":"t1","content":"a"},
          {"role":"tool","tool_call_id":"t1","content":"b","is_error":true})",
       R"({"/messages/2/content/0/is_error":true,"/messages/2/content/0/content/1/text":"b"})"},
      {"a breakpoint inside a result counts",
       R"({"role":"tool","tool_call_id":"t1","content":[
           {"type":"text","text":"r","cache_control":{"type":"ephemeral","ttl":"1h"}}]})",
       R"({"/messages/2/content/0/content/0/cache_control/ttl":"1h"})"},
      {"a breakpoint stays where a result became text",
       R"({"role":"tool","tool_call_id":"t1","content":"r"},
          {"role":"tool","tool_call_id":"t9","content":"o","cache_control":{"type":"ephemeral"}})",
       R"({"/messages/2/content/1/cache_control":{"type":"ephemeral"}})",
       {},
       {"result_orphan"}},
  };
  for (const Row& row : rows) expect_sent(row, after_a_call(row.members).c_str());
}

TEST(ChatRules, translate_calls) {
  const Row rows[] = {
      {"results find calls whose ids were changed, in two messages of one turn",
       R"({"messages":[{"role":"user","content":"q"},
           {"role":"assistant","tool_calls":[{"id":"a.1","function":{"name":"f"}}]},
           {"role":"assistant","tool_calls":[{"id":"b.1","function":{"name":"f"}}]},
           {"role":"tool","tool_call_id":"a.1","content":"A"},
           {"role":"tool","tool_call_id":"b.1","content":"B"}]})",
       R"({"/messages/2/content/0/tool_use_id":"a_1","/messages/2/content/0/content":"A",
           "/messages/2/content/1/tool_use_id":"b_1","/messages/2/content/1/content":"B"})"},
      {"arguments that are JSON but no string are sent",
       R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[
           {"id":"a","function":{"name":"f","arguments":[1,2.0]}},
           {"id":"b","function":{"name":"f","arguments":null}},
           {"id":"c","type":"custom","custom":{"name":"p","input":{"x":1}}}]},
           {"role":"tool","tool_call_id":"a","content":"r"},
           {"role":"tool","tool_call_id":"b","content":"r"},
           {"role":"tool","tool_call_id":"c","content":"r"}]})",
       R"({"/messages/1/content/0/input":{"value":[1,2.0]},"/messages/1/content/1/input":{},
           "/messages/1/content/2/input":{"input":"{\"x\":1}"}})"},
      {"of two calls with one id the last gets the results that are left",
       R"({"messages":[{"role":"user","content":"q"},
           {"role":"assistant","tool_calls":[{"id":"x","function":{"name":"f"}},
                                             {"id":"x","function":{"name":"g"}}]},
           {"role":"tool","tool_call_id":"x","content":"a"},
           {"role":"tool","tool_call_id":"x","content":"b"},
           {"role":"tool","tool_call_id":"x","content":"c"}]})",
       R"({"/messages/2/content/0/content":"a","/messages/2/content/1/tool_use_id":"x_2",
           "/messages/2/content/1/content/1/text":"c"})"},
      {"a legacy result belongs to the last call of its function",
       R"({"messages":[{"role":"user","content":"q"},
           {"role":"assistant","function_call":{"name":"f","arguments":"{}"}},
           {"role":"user","content":"and?"},
           {"role":"assistant","function_call":{"name":"f","arguments":"{}"}},
           {"role":"function","name":"f","content":"r"}]})",
       R"({"/messages/4/content/0/tool_use_id":"call_fn_1","/messages/4/content/0/content":"r"})",
       {},
       {"result_missing"}},
  };
  for (const Row& row : rows) expect_sent(row, row.members);
}

TEST(ChatRules, translate_tools) {
  const Row rows[] = {
      {"a tool in Anthropic's shape may have its type",
       R"({"tools":[{"type":"custom","name":"f","input_schema":{"type":"object"}}]})",
       R"({"/tools/0":{"name":"f","input_schema":{"type":"object"}}})"},
      {"input_schema may stand inside the wrapper, too",
       R"({"tools":[{"type":"function","function":{"name":"f","input_schema":{"type":"object","x":1}}}]})",
       R"({"/tools/0/input_schema/x":1})"},
      {"a description of white space is none",
       R"({"tools":[{"type":"function","function":{"name":"f","description":" "}}]})",
       R"({"/tools/0/description":null})"},
      {"a breakpoint may stand inside the wrapper",
       R"({"tools":[{"type":"function","function":{"name":"f","cache_control":{"type":"ephemeral"}}}]})",
       R"({"/tools/0/cache_control":{"type":"ephemeral"}})"},
      {"a large search has ten uses", R"({"web_search_options":{"search_context_size":"high"}})",
       R"({"/tools/0/max_uses":10})"},
      {"a search without a size has five uses", R"({"web_search_options":{}})",
       R"({"/tools/0/max_uses":5})"},
      {"all known members of a location go up",
       R"({"web_search_options":{"user_location":{"type":"approximate","approximate":
           {"city":null,"region":"R","country":"NO","timezone":"T"}}}})",
       R"({"/tools/0/user_location":
           {"type":"approximate","region":"R","country":"NO","timezone":"T"}})"},
      {"a tool is not strict where the model enforces no schema",
       R"({"model":"claude-sonnet-4-20250514","tools":[{"name":"f","strict":true,"input_schema":
           {"type":"object","properties":{},"additionalProperties":false}}]})",
       R"({"/tools/0/strict":null})"},
      {"any is Anthropic's spelling of required",
       R"({"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"any"}})",
       R"({"/tool_choice":{"type":"any"}})"},
      {"a tool may be named in Anthropic's spelling",
       R"({"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"tool","name":"f"}})",
       R"({"/tool_choice":{"type":"tool","name":"f"}})"},
      {"several allowed tools cannot be forced everywhere",
       R"({"model":"claude-opus-5-5","tools":[{"name":"a"},{"name":"b"},{"name":"c"}],
           "tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required",
               "tools":[{"type":"function","name":"a"},{"type":"function","name":"c"}]}}})",
       R"({"/tool_choice":{"type":"auto"},"/tools/1/name":"c","/tools/2":null,
           "/system/0/text":"You must call one of the provided tools."})",
       {},
       {"tool_choice_downgraded"}},
      {"functions beside tools are tools",
       R"({"tools":[{"name":"f","input_schema":{}}],"functions":[{"name":"g"}]})",
       R"({"/tools/1/name":"g","/tool_choice":null})"},
  };
  for (const Row& row : rows) expect_sent(row, row.members);
}

TEST(ChatRules, translate_cache_breakpoints) {
  const Row rows[] = {
      {"a longer one becomes short behind a short one",
       R"({"messages":[
           {"role":"user","content":"a","cache_control":{"type":"ephemeral"}},
           {"role":"assistant","content":"b","cache_control":{"type":"ephemeral","ttl":"1h"}},
           {"role":"user","content":"c"}]})",
       R"({"/messages/1/content/0/cache_control":{"type":"ephemeral"}})"},
      {"the automatic one becomes short behind a short one",
       R"({"prompt_cache_retention":"24h","messages":[
           {"role":"user","content":"a","cache_control":{"type":"ephemeral"}},
           {"role":"user","content":"b"}]})",
       R"({"/cache_control":{"type":"ephemeral"}})"},
      {"twelve hours become one", R"({"prompt_cache_options":{"ttl":"12h"}})",
       R"({"/cache_control/ttl":"1h"})"},
      {"half an hour becomes five minutes", R"({"prompt_cache_options":{"ttl":"30m"}})",
       R"({"/cache_control":{"type":"ephemeral"}})"},
  };
  for (const Row& row : rows) expect_sent(row, row.members);
}

TEST(ChatRules, do_not_prefill_beside_a_schema) {
  const Row row{"a schema and a prefilled reply exclude each other",
                R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"{"}],
                    "response_format":{"type":"json_schema","json_schema":{"schema":
                        {"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}})",
                R"({"/messages/2/content/0/text":"Continue."})"};
  expect_sent(row, row.members);
}

// Such a name may stand in defaultModel, and in the path that Azure's clients request.
TEST(ChatRules, read_the_effort_behind_the_default_model) {
  json::Outline outline;
  ASSERT_TRUE(outline.read("{}"));
  const auto requested = requested_model(outline, "sonnet:high");
  ASSERT_TRUE(requested);
  EXPECT_EQ(requested->name, "sonnet");
  EXPECT_EQ(requested->effort, "high");
  EXPECT_TRUE(requested->defaulted);
}

TEST(ChatRules, include_usage_in_a_stream_alone) {
  EXPECT_FALSE(decoded_with(R"({"stream_options":{"include_usage":true}})")->plan.include_usage);
  EXPECT_TRUE(decoded_with(R"({"stream":true,"stream_options":{"include_usage":true}})")
                  ->plan.include_usage);
}

TEST(ChatRules, refuse_invalid_fields_by_name) {
  const struct {
    const char *members, *param, *code;
  } rows[] = {
      {R"({"top_p":1.5})", "top_p", "invalid_value"},
      {R"({"n":0})", "n", "unsupported_value"},
      {R"({"top_logprobs":2})", "top_logprobs", "unsupported_parameter"},
      {R"({"stop":["a",1]})", "stop", "invalid_type"},
      {R"({"max_tokens":1.5})", "max_tokens", "invalid_type"},
      {R"({"stream_options":{"include_usage":1}})", "stream_options.include_usage", "invalid_type"},
      {R"({"reasoning":{"enabled":1}})", "reasoning.enabled", "invalid_type"},
      {R"({"reasoning":"high"})", "reasoning", "invalid_type"},
      {R"({"thinking":true})", "thinking", "invalid_type"},
      {R"({"tools":[{"name":"f"}],"parallel_tool_calls":1})", "parallel_tool_calls",
       "invalid_type"},
      {R"({"tools":[{"name":"f"}],"tool_choice":{"type":"allowed_tools","allowed_tools":
          {"mode":"auto","tools":[{"type":"function","name":"g"}]}}})",
       "tool_choice", "invalid_value"},
      {R"({"response_format":{"type":"json_schema","json_schema":{"schema":[]}}})",
       "response_format.json_schema.schema", "invalid_type"},
      {R"({"messages":[{"role":"user","content":[
          {"type":"image_url","image_url":{"url":"data:image/png,AAAA"}}]}]})",
       "messages[0].content[0].image_url.url", "invalid_base64_image"},
      {R"({"messages":[{"role":"assistant","content":[
          {"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}]})",
       "messages[0].content[0]", "unsupported_content"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.members);
    const auto request = decoded_with(row.members);
    ASSERT_FALSE(request) << request->body;
    EXPECT_EQ(request.error().param, row.param);
    EXPECT_EQ(request.error().code, row.code);
  }
}

}  // namespace
}  // namespace ccproxy::dialect
