// What a request loads from the store is bounded, in number and in bytes, and counts against
// limits.heldBytes as its body does.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t kText = 100'000;  // bytes of an input

class ResponsesLimits : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Workers, ResponsesLimits, testing::Values(1U, 2U));

Document large_item(const std::string& id) {
  return {{"id", id}, {"role", "user"}, {"content", std::string(kText, 'x')}};
}

void expect_too_much_held(const Reply& reply) {
  EXPECT_EQ(reply.status, 503) << reply.raw;
  EXPECT_EQ(reply.field("retry-after"), "1");
  EXPECT_NE(reply.body.find("limits.heldBytes"), std::string::npos) << reply.body;
}

// Small requests that load much.
TEST_P(ResponsesLimits, stored_input_counts_against_held_bytes) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"limits":{"heldBytes":450000}})"});
  std::string previous;
  std::vector<Document> references;
  for (int i = 0; i < 5; ++i) {
    const std::string id = "msg_" + std::to_string(i);
    const Document created =
        whole_response(fixture, {{"input", Document::array({large_item(id)})}});
    previous = created["id"];
    references.push_back({{"type", "item_reference"}, {"id", id}});
  }
  // A large item counts twice when it is loaded, and once when it is sent.
  EXPECT_EQ(post_response(fixture, response_body({{"previous_response_id", previous}})).status,
            200);
  const Document alone = {{"input", Document::array({references[0]})}, {"store", false}};
  EXPECT_EQ(post_response(fixture, response_body(alone)).status, 200);
  for (const bool is_background : {false, true}) {
    SCOPED_TRACE(is_background);
    const Document more = {{"background", is_background}};
    Document by_items = response_body(more), by_past = by_items;
    by_items["input"] = references;
    expect_too_much_held(post_response(fixture, by_items));
    by_past["previous_response_id"] = previous;
    by_past["input"] = Document::array({references[0], references[1]});
    expect_too_much_held(post_response(fixture, by_past));
  }
  EXPECT_EQ(whole_response(fixture)["status"], "completed") << "all of it was given back";
  EXPECT_EQ(post_response(fixture, response_body({{"previous_response_id", previous}})).status,
            200);
}

// The body of a response in the background counts once, also while its client receives the events.
TEST_P(ResponsesLimits, background_body_counts_once) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"limits":{"heldBytes":250000}})"});
  const Document body = response_body(
      {{"background", true}, {"stream", true}, {"input", Document::array({large_item("msg_1")})}});
  for (int i = 0; i < 3; ++i) {
    const Reply reply = post_response(fixture, body);
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_EQ(read_events(reply.body).response()["status"], "completed") << reply.body;
  }
}

// Before, a request of a few megabytes could look up a million items, whether they existed or not.
TEST_P(ResponsesLimits, number_of_item_references_is_bounded) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  Document input = Document::array({{{"role", "user"}, {"content", "hi"}}});
  for (int i = 0; i < 10'000; ++i) input.push_back({{"id", "rs_" + std::to_string(i)}});
  for (int i = 0; i < 10'000; ++i) input.push_back({{"id", "rs_" + std::to_string(i)}});
  const Reply all = post_response(fixture, response_body({{"input", input}}));
  EXPECT_EQ(all.status, 200) << "each counts once: " << all.raw.substr(0, 500);
  for (int i = 0; i < 200'000; ++i) input.push_back({{"id", "rs_more_" + std::to_string(i)}});
  const auto began = steady_clock::now();
  const Document error = error_in(post_response(fixture, response_body({{"input", input}})));
  EXPECT_LT(steady_clock::now() - began, seconds(5));
  EXPECT_EQ(error["status"], 413) << error;
  EXPECT_EQ(error["param"], "input");
  EXPECT_EQ(error["code"], "request_too_large");
}

}  // namespace
}  // namespace ccproxy::test
