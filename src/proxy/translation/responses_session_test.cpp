#include "proxy/translation/responses_session.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/translation/exchange_fixture.hpp"

namespace ccproxy::proxy {
namespace {

const std::vector<http::Script> kNoReplies = {http::Script{}};

// An exchange of a client that has the proxy key `me`.
struct Session : ExchangeFixture {
  explicit Session(RouteKind route = RouteKind::kResponses, config::Config config = {})
      : ExchangeFixture(kNoReplies, std::move(config)), session(exchange, route) {
    receipt.key = "me";
  }

  // Notes what the body refers to, and its input.
  void note(std::string_view body, const dialect::ResponsesPlan& plan) {
    const std::string text = std::string(body) + std::string(json::kPadding, ' ');
    json::Outline outline;
    ASSERT_TRUE(outline.read(std::string_view(text).substr(0, body.size())));
    session.note_references(outline.root());
    session.note_input(outline.root(), plan);
  }

  ResponsesSession session;
};

dialect::ReplyPlan plan_of(bool stores, bool streams = false, bool is_background = false) {
  dialect::ReplyPlan plan;
  plan.model = "m";
  plan.stream = streams;
  plan.responses.stores = stores;
  plan.responses.is_background = is_background;
  plan.responses.echo = std::string(R"(,"a":1234)");  // ten bytes
  return plan;
}

struct Repeated {
  const char* name;
  RouteKind route;
  bool stores, streams, is_background;
  std::size_t times;
};

const std::vector<Repeated> kRepeated = {
    {"the plan alone repeats it in another dialect", RouteKind::kChat, false, true, false, 1},
    {"nothing else repeats it where tokens are counted", RouteKind::kInputTokens, true, false,
     false, 1},
    {"a whole reply has one object", RouteKind::kResponses, false, false, false, 3},
    {"a stream begins with two events", RouteKind::kResponses, false, true, false, 4},
    {"a stored response is written three times more", RouteKind::kResponses, true, true, false, 7},
    {"one in the background has no client", RouteKind::kResponses, true, true, true, 6},
    {"a compaction is not stored", RouteKind::kCompaction, true, false, false, 3},
};

TEST(ResponsesSession, counts_how_often_a_reply_repeats_the_request) {
  for (const Repeated& row : kRepeated) {
    SCOPED_TRACE(row.name);
    Session with(row.route);
    const dialect::ReplyPlan plan = plan_of(row.stores, row.streams, row.is_background);
    EXPECT_EQ(with.session.repeated_size(plan), row.times * plan.responses.echoed_bytes());
  }
}

TEST(ResponsesSession, is_empty_on_the_routes_of_other_dialects) {
  Session with(RouteKind::kChat);
  EXPECT_FALSE(with.session.can_store());
  EXPECT_EQ(with.session.key(), "");
}

TEST(ResponsesSession, cannot_store_while_the_store_is_switched_off) {
  config::Config config;
  config.store.enabled = false;
  Session with(RouteKind::kResponses, config);
  EXPECT_FALSE(with.session.can_store());
  EXPECT_EQ(with.session.key().size(), 32U) << "ids are needed all the same";
}

TEST(ResponsesSession, runs_a_response_that_is_stored_under_its_id) {
  Session with;
  const dialect::ReplyPlan plan = plan_of(true);
  const auto encoder = with.session.make_encoder(plan, 1);
  ASSERT_TRUE(with.session.running());
  const std::string id = "resp_" + with.session.key();
  EXPECT_EQ(with.fixture.responses().running("me", id), with.session.running());
  EXPECT_EQ(with.fixture.responses().running("other", id), nullptr);
  EXPECT_NE(with.session.recorder(), nullptr);
  with.session.close();
  EXPECT_TRUE(with.session.running()->is_over());
}

TEST(ResponsesSession, records_no_response_that_is_not_stored) {
  Session with;
  const dialect::ReplyPlan plan = plan_of(false);
  const auto encoder = with.session.make_encoder(plan, 1);
  EXPECT_FALSE(with.session.running());
  EXPECT_EQ(with.session.recorder(), nullptr);
}

Task<void> loads(Session& with, std::size_t* size) {
  MemoryReservation hold(with.fixture.shared().held);
  auto loaded = co_await with.session.load_history(hold);
  CO_ASSERT(loaded);
  *size = *loaded;
  EXPECT_EQ(hold.size(), *loaded);
}

TEST(ResponsesSession, loads_nothing_for_a_request_that_refers_to_nothing) {
  Session with;
  with.note(R"({"input":"hi"})", plan_of(true).responses);
  std::size_t size = 1;
  with.fixture.run(loads(with, &size));
  EXPECT_EQ(size, 0U);
}

// Stores one response, which the next session continues.
Task<void> stores_and_continues(Session& with) {
  const dialect::ReplyPlan plan = plan_of(true, false, true);
  const auto encoder = with.session.make_encoder(plan, 1);
  std::string object = with.session.emit_queued();
  EXPECT_NE(object.find(R"("status":"queued")"), std::string::npos) << object;
  auto stored = co_await with.session.store_queued(std::move(object));
  CO_ASSERT(stored);
  EXPECT_TRUE(with.session.running()->is_on_disk());
  co_await with.session.start(1);
  std::string events;
  encoder->finish(events);
  MemoryReservation hold;
  std::vector<store::StoredItem> items = {{"msg_1", R"({"id":"msg_1"})", R"({"type":"text"})"}};
  auto finished = co_await with.session.running()->finish(store::Status::kCompleted, "{}",
                                                          std::move(items), hold);
  CO_ASSERT(finished);

  ResponsesSession next(with.exchange, RouteKind::kResponses);
  const std::string body = R"({"previous_response_id":")" + with.session.running()->id() + R"("})";
  const std::string text = body + std::string(json::kPadding, ' ');
  json::Outline outline;
  CO_ASSERT(outline.read(std::string_view(text).substr(0, body.size())));
  next.note_references(outline.root());
  MemoryReservation counted(with.fixture.shared().held);
  auto loaded = co_await next.load_history(counted);
  CO_ASSERT(loaded);
  EXPECT_GT(*loaded, 0U);
  CO_ASSERT(next.history().turns.size() == 1);
  EXPECT_EQ(next.history().turns[0].output.items, R"({"id":"msg_1"})");
}

TEST(ResponsesSession, loads_the_response_that_a_request_continues) {
  Session with;
  with.note(R"({"input":"hi"})", plan_of(true).responses);
  with.fixture.run(stores_and_continues(with));
}

Task<void> is_not_queued(Session& with) {
  const dialect::ReplyPlan plan = plan_of(true, false, true);
  const auto encoder = with.session.make_encoder(plan, 1);
  std::string object = with.session.emit_queued();
  with.fixture.responses().close();
  auto stored = co_await with.session.store_queued(std::move(object));
  CO_ASSERT(!stored);
  EXPECT_EQ(stored.error().kind, ErrorKind::kBusy);
  EXPECT_TRUE(stored.error().message.starts_with("The response was not begun"));
  EXPECT_TRUE(stored.error().retry_after);
}

TEST(ResponsesSession, refuses_a_background_response_that_cannot_be_stored) {
  Session with;
  with.fixture.run(is_not_queued(with));
}

}  // namespace
}  // namespace ccproxy::proxy
