// What a request takes from the store has bounds, in number and in bytes, and counts among what is
// held at once, as its body does.
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

// Small requests that bring much with them.
TEST_P(ResponsesLimits, what_is_fetched_counts_among_what_is_held) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"limits":{"heldBytes":450000}})"});
  std::string previous;
  std::vector<Document> references;
  for (int i = 0; i < 5; ++i) {
    const std::string id = "msg_" + std::to_string(i);
    const Document made = whole_response(fixture, {{"input", Document::array({large_item(id)})}});
    previous = made["id"];
    references.push_back({{"type", "item_reference"}, {"id", id}});
  }
  // One large item is twice what is fetched, and once more what is sent.
  EXPECT_EQ(respond(fixture, response_body({{"previous_response_id", previous}})).status, 200);
  const Document alone = {{"input", Document::array({references[0]})}, {"store", false}};
  EXPECT_EQ(respond(fixture, response_body(alone)).status, 200);
  for (const bool is_background : {false, true}) {
    SCOPED_TRACE(is_background);
    const Document more = {{"background", is_background}};
    Document by_items = response_body(more), by_past = by_items;
    by_items["input"] = references;
    expect_too_much_held(respond(fixture, by_items));
    by_past["previous_response_id"] = previous;
    by_past["input"] = Document::array({references[0], references[1]});
    expect_too_much_held(respond(fixture, by_past));
  }
  EXPECT_EQ(whole_response(fixture)["status"], "completed") << "all of it was given back";
  EXPECT_EQ(respond(fixture, response_body({{"previous_response_id", previous}})).status, 200);
}

// The body of a response in the background is held once, also while its client is told its events.
TEST_P(ResponsesLimits, a_body_in_the_background_counts_once) {
  ProxyFixture fixture(Plan{.workers = GetParam(), .config = R"({"limits":{"heldBytes":250000}})"});
  const Document body = response_body(
      {{"background", true}, {"stream", true}, {"input", Document::array({large_item("msg_1")})}});
  for (int i = 0; i < 3; ++i) {
    const Reply reply = respond(fixture, body);
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_EQ(read_events(reply.body).response()["status"], "completed") << reply.body;
  }
}

// Whether they are there or not: a request of a few megabytes could ask for a million.
TEST_P(ResponsesLimits, items_that_are_asked_for_are_bounded) {
  ProxyFixture fixture(Plan{.workers = GetParam()});
  Document input = Document::array({{{"role", "user"}, {"content", "hi"}}});
  for (int i = 0; i < 10'000; ++i) input.push_back({{"id", "rs_" + std::to_string(i)}});
  for (int i = 0; i < 10'000; ++i) input.push_back({{"id", "rs_" + std::to_string(i)}});
  const Reply all = respond(fixture, response_body({{"input", input}}));
  EXPECT_EQ(all.status, 200) << "each counts once: " << all.raw.substr(0, 500);
  for (int i = 0; i < 200'000; ++i) input.push_back({{"id", "rs_more_" + std::to_string(i)}});
  const auto began = steady_clock::now();
  const Document error = error_in(respond(fixture, response_body({{"input", input}})));
  EXPECT_LT(steady_clock::now() - began, seconds(5));
  EXPECT_EQ(error["status"], 413) << error;
  EXPECT_EQ(error["param"], "input");
  EXPECT_EQ(error["code"], "request_too_large");
}

}  // namespace
}  // namespace ccproxy::test
