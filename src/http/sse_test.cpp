#include "http/sse.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace ccproxy::http {
namespace {

TEST(IsEventStream, compares_the_media_type_alone) {
  for (const char* type :
       {"text/event-stream", "text/event-stream; charset=utf-8", "text/event-stream;charset=utf-8",
        "Text/Event-Stream", "text/event-stream ; charset=utf-8"})
    EXPECT_TRUE(is_event_stream(type)) << type;
  for (const char* type : {"", "text/event-streamx", "text/event", "application/json",
                           "application/json; a=text/event-stream", "text/event-stream, text/x"})
    EXPECT_FALSE(is_event_stream(type)) << type;
}

constexpr std::size_t kSizes[] = {1, 2, 3, 5, 7, 16, 64, std::string::npos};

std::vector<std::string> read_all(SseReader& reader, std::string_view stream,
                                  std::size_t fragment) {
  std::vector<std::string> events;
  for (std::size_t at = 0; at < stream.size(); at += std::min(fragment, stream.size())) {
    const std::string piece(stream.substr(at, fragment));  // dies after this turn, as a read does
    reader.feed(piece);
    while (const auto event = reader.next())
      events.push_back(std::string(event->name) + "|" + std::string(event->data) +
                       (event->cut ? "|cut" : ""));
  }
  return events;
}

struct Case {
  const char* description;  // what this row proves, in a person's words
  std::string stream;
  std::vector<std::string> events;
  bool at_border = true;
};

const Case kCases[] = {
    {"a name and its data are one event", "event: x\ndata: {}\n\n", {"x|{}"}},
    {"a CRLF split between two reads is one line end",
     "data: a\r\n\r\ndata: b\r\n\r\n",
     {"|a", "|b"}},
    {"CR alone ends a line", "data: a\r\rdata: b\r\r", {"|a", "|b"}},
    {"a comment between data lines changes nothing", "data: a\n: ping\ndata: b\n\n", {"|a\nb"}},
    {"one space after the colon is not part of the value", "event:x\ndata:  y\n\n", {"x| y"}},
    {"an event without its blank line is not an event", "data: a\n", {}, false},
    {"a line without its end is not a border", "data: a\n\nda", {"|a"}, false},
    {"a byte order mark at the start is skipped",
     "\xEF\xBB\xBF"
     "data: a\n\n",
     {"|a"}},
    {"a field without a colon has an empty value", "data\n\ndata\ndata\n\n", {"|", "|\n"}},
    {"a name without data is not an event", "event: x\n\ndata: a\n\n", {"|a"}},
    {"unknown fields are passed over", "id: 1\nretry: 5\ndata: a\n\n", {"|a"}},
    {"UTF-8 survives a cut at any byte",
     "data: \xE4\xBD\xA0\xF0\x9F\x98\x80\n\n",
     {"|\xE4\xBD\xA0\xF0\x9F\x98\x80"}},
    {"a long comment cuts no event", ": " + std::string(500, 'x') + "\ndata: a\n\n", {"|a"}},
    {"an event that outgrows the limit is cut, the next is whole",
     "data: " + std::string(500, 'x') + "\n\ndata: a\n\n",
     {"|" + std::string(100, 'x') + "|cut", "|a"}},
};

TEST(SseReader, reads_the_same_events_at_every_fragment_size) {
  for (const Case& row : kCases)
    for (const std::size_t size : kSizes) {
      SCOPED_TRACE(testing::Message() << row.description << ", fragments of " << size);
      SseReader reader(100);
      EXPECT_EQ(read_all(reader, row.stream, size), row.events);
      EXPECT_EQ(reader.at_border(), row.at_border);
    }
}

// Looking for the next LF again at every CR would take minutes.
TEST(SseReader, needs_linear_time_for_lines_that_end_in_CR) {
  const std::string stream(std::size_t{4} << 20, '\r');
  const auto began = std::chrono::steady_clock::now();
  SseReader reader(100);
  EXPECT_EQ(read_all(reader, stream, std::string::npos).size(), 0U);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

}  // namespace
}  // namespace ccproxy::http
