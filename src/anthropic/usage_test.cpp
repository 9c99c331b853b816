#include "anthropic/usage.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::anthropic {
namespace {

struct Event {
  const char* name;
  const char* data;
};

// All fields as text, `-` for a missing one.
std::string describe(const Usage& usage) {
  const auto count = [](const std::optional<std::int64_t>& value) {
    return value ? std::to_string(*value) : std::string("-");
  };
  return count(usage.input) + " " + count(usage.output) + " " + count(usage.cache_read) + " " +
         count(usage.cache_write) + " " + usage.stop_reason;
}

constexpr const char* kStart =
    R"({"type":"message_start","message":{"id":"msg_1","model":"claude-x","stop_reason":null,)"
    R"("content":[],"usage":{"input_tokens":9,"output_tokens":1,"cache_read_input_tokens":5,)"
    R"("cache_creation_input_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":1,)"
    R"("ephemeral_1h_input_tokens":2}}}})";

struct Case {
  const char* description;
  std::vector<Event> events;
  const char* usage;
};

const Case kCases[] = {
    {"the start has all but the stop reason", {{"message_start", kStart}}, "9 1 5 3 "},
    {"the delta's counts win, what it does not say stays",
     {{"message_start", kStart},
      {"message_delta", R"({"type":"message_delta","delta":{"stop_reason":"end_turn",)"
                        R"("stop_sequence":null},"usage":{"output_tokens":42}})"}},
     "9 42 5 3 end_turn"},
    {"null counts and a null reason change nothing",
     {{"message_start", kStart},
      {"message_delta", R"({"delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":7}})"},
      {"message_delta", R"({"delta":{"stop_reason":null},"usage":{"input_tokens":null,)"
                        R"("output_tokens":null,"cache_creation":null}})"}},
     "9 7 5 3 tool_use"},
    {"a usage that is null changes nothing",
     {{"message_start", kStart}, {"message_delta", R"({"delta":null,"usage":null})"}},
     "9 1 5 3 "},
    {"a start without usage is a start",
     {{"message_start", R"({"message":{"model":"m"}})"}},
     "- - - - "},
    {"an event without a name is known by its type", {{"", kStart}}, "9 1 5 3 "},
    {"wherever the type stands",
     {{"", R"({ "delta":{"stop_reason":"end_turn"}, "type" : "message_delta" })"}},
     "- - - - end_turn"},
    {"other events are not read",
     {{"content_block_delta", kStart}, {"ping", kStart}, {"error", kStart}},
     "- - - - "},
    {"what is not JSON changes nothing",
     {{"message_start", "{"}, {"message_delta", "x"}, {"", "["}, {"", ""}, {"error", "null"}},
     "- - - - "},
    {"counts of another type change nothing",
     {{"message_delta", R"({"usage":{"output_tokens":"5","input_tokens":1.5}})"}},
     "- - - - "},
};

TEST(UsageReader, reads_the_usage_of_a_stream) {
  for (const Case& row : kCases) {
    UsageParsers parsers;
    UsageReader reader(parsers);
    for (const Event& event : row.events) reader.on_event(event.name, event.data);
    EXPECT_EQ(describe(reader.usage()), row.usage) << row.description;
  }
}

TEST(UsageReader, recognizes_the_start_and_the_end_of_a_message_and_a_ping) {
  UsageParsers parsers;
  UsageReader reader(parsers);
  reader.on_event("ping", R"({"type":"ping"})");
  EXPECT_TRUE(reader.last_was_ping());
  EXPECT_FALSE(reader.message_started());
  reader.on_event("message_start", kStart);
  EXPECT_TRUE(reader.message_started());
  EXPECT_FALSE(reader.last_was_ping());
  reader.on_event("", R"({"type":"ping"})");
  EXPECT_TRUE(reader.last_was_ping());
  EXPECT_FALSE(reader.message_stopped());
  reader.on_event("message_stop", R"({"type":"message_stop"})");
  EXPECT_TRUE(reader.message_stopped());
  EXPECT_FALSE(reader.last_was_ping());
  EXPECT_FALSE(reader.has_error());
  reader.on_event("error", R"({"type":"error","error":{"type":"overloaded_error"}})");
  EXPECT_TRUE(reader.has_error());
}

TEST(StopReason, is_shown_as_other_when_it_is_unknown) {
  EXPECT_EQ(known_stop_reason(""), "");
  EXPECT_EQ(known_stop_reason("end_turn"), "end_turn");
  EXPECT_EQ(known_stop_reason("model_context_window_exceeded"), "model_context_window_exceeded");
  EXPECT_EQ(known_stop_reason("any text"), "other");
}

TEST(UsageReader, reads_the_usage_of_a_whole_message) {
  const struct {
    const char* description;
    const char* body;
    const char* usage;
  } rows[] = {
      {"a message",
       R"({"id":"msg_2","type":"message","model":"m","content":[{"type":"text","text":"usage"}],)"
       R"("stop_reason":"max_tokens","usage":{"input_tokens":1,"output_tokens":2}})",
       "1 2 - - max_tokens"},
      {"an error", R"({"type":"error","error":{"type":"rate_limit_error","message":"x"}})",
       "- - - - "},
      {"no JSON", "<html>", "- - - - "},
  };
  for (const auto& row : rows) {
    UsageParsers parsers;
    UsageReader reader(parsers);
    reader.on_body(row.body);
    EXPECT_EQ(describe(reader.usage()), row.usage) << row.description;
  }
}

}  // namespace
}  // namespace ccproxy::anthropic
