#include "proxy/tap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 3, 5, 7, 16, 64, std::string::npos};

http::ResponseHead response(std::string_view type, std::string_view coding = {}) {
  http::ResponseHead head;
  head.status = 200;
  head.fields.push_back({"Content-Type", type});
  if (!coding.empty()) head.fields.push_back({"content-encoding", coding});
  return head;
}

void feed(Tap& tap, std::string_view bytes, std::size_t fragment) {
  for (std::size_t at = 0; at < bytes.size(); at += std::min(fragment, bytes.size()))
    tap.see(std::string(bytes.substr(at, fragment)));
}

const std::string kStart =
    "event: message_start\ndata: "
    "{\"message\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n";
const std::string kDelta =
    "event: message_delta\r\ndata: "
    "{\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\r\n\r\n";
const std::string kStop = "event: message_stop\ndata: {}\n\n";

class TapFragments : public testing::TestWithParam<std::size_t> {
 protected:
  anthropic::UsageParsers parsers_;
};

TEST_P(TapFragments, reads_usage_and_completeness_of_a_stream) {
  Tap tap(response("text/event-stream; charset=utf-8"), parsers_);
  feed(tap, kStart + ": a comment\n\n" + kDelta + kStop, GetParam());
  tap.finish();
  EXPECT_EQ(tap.usage().usage().input, 7);
  EXPECT_EQ(tap.usage().usage().output, 9);
  EXPECT_EQ(tap.usage().usage().stop_reason, "end_turn");
  EXPECT_FALSE(tap.is_unfinished());
  EXPECT_TRUE(tap.is_open_stream());
  EXPECT_EQ(tap.to_border(), "");
}

TEST_P(TapFragments, calls_a_stream_without_its_end_unfinished_unless_it_has_an_error_event) {
  Tap cut(response("text/event-stream"), parsers_);
  feed(cut, kStart + kDelta, GetParam());
  EXPECT_TRUE(cut.is_unfinished());
  Tap failed(response("text/event-stream"), parsers_);
  feed(failed, kStart + "event: error\ndata: {}\n\n", GetParam());
  EXPECT_FALSE(failed.is_unfinished());
}

TEST_P(TapFragments, ends_a_cut_line_and_a_cut_event_at_the_next_border) {
  Tap in_line(response("text/event-stream"), parsers_);
  feed(in_line, kStart + "event: con", GetParam());
  EXPECT_EQ(in_line.to_border(), "\n\n");
  Tap in_event(response("text/event-stream"), parsers_);
  feed(in_event, kStart + "event: x\ndata: {}\n", GetParam());
  EXPECT_EQ(in_event.to_border(), "\n");
}

struct Border {
  const char *cut, *border;
};

TEST_P(TapFragments, finds_the_next_border_after_any_line_end) {
  for (const Border& row : {Border{"data: {}\r", "\n\n"}, Border{"data: {}\r\n", "\n"},
                            Border{"data: {}\r\r", "\n"}, Border{"data: {}\r\n\r", "\n"},
                            Border{"data: {}\r\n\r\n", ""}, Border{"data: {}\n\r", "\n"}}) {
    Tap tap(response("text/event-stream"), parsers_);
    feed(tap, row.cut, GetParam());
    EXPECT_EQ(tap.to_border(), row.border) << testing::PrintToString(row.cut);
  }
}

std::string last_event(std::string_view stream) {
  http::SseReader reader(1000);
  reader.feed(stream);
  std::string last;
  while (const auto event = reader.next())
    last = std::string(event->name) + "|" + std::string(event->data);
  return last;
}

// The stream is cut at every byte, with every kind of line end, and read as a client reads it.
TEST_P(TapFragments, lets_an_event_follow_a_cut_at_any_byte) {
  for (const std::string& end : {std::string("\n"), std::string("\r\n"), std::string("\r")}) {
    std::string stream;
    for (const char c : kStart + ": a comment\n\nevent: x\ndata: {\ndata: }\n\n")
      stream += c == '\n' ? end : std::string(1, c);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      Tap tap(response("text/event-stream"), parsers_);
      const std::string sent = stream.substr(0, cut);
      feed(tap, sent, GetParam());
      tap.finish();
      const std::string all = sent + std::string(tap.to_border()) + "event: error\ndata: last\n\n";
      EXPECT_EQ(last_event(all), "error|last") << testing::PrintToString(sent);
    }
  }
}

TEST_P(TapFragments, calls_the_stream_of_a_message_unfinished_from_its_first_byte) {
  Tap nothing(response("text/event-stream"), parsers_, true);
  EXPECT_TRUE(nothing.is_unfinished());
  Tap any(response("text/event-stream"), parsers_);
  EXPECT_FALSE(any.is_unfinished());
  Tap ping(response("text/event-stream"), parsers_, true);
  feed(ping, "event: ping\ndata: {}\n\nevent: message_start\ndata: {}\n", GetParam());
  EXPECT_TRUE(ping.is_unfinished());
  EXPECT_FALSE(ping.has_begun());
  Tap whole(response("text/event-stream"), parsers_, true);
  feed(whole, kStart + kStop, GetParam());
  EXPECT_TRUE(whole.has_begun());
  EXPECT_TRUE(whole.is_over());
}

struct LastEvent {
  const char* cut;
  bool is_over;
};

TEST_P(TapFragments, takes_a_last_event_without_its_blank_line) {
  for (const LastEvent& row :
       {LastEvent{"event: message_stop\ndata: {\"type\":\"message_stop\"}", true},
        LastEvent{"event: message_stop\ndata: {}\n", true},
        LastEvent{"data: {\"type\":\"message_stop\"}\r", true},
        LastEvent{"event: error\ndata: {\"error\":{}}\n", true},
        LastEvent{"event: error\ndata: {\"error\":{}", false},
        LastEvent{"event: message_stop\n", false}, LastEvent{"event: x\ndata: {}\n", false}}) {
    Tap tap(response("text/event-stream"), parsers_, true);
    feed(tap, kStart + row.cut, GetParam());
    EXPECT_FALSE(tap.is_over()) << row.cut;
    tap.finish();
    EXPECT_EQ(tap.is_over(), row.is_over) << row.cut;
    EXPECT_EQ(tap.is_over_but_border(), row.is_over) << row.cut;
  }
}

TEST(Tap, takes_an_error_event_that_is_too_large_to_be_read) {
  anthropic::UsageParsers parsers;
  Tap tap(response("text/event-stream"), parsers, true);
  tap.see(kStart);
  tap.see("event: error\ndata: \"" + std::string(300'000, 'x') + "\"\n\n");
  EXPECT_TRUE(tap.is_over());
}

TEST_P(TapFragments, reads_usage_of_a_json_message_at_its_end) {
  Tap tap(response("application/json"), parsers_);
  feed(tap, R"({"usage":{"input_tokens":3,"output_tokens":4},"stop_reason":"tool_use"})",
       GetParam());
  tap.finish();
  EXPECT_EQ(tap.usage().usage().output, 4);
  EXPECT_FALSE(tap.is_open_stream());
  EXPECT_FALSE(tap.is_unfinished());
}

TEST_P(TapFragments, reads_a_coded_stream_and_calls_it_closed_for_events) {
  Tap tap(response("text/event-stream", "gzip"), parsers_);
  feed(tap, http::gzip(kStart + kDelta + kStop), GetParam());
  EXPECT_EQ(tap.usage().usage().output, 9);
  EXPECT_FALSE(tap.is_open_stream());
}

TEST_P(TapFragments, ignores_what_it_cannot_read) {
  Tap unknown(response("text/event-stream", "zip"), parsers_);
  feed(unknown, kStart, GetParam());
  EXPECT_FALSE(unknown.usage().usage().input);
  Tap broken(response("application/json", "gzip"), parsers_);
  feed(broken, "this is not gzip", GetParam());
  broken.finish();
  EXPECT_FALSE(broken.usage().usage().input);
}

INSTANTIATE_TEST_SUITE_P(Sizes, TapFragments, testing::ValuesIn(kSizes));

TEST(Tap, stops_reading_a_json_response_beyond_its_limit) {
  anthropic::UsageParsers parsers;
  Tap tap(response("application/json"), parsers);
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 16; ++i) tap.see(piece);
  tap.finish();
  EXPECT_FALSE(tap.usage().usage().input);
}

TEST(Tap, does_not_count_pings_as_content) {
  anthropic::UsageParsers parsers;
  Tap tap(response("text/event-stream"), parsers);
  tap.see(kStart);
  const auto after_start = tap.last_content();
  tap.see("event: ping\ndata: {\"type\":\"ping\"}\n\n");
  EXPECT_EQ(tap.last_content(), after_start);
  tap.see(kStop);
  EXPECT_GT(tap.last_content(), after_start);
}

}  // namespace
}  // namespace ccproxy::proxy
