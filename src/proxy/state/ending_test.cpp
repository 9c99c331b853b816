#include "proxy/state/ending.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ccproxy::proxy {
namespace {

using telemetry::Ending;
using telemetry::Receipt;

struct Row {
  const char* says;
  Error error;
  const char* detail;
};

const Row kRows[] = {
    {"a body's text stays with the client",
     {ErrorKind::kInvalidRequest, "Content of type 'secret' is not supported here.",
      "messages[0].content[0]", "unsupported_content"},
     "unsupported_content at messages[0].content[0]"},
    {"an id of what is not there",
     {ErrorKind::kNotFound, "Item with id 'secret' not found.", "input"},
     "not_found at input"},
    {"the same where the path has it",
     {ErrorKind::kNotFound, "Response with id 'secret' not found."},
     "there is no such object"},
    {"a path that is not known",
     {ErrorKind::kNotFound, "Unknown request URL: GET /secret.", "", kUnknownUrl},
     "there is no such route"},
    {"a place without a code",
     {ErrorKind::kInvalidRequest, "secret", "model"},
     "invalid_request at model"},
    {"what is no JSON, told by its place",
     {ErrorKind::kInvalidRequest, "the body is not valid JSON: a value is missing at byte 7"},
     "the body is not valid JSON: a value is missing at byte 7"},
    {"a sentence of ours",
     {ErrorKind::kBusy, "too many large requests at once"},
     "too many large requests at once"}};

TEST(Ending, is_noted_without_what_a_body_or_a_path_says) {
  for (const Row& row : kRows) {
    Receipt receipt;
    note_ending(receipt, row.error);
    EXPECT_EQ(receipt.detail, row.detail) << row.says;
    EXPECT_EQ(receipt.ending, Ending::kRefused) << row.says;
  }
}

TEST(Ending, is_noted_with_a_place_that_is_cut) {
  Receipt receipt;
  note_ending(receipt, {ErrorKind::kInvalidRequest, "", std::string(100'000, 'x'), "c"});
  EXPECT_EQ(receipt.detail, "c at " + std::string(128, 'x'));
}

TEST(Ending, that_quotes_is_told_whole_and_noted_without_the_quote) {
  Receipt receipt;
  receipt.warn("model_retired", "what a warning means");
  const Error error =
      fail_quoting(receipt, ErrorKind::kUpstreamBroke, "it is no stream", ": \"secret\"").value();
  EXPECT_EQ(error.message, "it is no stream: \"secret\"");
  EXPECT_EQ(receipt.detail, "it is no stream");
  note_ending(receipt, error);
  EXPECT_EQ(receipt.detail, "it is no stream") << "whoever notes the same ending once more";
  note_ending(receipt, {ErrorKind::kClientGone, "the client left"});
  EXPECT_EQ(receipt.ending, Ending::kClientGone) << "another ending is another matter";
  EXPECT_EQ(receipt.detail, "the client left");
}

}  // namespace
}  // namespace ccproxy::proxy
