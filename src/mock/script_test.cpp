#include "mock/script.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace ccproxy::mock {
namespace {

struct Case {
  const char* name;
  const char* script;
  const char* error;  // a part of the message; "" when the script is valid
};

const Case kCases[] = {
    {"an empty list is a script", R"({"replies":[]})", ""},
    {"a text is enough", R"({"replies":[{"text":"Hello"}]})", ""},
    {"every key has its place",
     R"({"replies":[{"match":{"method":"POST","path":"/v1/messages","model":"claude-*",
         "header":{"x-app":"c*"},"body_contains":"x","stream":true},
         "times":2,"blocks":[{"text":"a b"},{"deltas":["a","b"],"repeat":3},
         {"thinking":"hm","signature":"s"},{"redacted_thinking":"d"},
         {"tool_use":{"id":"t","name":"n","input":{"a":1}}},
         {"server_tool_use":{"name":"n","fragments":["{","}"]}},
         {"web_search":{"query":"q","results":[{"url":"u","title":"t"}]}},
         {"block":{"type":"new"}}],
         "stop_reason":"pause_turn","stop_sequence":"x","stop_details":{},"container":{},
         "usage":{"input_tokens":1},"status":200,"headers":[["a","b"],["a","c"]],
         "fault":"drip=1","pace":"human","delay_ms":5}]})",
     ""},
    {"events may be data, comments, raw bytes and pauses",
     R"({"replies":[{"events":[{"event":"e","data":{}},{"data":"x"},{"comment":"c"},
         {"raw":"r"},{"wait_ms":5}]}]})",
     ""},
    {"broken JSON names line and column", "{\n  \"replies\": [,]}", "line 2, column 15"},
    {"a script without replies is none", "{}", "script needs replies"},
    {"a misspelt key is named with its place", R"({"replies":[{"text":"a"},{"txet":"b"}]})",
     "replies[1] has an unknown key \"txet\""},
    {"a misspelt key in match is too", R"({"replies":[{"match":{"modle":"b"}}]})",
     "replies[0].match has an unknown key \"modle\""},
    {"a wrong type names its place", R"({"replies":[{"text":"a","times":"2"}]})",
     "replies[0].times must be a whole number"},
    {"a negative count is refused", R"({"replies":[{"text":"a","delay_ms":-1}]})",
     "replies[0].delay_ms must be a whole number"},
    {"two answers contradict each other", R"({"replies":[{"text":"a","raw":"b"}]})",
     "more than one of text"},
    {"text and blocks contradict each other", R"({"replies":[{"text":"a","blocks":[]}]})",
     "more than one of text"},
    {"a stop reason needs a message", R"({"replies":[{"raw":"a","stop_reason":"end_turn"}]})",
     "has stop_reason without text or blocks"},
    {"a fault must exist", R"({"replies":[{"fault":"explode"}]})",
     "replies[0].fault \"explode\" is not a fault"},
    {"a fault's value must fit", R"({"replies":[{"fault":"drip=fast"}]})",
     "\"fast\" is not a valid value"},
    {"a status is in range", R"({"replies":[{"status":99}]})", "status outside 200 to 599"},
    {"a pace must exist", R"({"replies":[{"pace":"slow"}]})", "replies[0].pace must be"},
    {"a block must be of a kind", R"({"replies":[{"blocks":[{"txt":"a"}]}]})",
     "replies[0].blocks[0] needs text"},
    {"a tool needs its name", R"({"replies":[{"blocks":[{"tool_use":{"input":{}}}]}]})",
     "replies[0].blocks[0].tool_use needs a name"},
    {"an event must have something", R"({"replies":[{"events":[{"event":"x"}]}]})",
     "replies[0].events[0] needs data"},
    {"the first complaint is told", R"({"replies":[{"a":1},{"b":1}]})", "replies[0]"},
};

TEST(Script, names_what_is_wrong_and_where) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.name);
    const auto script = parse_script(row.script);
    if (*row.error == '\0') {
      EXPECT_TRUE(script) << (script ? "" : script.error().message);
    } else {
      ASSERT_FALSE(script);
      EXPECT_EQ(script.error().kind, ErrorKind::kConfiguration);
      EXPECT_NE(script.error().message.find(row.error), std::string::npos)
          << script.error().message;
    }
  }
}

TEST(Script, parses_replies) {
  const auto script = parse_script(
      R"({"replies":[{"match":{"path":"/v1/*"},"times":3,"status":529,"error":"overloaded_error",
          "headers":{"retry-after":"7"}},
          {"events":[{"data":{"type":"ping"}},{"event":"x","data":"not json"}]}]})");
  ASSERT_TRUE(script) << script.error().message;
  const ScriptedReply& first = script->replies[0];
  EXPECT_EQ(first.match.path, "/v1/*");
  EXPECT_EQ(first.times, 3);
  EXPECT_EQ(first.status, 529);
  EXPECT_EQ(first.headers[0].second, "7");
  EXPECT_EQ(std::get<ScriptedError>(first.content).message, "Overloaded");
  const auto& steps = std::get<ScriptedStream>(script->replies[1].content).steps;
  EXPECT_EQ(steps[0].bytes, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
  EXPECT_EQ(steps[1].bytes, "event: x\ndata: not json\n\n");
}

TEST(Script, status_alone_becomes_an_error_of_its_type) {
  const auto script = parse_script(R"({"replies":[{"status":429}]})");
  ASSERT_TRUE(script);
  EXPECT_EQ(std::get<ScriptedError>(script->replies[0].content).type, "rate_limit_error");
}

TEST(Pattern, star_matches_anything) {
  EXPECT_TRUE(is_like("claude-sonnet-5", "claude-*"));
  EXPECT_TRUE(is_like("claude-sonnet-5", "*sonnet*"));
  EXPECT_TRUE(is_like("", "*"));
  EXPECT_TRUE(is_like("abab", "*ab"));
  EXPECT_FALSE(is_like("claude-sonnet-5", "claude"));
  EXPECT_FALSE(is_like("x-claude", "claude*"));
  EXPECT_FALSE(is_like("claude-opus", "*sonnet*"));
}

TEST(Fault, parses_every_name_and_nothing_else) {
  for (const FaultName& known : kFaultNames) {
    const auto fault = parse_fault(known.name);
    ASSERT_TRUE(fault) << known.name;
    EXPECT_EQ(fault->kind, known.kind);
  }
  const auto status = parse_fault("status=429:7");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->value, 429);
  EXPECT_EQ(status->second, 7);
  EXPECT_EQ(parse_fault("bad-length=-5")->value, -5);
  EXPECT_EQ(parse_fault("two-lengths=te")->word, "te");
  for (const char* wrong : {"", "Reset", "reset-", "status=", "status=1000", "drip=-1", "drip=1x",
                            "status=429:", "dead-keepalive=soon"})
    EXPECT_FALSE(parse_fault(wrong)) << wrong;
}

}  // namespace
}  // namespace ccproxy::mock
