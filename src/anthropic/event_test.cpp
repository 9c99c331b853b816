#include "anthropic/event.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ccproxy::anthropic {
namespace {

// An event as a line of text, so that a row shows all that was read.
struct Describe {
  static std::string count(const std::optional<std::int64_t>& value) {
    return value ? std::to_string(*value) : "-";
  }
  static std::string counts(const TokenCounts& tokens) {
    return count(tokens.input) + " " + count(tokens.output) + " " + count(tokens.cache_read) + " " +
           count(tokens.cache_write) + " " + count(tokens.thinking);
  }
  static std::string text(JsonText text) { return std::string(text.escaped); }

  std::string operator()(const MessageStart& start) const {
    return "start " + counts(start.tokens) + " " + text(start.service_tier) +
           (start.fast ? " fast" : "");
  }
  std::string operator()(const BlockStart& start) const {
    return "block " + std::to_string(start.index) + " " +
           std::to_string(static_cast<int>(start.kind)) + " " + text(start.id) + " " +
           text(start.name) + " " + text(start.text) + " " + std::string(start.input) +
           (start.signature.empty() ? "" : " signed " + text(start.signature));
  }
  std::string operator()(const TextDelta& delta) const { return "text " + text(delta.text); }
  std::string operator()(const ThinkingDelta& delta) const { return "think " + text(delta.text); }
  std::string operator()(const SignatureDelta& delta) const {
    return "sign " + text(delta.signature);
  }
  std::string operator()(const InputJsonDelta& delta) const {
    return "input " + text(delta.partial);
  }
  std::string operator()(const CitationDelta& delta) const {
    return "cite " + text(delta.type) + " " + text(delta.url) + " " + text(delta.title) + " " +
           std::string(delta.raw);
  }
  std::string operator()(const OtherDelta& delta) const {
    return "other " + std::string(delta.raw);
  }
  std::string operator()(const BlockStop& stop) const {
    return "end " + std::to_string(stop.index);
  }
  std::string operator()(const MessageDelta& delta) const {
    return "delta " + text(delta.stop_reason) + "," + text(delta.stop_sequence) + "," +
           text(delta.category) + "," + text(delta.explanation) + " " + counts(delta.tokens);
  }
  std::string operator()(const MessageStop&) const { return "stop"; }
  std::string operator()(const Ping&) const { return "ping"; }
  std::string operator()(const Failure& failure) const {
    return "failure " + text(failure.type) + " " + text(failure.message);
  }
  std::string operator()(const Unknown&) const { return "unknown"; }
};

struct Case {
  const char* name;
  const char* data;
  const char* expected;
};

const Case kCases[] = {
    {"message_start",
     R"({"type":"message_start","message":{"id":"m","usage":{"input_tokens":9,"output_tokens":1,)"
     R"("cache_read_input_tokens":null,"cache_creation_input_tokens":3,"service_tier":"batch",)"
     R"("speed":"fast"}}})",
     "start 9 1 - 3 - batch fast"},
    {"message_start", R"({"type":"message_start"})", "start - - - - - "},
    {"content_block_start",
     R"({"index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{"q":1}}})",
     R"(block 2 3 toolu_1 f  {"q":1})"},
    {"content_block_start", R"({"index":0,"content_block":{"type":"text","text":"a"}})",
     "block 0 0   a "},
    {"content_block_start",
     R"({"index":0,"content_block":{"type":"thinking","thinking":"t","signature":"S"}})",
     "block 0 1   t  signed S"},
    {"content_block_start", R"({"index":0,"content_block":{"type":"new"}})", "block 0 6    "},
    {"content_block_delta", R"({"delta":{"type":"text_delta","text":"a\n\u00e9"}})",
     R"(text a\n\u00e9)"},
    {"content_block_delta", R"({"delta":{"type":"thinking_delta","thinking":"t"}})", "think t"},
    {"content_block_delta", R"({"delta":{"type":"signature_delta","signature":"S"}})", "sign S"},
    {"content_block_delta", R"({"delta":{"type":"input_json_delta","partial_json":"{\""}})",
     R"(input {\")"},
    {"content_block_delta",
     R"({"delta":{"type":"citations_delta","citation":{"type":"c","url":"u","title":null}}})",
     R"(cite c u  {"type":"c","url":"u","title":null})"},
    {"content_block_delta", R"({"delta":{"type":"new_delta","new":1}})",
     R"(other {"type":"new_delta","new":1})"},
    {"content_block_delta", R"({"delta":{"type":"text_delta","text":5}})", "text "},
    {"content_block_stop", R"({"index":3})", "end 3"},
    {"message_delta",
     R"({"delta":{"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal",)"
     R"("category":"cyber","explanation":"E"}},"usage":{"output_tokens":5,)"
     R"("output_tokens_details":{"thinking_tokens":2}}})",
     "delta refusal,,cyber,E - 5 - - 2"},
    {"message_delta", R"({"delta":{"stop_reason":null,"stop_details":null}})",
     "delta ,,, - - - - -"},
    {"message_delta",
     R"({"delta":{},"usage":{"input_tokens":1,"output_tokens":1,"iterations":[)"
     R"({"type":"compaction","input_tokens":10,"output_tokens":20},)"
     R"({"type":"message","input_tokens":1,"output_tokens":1,"cache_read_input_tokens":4},)"
     R"({"type":"advisor_message","input_tokens":900}]}})",
     "delta ,,, 11 21 4 - -"},
    {"message_stop", R"({"type":"message_stop"})", "stop"},
    {"ping", R"({"type":"ping"})", "ping"},
    {"error", R"({"type":"error","error":{"type":"overloaded_error","message":"O"}})",
     "failure overloaded_error O"},
    {"brand_new", R"({"type":"brand_new"})", "unknown"},
    {"", R"({"type":"ping"})", "ping"},
    {"", R"({"no":"type"})", "unknown"},
};

TEST(MessageEvent, is_read_from_its_json) {
  EventReader reader;
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.data);
    const auto event = read_event(reader, row.name, row.data);
    ASSERT_TRUE(event);
    EXPECT_EQ(std::visit(Describe(), *event), row.expected);
  }
}

TEST(MessageEvent, that_is_not_json_is_an_error_of_the_upstream) {
  EventReader reader;
  for (const char* data : {"", "[]", "{", "hello", R"({"type":"ping")"}) {
    const auto event = read_event(reader, "ping", data);
    ASSERT_FALSE(event) << data;
    EXPECT_EQ(event.error().kind, ErrorKind::kUpstreamBroke);
  }
}

}  // namespace
}  // namespace ccproxy::anthropic
