#include "proxy/state/ending.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ccproxy::proxy {
namespace {

using telemetry::Ending;
using telemetry::Receipt;

struct Row {
  const char* description;
  Error error;
  const char* detail;
};

const Row kRows[] = {
    {"the log has no text of a body",
     {ErrorKind::kInvalidRequest, "Content of type 'secret' is not supported here.",
      "messages[0].content[0]", "unsupported_content"},
     "unsupported_content at messages[0].content[0]"},
    {"the log has no id of an object that a body names",
     {ErrorKind::kNotFound, "Item with id 'secret' not found.", "input"},
     "not_found at input"},
    {"the log has no id of an object that a path names",
     {ErrorKind::kNotFound, "Response with id 'secret' not found."},
     "there is no such object"},
    {"a param without a code has that of its kind",
     {ErrorKind::kInvalidRequest, "secret", "model"},
     "invalid_request at model"},
    {"an error about the body's syntax has no param, and quotes nothing",
     {ErrorKind::kInvalidRequest, "the body is not valid JSON: a value is missing at byte 7"},
     "the body is not valid JSON: a value is missing at byte 7"},
    {"an error of ours is logged as it is",
     {ErrorKind::kBusy, "too many large requests at once"},
     "too many large requests at once"}};

TEST(Ending, notes_nothing_that_a_body_or_a_path_says) {
  for (const Row& row : kRows) {
    Receipt receipt;
    note_ending(receipt, row.error);
    EXPECT_EQ(receipt.detail, row.detail) << row.description;
    EXPECT_EQ(receipt.ending, Ending::kRefused) << row.description;
  }
}

TEST(Ending, notes_an_unknown_route_without_its_path) {
  Receipt receipt;
  note_unknown_route(receipt);
  note_ending(receipt, {ErrorKind::kNotFound, "Unknown request URL: GET /secret."});
  EXPECT_EQ(receipt.detail, "there is no such route");
  EXPECT_EQ(receipt.ending, Ending::kRefused);
}

TEST(Ending, cuts_a_long_param) {
  Receipt receipt;
  note_ending(receipt, {ErrorKind::kInvalidRequest, "", std::string(100'000, 'x'), "c"});
  EXPECT_EQ(receipt.detail, "c at " + std::string(128, 'x'));
}

TEST(Ending, sends_a_quotation_to_the_client_and_not_to_the_log) {
  Receipt receipt;
  receipt.warn("model_retired", "what a warning means");
  const Error error =
      fail_quoting(receipt, ErrorKind::kUpstreamBroke, "it is no stream", ": \"secret\"").value();
  EXPECT_EQ(error.message, "it is no stream: \"secret\"");
  EXPECT_EQ(receipt.detail, "it is no stream");
  note_ending(receipt, error);
  EXPECT_EQ(receipt.detail, "it is no stream") << "the same ending is noted once";
  note_ending(receipt, {ErrorKind::kClientGone, "the client left"});
  EXPECT_EQ(receipt.ending, Ending::kClientGone) << "another ending replaces it";
  EXPECT_EQ(receipt.detail, "the client left");
}

}  // namespace
}  // namespace ccproxy::proxy
