#include "proxy/tap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace ccproxy::proxy {
namespace {

constexpr std::size_t kSizes[] = {1, 2, 3, 5, 7, 16, 64, std::string::npos};

http::ResponseHead answer(std::string_view type, std::string_view coding = {}) {
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

class Tapped : public testing::TestWithParam<std::size_t> {
 protected:
  anthropic::UsageParsers parsers_;
};

TEST_P(Tapped, a_stream_tells_its_usage_and_that_it_is_whole) {
  Tap tap(answer("text/event-stream; charset=utf-8"), parsers_);
  feed(tap, kStart + ": a comment\n\n" + kDelta + kStop, GetParam());
  tap.finish();
  EXPECT_EQ(tap.usage().usage().input, 7);
  EXPECT_EQ(tap.usage().usage().output, 9);
  EXPECT_EQ(tap.usage().usage().stop_reason, "end_turn");
  EXPECT_FALSE(tap.is_unfinished());
  EXPECT_TRUE(tap.is_open_stream());
  EXPECT_EQ(tap.to_border(), "");
}

TEST_P(Tapped, a_stream_without_its_end_is_unfinished_unless_it_said_why) {
  Tap cut(answer("text/event-stream"), parsers_);
  feed(cut, kStart + kDelta, GetParam());
  EXPECT_TRUE(cut.is_unfinished());
  Tap failed(answer("text/event-stream"), parsers_);
  feed(failed, kStart + "event: error\ndata: {}\n\n", GetParam());
  EXPECT_FALSE(failed.is_unfinished());
}

TEST_P(Tapped, the_way_to_the_next_border_depends_on_where_the_stream_stopped) {
  Tap in_line(answer("text/event-stream"), parsers_);
  feed(in_line, kStart + "event: con", GetParam());
  EXPECT_EQ(in_line.to_border(), "\n\n");
  Tap in_event(answer("text/event-stream"), parsers_);
  feed(in_event, kStart + "event: x\ndata: {}\n", GetParam());
  EXPECT_EQ(in_event.to_border(), "\n");
}

TEST_P(Tapped, a_whole_message_tells_its_usage_at_its_end) {
  Tap tap(answer("application/json"), parsers_);
  feed(tap, R"({"usage":{"input_tokens":3,"output_tokens":4},"stop_reason":"tool_use"})",
       GetParam());
  tap.finish();
  EXPECT_EQ(tap.usage().usage().output, 4);
  EXPECT_FALSE(tap.is_open_stream());
  EXPECT_FALSE(tap.is_unfinished());
}

TEST_P(Tapped, a_coded_stream_is_read_but_not_written_into) {
  Tap tap(answer("text/event-stream", "gzip"), parsers_);
  feed(tap, http::gzip(kStart + kDelta + kStop), GetParam());
  EXPECT_EQ(tap.usage().usage().output, 9);
  EXPECT_FALSE(tap.is_open_stream());
}

TEST_P(Tapped, what_it_cannot_read_passes_without_harm) {
  Tap unknown(answer("text/event-stream", "zip"), parsers_);
  feed(unknown, kStart, GetParam());
  EXPECT_FALSE(unknown.usage().usage().input);
  Tap broken(answer("application/json", "gzip"), parsers_);
  feed(broken, "this is not gzip", GetParam());
  broken.finish();
  EXPECT_FALSE(broken.usage().usage().input);
}

INSTANTIATE_TEST_SUITE_P(Fragments, Tapped, testing::ValuesIn(kSizes));

TEST(Tap, keeps_no_more_than_its_bound_of_a_large_answer) {
  anthropic::UsageParsers parsers;
  Tap tap(answer("application/json"), parsers);
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 16; ++i) tap.see(piece);
  tap.finish();
  EXPECT_FALSE(tap.usage().usage().input);
}

TEST(Tap, pings_do_not_count_as_content) {
  anthropic::UsageParsers parsers;
  Tap tap(answer("text/event-stream"), parsers);
  tap.see(kStart);
  const auto after_start = tap.last_content();
  tap.see("event: ping\ndata: {\"type\":\"ping\"}\n\n");
  EXPECT_EQ(tap.last_content(), after_start);
  tap.see(kStop);
  EXPECT_GT(tap.last_content(), after_start);
}

}  // namespace
}  // namespace ccproxy::proxy
