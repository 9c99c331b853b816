// Another program locks the database against reading, too: whoever asks for what is kept is told so
// within a second, nobody waits behind somebody else who asks, and when it is over everything is
// there.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/database.hpp"
#include "store/store_fixture.hpp"
#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using store::ReadersLockedOut;

constexpr milliseconds kSoon{2500};  // a second, and what a busy machine adds

struct Question {
  const char* says;
  const char* method;
  const char* rest;  // behind the id
};

const Question kQuestions[] = {
    {"the response", "GET", ""},
    {"its events", "GET", "?stream=true"},
    {"its events from somewhere on", "GET", "?stream=true&starting_after=1"},
    {"its input", "GET", "/input_items"},
    {"that it end", "POST", "/cancel"},
    {"that it be erased", "DELETE", ""},
};

class ResponsesLocked : public testing::TestWithParam<unsigned> {
 protected:
  static void expect_locked(const Reply& reply) {
    EXPECT_EQ(reply.status, 503) << reply.raw;
    EXPECT_EQ(reply.field("retry-after"), "1");
    EXPECT_EQ(reply.field("content-type").find("application/json"), 0U);
    const Document error = error_in(reply);
    EXPECT_EQ(error.value("message", ""), "Another program has locked the store: try again.");
    EXPECT_EQ(error.value("type", ""), "server_error");
    EXPECT_EQ(error.value("code", ""), "overloaded");
  }
  std::string database() const { return fixture.home() + "/responses.db"; }

  ProxyFixture fixture{
      Plan{.workers = GetParam(), .config = R"({"server":{"shutdownGraceSeconds":1}})"}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ResponsesLocked, testing::Values(1U, 2U));

TEST_P(ResponsesLocked, are_told_to_be_within_a_second) {
  const std::string id = whole_response(fixture)["id"];
  auto locked = std::make_unique<ReadersLockedOut>(database());
  for (const Question& question : kQuestions) {
    SCOPED_TRACE(question.says);
    const auto began = steady_clock::now();
    expect_locked(ask_stored(fixture, question.method, id + question.rest));
    EXPECT_LT(steady_clock::now() - began, kSoon);
  }
  fixture.forget_requests();
  for (const Document& more : {Document{{"previous_response_id", id}},
                               Document{{"input", {{{"type", "item_reference"}, {"id", "msg_1"}}}}},
                               Document{{"previous_response_id", id}, {"stream", true}},
                               Document{{"previous_response_id", id}, {"background", true}}}) {
    SCOPED_TRACE(more.dump());
    const auto began = steady_clock::now();
    expect_locked(respond(fixture, response_body(more)));
    EXPECT_LT(steady_clock::now() - began, kSoon);
  }
  EXPECT_TRUE(fixture.requests().empty()) << "nothing was asked";
  locked.reset();
  EXPECT_EQ(stored_response(fixture, id)["status"], "completed") << "it was not erased";
  EXPECT_EQ(whole_response(fixture, {{"previous_response_id", id}})["store"], true);
}

// Whoever asks last waits as long as whoever asks first, and a new answer, which cannot be kept, is
// told.
TEST_P(ResponsesLocked, make_nobody_wait_behind_others) {
  const std::string id = whole_response(fixture)["id"];
  const ReadersLockedOut locked(database());
  std::vector<std::thread> clients;
  const auto asks = [&](auto ask) {
    clients.emplace_back([ask] {
      const auto began = steady_clock::now();
      ask();
      EXPECT_LT(steady_clock::now() - began, kSoon);
    });
    std::this_thread::sleep_for(milliseconds(100));
  };
  for (const Question& question : kQuestions)
    asks([&] { expect_locked(ask_stored(fixture, question.method, id + question.rest)); });
  asks([&] {
    const Reply reply = respond(fixture, response_body());
    EXPECT_EQ(reply.status, 200) << reply.raw;
    EXPECT_EQ(json_of(reply.body)["store"], false);
  });
  for (const Question& question : kQuestions)
    asks([&] { expect_locked(ask_stored(fixture, question.method, id + question.rest)); });
  for (std::thread& client : clients) client.join();
}

// Another program has had all of the file from before the start: it is opened as soon as that one
// lets go.
TEST_P(ResponsesLocked, since_before_the_start_are_there_when_they_are_free) {
  const std::string id = whole_response(fixture)["id"];
  fixture.proxy().signal(SIGTERM);
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  auto other = std::make_unique<store::Database>(store::Database::open(database()).value());
  ASSERT_TRUE(other->run_script("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE"));
  fixture.restart();
  EXPECT_TRUE(fixture.logs("another program has locked")) << fixture.log();
  for (const Question& question : kQuestions) {
    SCOPED_TRACE(question.says);
    expect_locked(ask_stored(fixture, question.method, id + question.rest));
  }
  expect_locked(respond(fixture, response_body({{"previous_response_id", id}})));
  const Reply answer = respond(fixture, response_body());
  EXPECT_EQ(answer.status, 200) << answer.raw;
  EXPECT_EQ(json_of(answer.body)["store"], false);
  EXPECT_NE(answer.field("x-ccproxy-warning").find("not_stored"), std::string::npos) << answer.raw;
  EXPECT_EQ(respond(fixture, response_body({{"background", true}})).status, 503);
  other.reset();
  EXPECT_TRUE(wait_until([&] { return ask_stored(fixture, "GET", id).status == 200; }));
  EXPECT_EQ(whole_response(fixture, {{"previous_response_id", id}})["store"], true);
}

}  // namespace
}  // namespace ccproxy::test
