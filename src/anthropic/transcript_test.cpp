#include "anthropic/transcript.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::anthropic {
namespace {

std::string gathered(const std::vector<std::string>& events) {
  EventReader reader;
  Transcript transcript;
  for (const std::string& data : events) {
    const auto event = read_event(reader, "", data);
    EXPECT_TRUE(event) << data;
    if (event) transcript.on(*event);
  }
  return std::string(transcript.blocks());
}

std::string start(const std::string& block) {
  return R"({"type":"content_block_start","index":0,"content_block":)" + block + "}";
}
std::string delta(const std::string& members) {
  return R"({"type":"content_block_delta","index":0,"delta":{)" + members + "}}";
}
const std::string kStop = R"({"type":"content_block_stop","index":0})";

struct Case {
  const char* description;
  std::vector<std::string> events;
  const char* blocks;
};

const Case kCases[] = {
    {"text grows, escapes stay as they are",
     {start(R"({"type":"text","text":""})"), delta(R"("type":"text_delta","text":"a\u00e9\/")"),
      delta(R"("type":"text_delta","text":"\"b")"), kStop},
     R"({"type":"text","text":"a\u00e9\/\"b"})"},
    {"thinking keeps its signature",
     {start(R"({"type":"thinking","thinking":"","signature":""})"),
      delta(R"("type":"thinking_delta","thinking":"t")"),
      delta(R"("type":"signature_delta","signature":"S=")"), kStop},
     R"({"type":"thinking","thinking":"t","signature":"S="})"},
    {"an input is put together, whatever its pieces are",
     {start(R"({"type":"server_tool_use","id":"i","name":"n","input":{},"caller":{"type":"x"}})"),
      delta(R"("type":"input_json_delta","partial_json":"{\"q\":\"\\")"),
      delta(R"("type":"input_json_delta","partial_json":"n\"}")"), kStop},
     R"({"type":"server_tool_use","id":"i","name":"n","input":{"q":"\n"},"caller":{"type":"x"}})"},
    // It went up as it was, and could have closed the block that it stands in.
    {"an input that is no JSON is wrapped",
     {start(R"({"type":"tool_use","id":"i","name":"n","input":{}})"),
      delta(R"("type":"input_json_delta","partial_json":"0{\"q\":")"), kStop},
     R"({"type":"tool_use","id":"i","name":"n","input":{"INVALID_JSON":"0{\"q\":"}})"},
    {"an input without pieces is the start's",
     {start(R"({"type":"tool_use","id":"i","name":"n","input":{"q": 1}})"), kStop},
     R"({"type":"tool_use","id":"i","name":"n","input":{"q": 1}})"},
    {"citations join the list",
     {start(R"({"type":"text","text":"","citations":[]})"),
      delta(R"("type":"citations_delta","citation":{"url":"u"})"),
      delta(R"("type":"citations_delta","citation":{"url":"v"})"), kStop},
     R"({"type":"text","text":"","citations":[{"url":"u"},{"url":"v"}]})"},
    {"citations are made a list where there was none",
     {start(R"({"type":"text","text":"","citations":null})"),
      delta(R"("type":"citations_delta","citation":{"url":"u"})"), kStop},
     R"({"type":"text","text":"","citations":[{"url":"u"}]})"},
    {"a block of an unknown kind stays as it is",
     {start(
          R"({"type":"web_search_tool_result","content":[{"encrypted_content":"E", "n":1e400}]})"),
      kStop},
     R"({"type":"web_search_tool_result","content":[{"encrypted_content":"E", "n":1e400}]})"},
    {"a delta of an unknown kind carries on what it names",
     {start(R"({"type":"compaction","content":null})"),
      delta(R"("type":"compaction_delta","content":"a")"),
      delta(R"("type":"compaction_delta","content":"b","data":{"x":1})"), kStop},
     R"({"type":"compaction","content":"ab","data":{"x":1}})"},
    {"blocks stand in order, one that did not end is left out",
     {start(R"({"type":"text","text":"a"})"), kStop, start(R"({"type":"text","text":"b"})"), kStop,
      start(R"({"type":"text","text":"c"})")},
     R"({"type":"text","text":"a"},{"type":"text","text":"b"})"},
};

TEST(Transcript, stores_blocks_as_they_were_sent) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.description);
    EXPECT_EQ(gathered(row.events), row.blocks);
  }
}

TEST(Transcript, starts_again_after_clear) {
  EventReader reader;
  Transcript transcript;
  transcript.on(read_event(reader, "", start(R"({"type":"text","text":"a"})")).value());
  transcript.on(read_event(reader, "", kStop).value());
  EXPECT_FALSE(transcript.empty());
  transcript.clear();
  EXPECT_TRUE(transcript.empty());
}

}  // namespace
}  // namespace ccproxy::anthropic
