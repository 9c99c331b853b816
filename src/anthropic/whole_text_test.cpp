#include "anthropic/whole_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::anthropic {
namespace {

// What is told, in short: each delta as its kind and text, all else as a dot.
std::string told(const std::vector<std::string>& events) {
  EventReader reader;
  WholeText whole;
  std::string out;
  for (const std::string& data : events) {
    const auto event = read_event(reader, "", data);
    EXPECT_TRUE(event) << data;
    whole.pass(*event, [&out](const MessageEvent& one) {
      if (const auto* text = std::get_if<TextDelta>(&one))
        out.append("[").append(text->text.escaped).append("]");
      else if (const auto* thought = std::get_if<ThinkingDelta>(&one))
        out.append("(").append(thought->text.escaped).append(")");
      else if (const auto* input = std::get_if<InputJsonDelta>(&one))
        out.append("{").append(input->partial.escaped).append("}");
      else
        out += '.';
    });
  }
  return out;
}

std::string delta(const std::string& type, const std::string& member, const std::string& text) {
  return R"({"type":"content_block_delta","index":0,"delta":{"type":")" + type + R"(",")" + member +
         R"(":")" + text + R"("}})";
}
std::string text(const char* escaped) { return delta("text_delta", "text", escaped); }
std::string thought(const char* escaped) { return delta("thinking_delta", "thinking", escaped); }
std::string input(const char* escaped) {
  return delta("input_json_delta", "partial_json", escaped);
}
const std::string kStop = R"({"type":"content_block_stop","index":0})";
const std::string kPing = R"({"type":"ping"})";

struct Row {
  const char* says;
  std::vector<std::string> events;
  const char* told;
};

const Row kRows[] = {
    {"text without a half passes as it is",
     {text("a"), text(R"(\u00e9)"), kStop},
     R"([a][\u00e9].)"},
    {"a pair in one delta", {text(R"(\ud83d\ude00)")}, R"([\ud83d\ude00])"},
    {"a pair in two", {text(R"(a\ud83d)"), text(R"(\ude00b)")}, R"([a][\ud83d\ude00b])"},
    {"a half alone in its delta", {text(R"(\uD83D)"), text(R"(\uDE00)")}, R"([\uD83D\uDE00])"},
    {"a ping does not part them",
     {text(R"(\ud83d)"), kPing, text(R"(\ude00)")},
     R"(.[\ud83d\ude00])"},
    {"an empty delta does not either",
     {text(R"(\ud83d)"), text(""), text(R"(\ude00)")},
     R"([\ud83d\ude00])"},
    {"the end of the block does", {text(R"(a\ud83d)"), kStop}, R"([a][\ufffd].)"},
    {"another kind does", {text(R"(\ud83d)"), thought(R"(\ude00)")}, R"([\ufffd](\ufffd))"},
    {"a half in the middle", {text(R"(a\ud83db)"), text(R"(\ude00)")}, R"([a\ufffdb][\ufffd])"},
    {"a half that is followed by another",
     {text(R"(\ud83d)"), text(R"(\ud83d)"), text(R"(\ude00)")},
     R"([\ufffd][\ud83d\ude00])"},
    {"a backslash before words is no half", {text(R"(a\\ud83d)"), text("b")}, R"([a\\ud83d][b])"},
    {"a backslash and a half", {text(R"(a\\\ud83d)"), text(R"(\ude00)")}, R"([a\\][\ud83d\ude00])"},
    {"thinking", {thought(R"(a\ud83d)"), thought(R"(\ude00)")}, R"((a)(\ud83d\ude00))"},
    {"the JSON of a call",
     {input(R"({\"a\":\"\ud83d)"), input(R"(\ude00\"})")},
     R"({{\"a\":\"}{\ud83d\ude00\"}})"},
    {"escapes inside of that JSON are not ours",
     {input(R"(\"\\ud83d)"), input(R"(\\ude00\")")},
     R"({\"\\ud83d}{\\ude00\"})"},
};

TEST(WholeText, has_no_half_of_a_pair) {
  for (const Row& row : kRows) EXPECT_EQ(told(row.events), row.told) << row.says;
}

TEST(WholeText, is_told_of_all_that_an_event_says) {
  EventReader reader;
  WholeText whole;
  const auto pass = [&](const char* data, auto look) {
    const auto event = read_event(reader, "", data);
    ASSERT_TRUE(event) << data;
    whole.pass(*event, look);
  };
  pass(R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use",
           "id":"\ud83d1","name":"f\ude00","input":{"k\ud83d":"v"}}})",
       [](const MessageEvent& event) {
         const auto& start = std::get<BlockStart>(event);
         EXPECT_EQ(start.id.escaped, R"(\ufffd1)");
         EXPECT_EQ(start.name.escaped, R"(f\ufffd)");
         EXPECT_EQ(start.input, R"({"k\ufffd":"v"})");
         EXPECT_EQ(start.raw.find(R"(\ud83d)"), std::string_view::npos);
       });
  pass(R"({"type":"content_block_delta","index":0,"delta":{"type":"citations_delta",
           "citation":{"type":"t","url":"u\ud83d","title":null}}})",
       [](const MessageEvent& event) {
         const auto& citation = std::get<CitationDelta>(event);
         EXPECT_EQ(citation.type.escaped, "t");
         EXPECT_EQ(citation.url.escaped, R"(u\ufffd)");
         EXPECT_TRUE(citation.title.empty());
       });
  pass(R"({"type":"message_delta","delta":{"stop_reason":"refusal",
           "stop_details":{"category":"c","explanation":"e\ud83d"}}})",
       [](const MessageEvent& event) {
         EXPECT_EQ(std::get<MessageDelta>(event).stop_reason.escaped, "refusal");
         EXPECT_EQ(std::get<MessageDelta>(event).explanation.escaped, R"(e\ufffd)");
       });
  pass(R"({"type":"error","error":{"type":"api_error","message":"m\ud83d"}})",
       [](const MessageEvent& event) {
         EXPECT_EQ(std::get<Failure>(event).message.escaped, R"(m\ufffd)");
       });
}

}  // namespace
}  // namespace ccproxy::anthropic
