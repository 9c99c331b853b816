// What holds for every response: its events follow the grammar of the protocol, the items of the
// stream add up to the whole reply, and there is exactly one end, whatever the upstream does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/responses/echo.hpp"
#include "dialect/responses/object.hpp"
#include "dialect/testing/grammar.hpp"
#include "dialect/testing/replay.hpp"
#include "dialect/testing/script.hpp"

namespace ccproxy::dialect {
namespace {

std::string fault_of(const std::string& events, ReplyPlan plan) {
  plan.stream = true;
  const std::string stream = test::replay_response(events, plan);
  plan.stream = false;
  return test::fault_of_response(stream, test::replay_response(events, plan));
}

TEST(ResponsesReplyShapes, follow_the_grammar_and_are_equal) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    test::Script script(seed);
    const ReplyPlan plan = script.responses_plan();
    const std::string events = script.events();
    ASSERT_EQ(fault_of(events, plan), "") << "seed " << seed << "\n" << events;
  }
}

TEST(ResponsesReplyShapes, follow_the_grammar_whatever_the_upstream_sends) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    test::Script script(seed);
    const ReplyPlan plan = script.responses_plan();
    const std::string events = script.damaged(script.events());
    ASSERT_EQ(fault_of(events, plan), "") << "seed " << seed << "\n" << events;
  }
}

// A client that parses the text would fail at half a value, and take a complete one for the reply.
TEST(ResponsesEncoder, emits_no_text_beside_the_refusal_of_a_reply_in_json) {
  int refused = 0;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    test::Script script(seed);
    ReplyPlan plan = script.responses_plan();
    plan.wants_json = true;
    const std::string events = script.events();
    plan.stream = false;
    const std::string whole = test::replay_response(events, plan);
    plan.stream = true;
    const std::string stream = test::replay_response(events, plan);
    const std::string last = stream.substr(std::min(stream.rfind("event: "), stream.size()));
    if (whole.find(R"("type":"refusal")") == std::string::npos) continue;
    ++refused;
    EXPECT_EQ(whole.find("output_text"), std::string::npos) << "seed " << seed << "\n" << whole;
    EXPECT_EQ(last.find("output_text"), std::string::npos) << "seed " << seed << "\n" << last;
  }
  EXPECT_GT(refused, 20);
}

// The upstream breaks off after each of its events, by ending the stream or with an error event.
TEST(ResponsesEncoder, ends_once_wherever_the_upstream_breaks_off_a01) {
  constexpr std::string_view kError =
      "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
      "\"message\":\"m\"}}\n\n";
  for (unsigned seed = 0; seed < 150; ++seed) {
    test::Script script(seed);
    const ReplyPlan plan = script.responses_plan();
    const std::string events = script.events();
    for (auto end = events.find("\n\n"); end != std::string::npos;
         end = events.find("\n\n", end + 1)) {
      const std::string begun = events.substr(0, end + 2);
      ASSERT_EQ(fault_of(begun, plan), "") << "seed " << seed << "\n" << begun;
      ASSERT_EQ(fault_of(begun + std::string(kError), plan), "") << "seed " << seed << "\n"
                                                                 << begun;
    }
  }
}

class RecordingLog final : public EventLog {
 public:
  void add(std::int64_t number, std::string_view sse) override {
    EXPECT_EQ(number, count++);
    text += sse;
  }
  void end(std::int64_t number, std::string_view sse) override {
    EXPECT_EQ(number, count);
    last = sse;
  }
  std::int64_t count = 0;
  std::string text, last;
};

TEST(ResponsesEncoder, logs_the_events_of_the_stream_whether_it_streams_or_not) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    test::Script script(seed);
    ReplyPlan plan = script.responses_plan();
    std::string events = script.events();
    for (auto at = events.find("event: ping"); at != std::string::npos;
         at = events.find("event: ping"))
      events.erase(at, events.find("\n\n", at) + 2 - at);
    RecordingLog streamed, whole;
    plan.stream = true;
    const std::string output = test::replay(
        events, test::Replay(test::responses_encoder(plan, &streamed)), std::string::npos);
    plan.stream = false;
    (void)test::replay(events, test::Replay(test::responses_encoder(plan, &whole)),
                       std::string::npos);
    ASSERT_EQ(streamed.text + streamed.last, output);
    ASSERT_EQ(streamed.text, whole.text);
    ASSERT_EQ(streamed.last, whole.last);
  }
}

// The last event, the log and the whole reply all repeat "store", so all of them change. Nothing
// else does.
TEST(ResponsesEncoder, says_at_the_end_that_a_response_could_not_be_stored) {
  // Removes the last "store" member.
  const auto without_store = [](std::string text) {
    constexpr std::string_view kMember = R"(,"store":)";
    if (const auto at = text.rfind(kMember); at != std::string::npos)
      text.erase(at, text.find(',', at + 1) - at);
    return text;
  };
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    test::Script script(seed);
    ReplyPlan plan = script.responses_plan();
    plan.responses.echo = echo_of({}, true);
    const std::string events = seed % 3 == 0 ? script.damaged(script.events()) : script.events();
    for (const bool streams : {true, false}) {
      plan.stream = streams;
      RecordingLog log;
      test::Replay run(test::responses_encoder(plan, &log));
      run.feed(events);
      std::string output = run.finish();
      const std::string before = output, last = log.last;
      auto& encoder = dynamic_cast<ResponsesEncoder&>(run.encoder());
      encoder.mark_not_stored(output);
      ASSERT_EQ(without_store(output), without_store(before));
      ASSERT_EQ(without_store(log.last), without_store(last));
      ASSERT_NE(last.find(R"("store":true)"), std::string::npos);
      ASSERT_NE(log.last.find(R"("store":false)"), std::string::npos);
      if (streams) {
        ASSERT_TRUE(output.ends_with(log.last));
      } else if (encoder.status() == 200) {
        ASSERT_EQ(output, encoder.object());
      }
      const std::string once = output;
      encoder.mark_not_stored(output);
      ASSERT_EQ(output, once) << "a second call changes nothing";
    }
  }
}

// Shell calls, patches and searches are written as objects. They once had the line ends that the
// model had written, and half of an event then looked like another event.
TEST(ResponsesEncoder, writes_each_event_on_one_line) {
  struct Case {
    const char* name;
    ToolShape shape;
    const char* input;
    const char* expected;
  };
  constexpr Case kCases[] = {
      {"a shell call", ToolShape::kShell, R"({\r\n  \"commands\": [\n\n\"a  b\"\r] })",
       R"("action":{"commands":["a  b"],"timeout_ms":null,"max_output_length":null})"},
      {"a local shell call", ToolShape::kLocalShell,
       R"({ \"command\":[ \"a\" ],\n\n\"env\":{ \"B\" : \"c\\nd\"\r\n} })",
       R"("action":{"type":"exec","command":["a"],"env":{"B":"c\nd"}})"},
      {"a patch", ToolShape::kApplyPatch, R"({\"operation\":{\n\n\"type\" :\t\"delete_file\"} })",
       R"("operation":{"type":"delete_file"})"},
      {"a search for tools", ToolShape::kToolSearch, R"({\n\n\"query\":\n\"q\u2028\"})",
       "\"arguments\":{\"query\":\"q\xE2\x80\xA8\"}"},
      {"input that is not JSON, where U+2028 is no white space", ToolShape::kToolSearch,
       "{\xE2\x80\xA8\\\"query\\\":1}", R"("arguments":{})"},
  };
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.name);
    ReplyPlan plan;
    plan.stream = true;
    plan.tools = {{"t", "t", row.shape}};
    const std::string events =
        "data: {\"type\":\"message_start\",\"message\":{}}\n\n"
        "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\r\n"
        "data: \"id\":\"a\", \"name\":\"t\",\n"
        "data: \"input\":{}}}\n\n"
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\","
        "\"partial_json\":\"" +
        std::string(row.input) +
        "\"}}\n\n"
        "data: {\"type\":\"content_block_stop\"}\n\n"
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\n"
        "data: {\"type\":\"message_stop\"}\n\n";
    const std::string stream = test::replay_response(events, plan);
    test::ResponseReader reader;
    reader.read(stream);
    EXPECT_EQ(reader.fault(), "");
    EXPECT_EQ(std::count(stream.begin(), stream.end(), '\n'),
              3 * std::ptrdiff_t(reader.names().size()));
    EXPECT_EQ(stream.find('\r'), std::string::npos);
    EXPECT_NE(stream.find(row.expected), std::string::npos) << stream;
  }
}

// An object that another version stored may have line ends.
TEST(InterruptedEvents, are_one_line_each) {
  const std::string object =
      "{\"id\":\"resp_1\",\r\n\"status\":\"in_progress\",\n\n\"output\":[ ],\"a\":[\n\n1 ]}";
  const std::string events =
      interrupted_events(-1, -1, interrupted_response(object, "{ \"b\":\n\n1}"));
  EXPECT_EQ(std::count(events.begin(), events.end(), '\n'), 3 * 3) << events;
  EXPECT_EQ(events.find('\r'), std::string::npos) << events;
  EXPECT_NE(events.find(R"("output":[{"b":1}],"a":[1])"), std::string::npos) << events;
}

TEST(ResponsesEncoder, queues_a_background_response_first) {
  ReplyPlan plan;
  plan.stream = true;
  const auto encoder = test::responses_encoder(plan);
  std::string output;
  encoder->queue(output);
  EXPECT_NE(encoder->object().find(R"("status":"queued")"), std::string::npos);
  encoder->fail({ErrorKind::kUpstreamUnreachable, "gone"}, output);
  test::ResponseReader reader;
  reader.read(output);
  EXPECT_EQ(reader.fault(), "");
  EXPECT_EQ(reader.names(),
            (std::vector<std::string>{"created", "queued", "in_progress", "failed"}));
}

TEST(ResponsesEncoder, closes_open_items_when_the_response_is_cancelled) {
  ReplyPlan plan;
  plan.stream = true;
  test::Replay run(test::responses_encoder(plan));
  run.feed(
      "data: {\"type\":\"message_start\",\"message\":{}}\n\n"
      "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
      "\"text\":\"A\"}}\n\n");
  std::string output = run.output();
  dynamic_cast<ResponsesEncoder&>(run.encoder()).cancel(output);
  test::ResponseReader reader;
  reader.read(output);
  EXPECT_EQ(reader.fault(), "");
  EXPECT_EQ(reader.names().back(), "incomplete");
  EXPECT_EQ(reader.response().at("status"), "cancelled");
  EXPECT_EQ(reader.response().at("output").at(0).at("status"), "incomplete");
}

}  // namespace
}  // namespace ccproxy::dialect
