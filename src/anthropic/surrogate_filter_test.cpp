#include "anthropic/surrogate_filter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::anthropic {
namespace {

// The emitted events in short: each delta with its text in brackets for its kind, all others as a
// dot.
std::string emitted(const std::vector<std::string>& events) {
  EventReader reader;
  SurrogateFilter whole;
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
  const char* description;
  std::vector<std::string> events;
  const char* emitted;
};

const Row kRows[] = {
    {"text without surrogates passes unchanged",
     {text("a"), text(R"(\u00e9)"), kStop},
     R"([a][\u00e9].)"},
    {"a pair in one delta passes unchanged", {text(R"(\ud83d\ude00)")}, R"([\ud83d\ude00])"},
    {"a pair in two deltas is joined",
     {text(R"(a\ud83d)"), text(R"(\ude00b)")},
     R"([a][\ud83d\ude00b])"},
    {"a delta of a high surrogate alone is withheld",
     {text(R"(\uD83D)"), text(R"(\uDE00)")},
     R"([\uD83D\uDE00])"},
    {"a ping does not separate a pair",
     {text(R"(\ud83d)"), kPing, text(R"(\ude00)")},
     R"(.[\ud83d\ude00])"},
    {"an empty delta does not separate a pair",
     {text(R"(\ud83d)"), text(""), text(R"(\ude00)")},
     R"([\ud83d\ude00])"},
    {"the end of the block separates a pair", {text(R"(a\ud83d)"), kStop}, R"([a][\ufffd].)"},
    {"a delta of another kind separates a pair",
     {text(R"(\ud83d)"), thought(R"(\ude00)")},
     R"([\ufffd](\ufffd))"},
    {"a lone surrogate in the middle is replaced",
     {text(R"(a\ud83db)"), text(R"(\ude00)")},
     R"([a\ufffdb][\ufffd])"},
    {"a high surrogate before another is replaced",
     {text(R"(\ud83d)"), text(R"(\ud83d)"), text(R"(\ude00)")},
     R"([\ufffd][\ud83d\ude00])"},
    {"an escaped backslash begins no surrogate",
     {text(R"(a\\ud83d)"), text("b")},
     R"([a\\ud83d][b])"},
    {"a surrogate may follow an escaped backslash",
     {text(R"(a\\\ud83d)"), text(R"(\ude00)")},
     R"([a\\][\ud83d\ude00])"},
    {"a pair of thinking is joined",
     {thought(R"(a\ud83d)"), thought(R"(\ude00)")},
     R"((a)(\ud83d\ude00))"},
    {"a pair in the input of a tool is joined",
     {input(R"({\"a\":\"\ud83d)"), input(R"(\ude00\"})")},
     R"({{\"a\":\"}{\ud83d\ude00\"}})"},
    {"escapes inside of that input pass unchanged",
     {input(R"(\"\\ud83d)"), input(R"(\\ude00\")")},
     R"({\"\\ud83d}{\\ude00\"})"},
};

TEST(SurrogateFilter, emits_deltas_without_lone_surrogates) {
  for (const Row& row : kRows) EXPECT_EQ(emitted(row.events), row.emitted) << row.description;
}

TEST(SurrogateFilter, replaces_lone_surrogates_in_every_text_of_an_event) {
  EventReader reader;
  SurrogateFilter whole;
  const auto pass = [&](const char* data, auto check) {
    const auto event = read_event(reader, "", data);
    ASSERT_TRUE(event) << data;
    whole.pass(*event, check);
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
