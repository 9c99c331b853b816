#include "proxy/upstream/call.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "proxy/upstream/worker_fixture.hpp"

namespace ccproxy::proxy {
namespace {

using http::kClose;
using http::kPause;
using http::kSilence;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::vector<http::Script> kNoReplies = {http::Script{}};

// A worker, and one call of it without a client.
struct Calling {
  explicit Calling(std::vector<http::Script> scripts, config::Config config = {})
      : fixture(std::move(scripts), std::move(config)) {
    head.method = "POST";
  }

  WorkerFixture fixture;
  telemetry::Receipt receipt;
  http::RequestHead head;
  UpstreamCall call{fixture.worker(), nullptr, receipt};
};

// Status and body, or the message of what failed.
Task<std::string> outcome(UpstreamCall& call, std::string body = "{}") {
  http::RequestHead client;
  client.method = "POST";
  const UpstreamTarget target{client, "/v1/messages", false};
  auto head = co_await call.send(target, body);
  if (!head) co_return "failed: " + head.error().message;
  const ErrorBody read = co_await call.read_error_body();
  co_return std::to_string(head->status) + " " + read.text + (read.broke ? " (broken)" : "");
}

Task<void> sends_one(Calling& calling) {
  const std::string result = co_await outcome(calling.call, R"({"a":1})");
  EXPECT_EQ(result, "200 hello");
  CO_ASSERT(calling.fixture.requests().size() == 1);
  const std::string& request = calling.fixture.requests().front();
  EXPECT_TRUE(request.starts_with("POST /v1/messages HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("x-api-key: sk-test\r\n"), std::string::npos) << request;
  EXPECT_TRUE(request.ends_with("\r\n\r\n{\"a\":1}")) << request;
  EXPECT_TRUE(calling.call.was_sent());
  EXPECT_TRUE(calling.receipt.first_byte);
}

TEST(UpstreamCall, sends_the_request_with_the_credential_in_use) {
  Calling calling({{{http::ok("hello")}}});
  calling.fixture.run(sends_one(calling));
}

// The first call gives its connection back when it ends.
Task<void> sends_two(Calling& calling, std::string expected) {
  auto first = std::make_unique<UpstreamCall>(calling.fixture.worker(), nullptr, calling.receipt);
  std::string result = co_await outcome(*first);
  EXPECT_EQ(result, "200 first");
  first.reset();
  result = co_await outcome(calling.call);
  EXPECT_EQ(result, expected);
}

TEST(UpstreamCall, sends_the_request_again_when_its_idle_connection_was_dead) {
  Calling calling({{{http::ok("first")}, {kClose}}, {{http::ok("second")}}});
  calling.fixture.run(sends_two(calling, "200 second"));
  EXPECT_TRUE(calling.receipt.resent);
  EXPECT_EQ(calling.fixture.requests().size(), 3U);
}

Task<void> fails_at_once(Calling& calling) {
  const std::string result = co_await outcome(calling.call);
  EXPECT_TRUE(result.starts_with("failed: ")) << result;
  EXPECT_TRUE(calling.call.was_sent());
}

TEST(UpstreamCall, does_not_send_the_request_again_when_a_new_connection_breaks) {
  Calling calling({{{kClose}}});
  calling.fixture.run(fails_at_once(calling));
  EXPECT_FALSE(calling.receipt.resent);
  EXPECT_EQ(calling.fixture.requests().size(), 1U) << "the first one may have run";
}

Task<void> gets(Calling& calling, std::string expected) {
  const std::string result = co_await outcome(calling.call);
  EXPECT_EQ(result, expected);
}

TEST(UpstreamCall, returns_a_401_to_an_api_key_without_another_attempt) {
  Calling calling({{{json_response(401, "{}")}}});
  calling.fixture.run(gets(calling, "401 {}"));
  EXPECT_FALSE(calling.receipt.reauthenticated);
  EXPECT_EQ(calling.fixture.requests().size(), 1U);
}

Task<void> fails_without_sending(Calling& calling) {
  const UpstreamTarget target{calling.head, "/v1/messages", false};
  calling.call.cancel(ErrorKind::kClientGone);
  auto head = co_await calling.call.send(target, "{}");
  CO_ASSERT(!head);
  EXPECT_EQ(calling.call.explain(head.error()).kind, ErrorKind::kClientGone);
  EXPECT_FALSE(calling.call.was_sent());
}

TEST(UpstreamCall, sends_nothing_once_it_is_cancelled) {
  Calling calling({{{http::ok("hello")}}});
  calling.fixture.run(fails_without_sending(calling));
  EXPECT_TRUE(calling.fixture.requests().empty());
}

TEST(UpstreamCall, explains_what_ended_a_wait) {
  const Error closed{ErrorKind::kClosed, "closed"}, late{ErrorKind::kTimedOut, "late"};
  Calling calling(kNoReplies);
  EXPECT_EQ(calling.call.explain(closed).kind, ErrorKind::kUpstreamBroke) << "nobody cancelled it";
  EXPECT_EQ(calling.call.explain(late).kind, ErrorKind::kTimedOut);
  calling.call.cancel(ErrorKind::kClientGone);
  EXPECT_EQ(calling.call.explain(late).kind, ErrorKind::kClientGone);
  calling.call.cancel(ErrorKind::kShutdown);
  EXPECT_EQ(calling.call.explain(closed).kind, ErrorKind::kShutdown);
  calling.call.cancel(ErrorKind::kClientGone);
  EXPECT_EQ(calling.call.explain(closed).kind, ErrorKind::kShutdown) << "the first reason stays";
}

Task<void> reads_a_part(Calling& calling) {
  const UpstreamTarget target{calling.head, "/v1/messages", false};
  auto head = co_await calling.call.send(target, "{}");
  CO_ASSERT(head);
  const ErrorBody body = co_await calling.call.read_error_body();
  EXPECT_FALSE(body.broke);
  EXPECT_GE(body.text.size(), std::size_t{64} << 10);
  EXPECT_LT(body.text.size(), std::size_t{1} << 20);
}

TEST(UpstreamCall, reads_about_64_KiB_of_the_body_of_an_error) {
  Calling calling({{{json_response(400, std::string(std::size_t{2} << 20, 'x'))}}});
  calling.fixture.run(reads_a_part(calling));
}

struct BrokenBody {
  const char* name;
  std::string sent;  // before the connection ends, or stays silent
  std::string end;
  std::string type, message;  // of the error that replaces it
};

const std::vector<BrokenBody> kBrokenBodies = {
    {"a cut body", R"({"type":"error","error":{"type":"overloaded_error","message":"busy"}})",
     kClose, R"("type":"overloaded_error")", "it says: busy"},
    {"a body that cannot be read", R"({"typ)", kClose, R"("type":"rate_limit_error")",
     "did not come whole"},
    {"a body that does not end in time", R"({"typ)", kSilence, R"("type":"rate_limit_error")",
     "was not whole after 1 s (timeouts.firstByteSeconds)"},
};

Task<void> replaces(Calling& calling, BrokenBody row) {
  const UpstreamTarget target{calling.head, "/v1/messages", false};
  auto head = co_await calling.call.send(target, "{}");
  CO_ASSERT(head);
  const ErrorBody body = co_await calling.call.read_error_body();
  CO_ASSERT(body.broke);
  const std::string replacement = calling.call.broken_error_body(*head, body);
  EXPECT_NE(replacement.find(row.type), std::string::npos) << replacement;
  EXPECT_NE(replacement.find(row.message), std::string::npos) << replacement;
}

TEST(UpstreamCall, replaces_the_body_of_an_error_that_breaks_off) {
  for (const BrokenBody& row : kBrokenBodies) {
    SCOPED_TRACE(row.name);
    config::Config config;
    config.timeouts.first_byte = seconds(1);
    const std::string head = "HTTP/1.1 429 X\r\nContent-Length: 999\r\n\r\n";
    Calling calling({{{head + row.sent, kPause, row.end}}}, config);
    calling.fixture.run(replaces(calling, row));
  }
}

Task<void> pauses(Calling& calling) {
  auto paused = co_await calling.call.pause(milliseconds(1));
  EXPECT_TRUE(paused);
  net::Deadline deadline(calling.fixture.runtime(),
                         [&calling] { calling.call.cancel(ErrorKind::kShutdown); });
  deadline.expires_after(milliseconds(1));
  paused = co_await calling.call.pause(std::chrono::hours(1));
  CO_ASSERT(!paused);
  EXPECT_EQ(paused.error().kind, ErrorKind::kClosed);
}

TEST(UpstreamCall, ends_a_pause_when_it_is_cancelled) {
  Calling calling(kNoReplies);
  calling.fixture.run(pauses(calling));
}

Task<void> drains(Calling& calling) {
  const UpstreamTarget target{calling.head, "/v1/messages", false};
  auto head = co_await calling.call.send(target, "{}");
  CO_ASSERT(head);
  const auto begun = Clock::now();
  co_await calling.call.drain_response();
  EXPECT_LT(Clock::now() - begun, seconds(30));
}

TEST(UpstreamCall, gives_up_on_a_response_that_does_not_end) {
  Calling calling({{{http::kChunked + "2\r\nhi\r\n", kSilence}}});
  calling.fixture.run(drains(calling));
}

}  // namespace
}  // namespace ccproxy::proxy
