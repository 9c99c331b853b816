#include "proxy/translation/background.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/reader.hpp"
#include "proxy/state/archive_future.hpp"
#include "proxy/state/descriptor_budget.hpp"
#include "proxy/state/running_response.hpp"
#include "proxy/upstream/worker_fixture.hpp"

namespace ccproxy::proxy {
namespace {

using std::chrono::milliseconds;

const std::string kMessage =
    "event: message_start\n"
    R"(data: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":3}}})"
    "\n\nevent: content_block_start\n"
    R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"
    "\n\nevent: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello"}})"
    "\n\nevent: content_block_stop\n"
    R"(data: {"type":"content_block_stop","index":0})"
    "\n\nevent: message_delta\n"
    R"(data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}})"
    "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

constexpr std::string_view kRequest =
    R"({"model":"claude-sonnet-5-5","input":"hi","background":true,"store":true})";

struct Background {
  explicit Background(std::vector<http::Script> scripts) : fixture(std::move(scripts)) {
    fixture.shared().descriptors.set_limits(10, 100);
    receipt.id = "req_1";
    receipt.key = "me";
    head.method = "POST";
  }

  [[nodiscard]] static RequestBody body_of(std::string_view text) {
    RequestBody body;
    body.sent = text;
    body.sent.reserve(body.sent.size() + json::kPadding);
    return body;
  }
  [[nodiscard]] bool is_over() { return fixture.worker().background.empty(); }

  WorkerFixture fixture;
  telemetry::Receipt receipt;
  http::RequestHead head;
  Route route{.kind = RouteKind::kResponses,
              .dialect = dialect::Dialect::kResponses,
              .path = "/v1/responses",
              .name = {},
              .allow = {}};
  std::optional<Result<QueuedResponse>> queued;
};

Task<void> start(Background& with, std::string_view request = kRequest) {
  MemoryReservation hold(with.fixture.shared().held, MemoryReservation::For::kRequest);
  RequestBody body = Background::body_of(request);
  with.queued =
      co_await start_in_background(with.fixture.worker(), with.fixture.snapshot(), with.head,
                                   with.route, with.receipt, std::move(body), hold);
}

Task<void> wait_until_over(Background& with) {
  while (!with.is_over()) co_await net::sleep(with.fixture.runtime(), milliseconds(2));
}

// The object that is stored under the id of the response.
Task<std::string> stored_object(Background& with, std::string id) {
  std::function<Result<std::string>(const store::Responses&)> find =
      [id](const store::Responses& responses) -> Result<std::string> {
    auto found = responses.find("me", id);
    if (!found) return fail(found.error());
    return *found ? (*found)->object : "it is not stored";
  };
  auto object = co_await query<std::string>(with.fixture.runtime(),
                                            with.fixture.responses().archive(), std::move(find));
  co_return object ? *object : object.error().message;
}

Task<void> runs_to(Background& with, std::string status) {
  co_await start(with);
  CO_ASSERT(*with.queued);
  QueuedResponse& queued = **with.queued;
  EXPECT_NE(queued.object.find(R"("status":"queued")"), std::string::npos) << queued.object;
  EXPECT_EQ(queued.held.size() > 0, true);
  const std::string id = queued.running->id();
  co_await wait_until_over(with);
  EXPECT_TRUE(queued.running->is_over());
  const std::string object = co_await stored_object(with, id);
  EXPECT_NE(object.find("\"status\":\"" + status + "\""), std::string::npos) << object;
}

TEST(BackgroundResponse, is_queued_on_disk_and_then_completed) {
  Background with({{{stream_response(kMessage)}}});
  with.fixture.run(runs_to(with, "completed"));
  EXPECT_NE(with.fixture.log().find("event=request id=req_1"), std::string::npos)
      << with.fixture.log();
}

TEST(BackgroundResponse, is_stored_as_failed_when_the_upstream_refuses) {
  Background with({{{error_response(400, "no such thing")}}});
  with.fixture.run(runs_to(with, "failed"));
}

TEST(BackgroundResponse, is_stored_as_failed_when_the_upstream_breaks_off) {
  Background with({{{stream_response(kMessage.substr(0, kMessage.find("event: message_delta"))),
                     http::kClose}}});
  with.fixture.run(runs_to(with, "failed"));
}

Task<void> is_refused(Background& with, std::string_view request, ErrorKind kind) {
  co_await start(with, request);
  CO_ASSERT(!*with.queued);
  EXPECT_EQ(with.queued->error().kind, kind) << with.queued->error().message;
  co_await wait_until_over(with);
}

TEST(BackgroundResponse, is_refused_with_what_is_wrong_with_its_request) {
  Background with({{{stream_response(kMessage)}}});
  with.fixture.run(
      is_refused(with, R"({"model":7,"background":true})", ErrorKind::kInvalidRequest));
  EXPECT_TRUE(with.fixture.requests().empty());
  EXPECT_EQ(with.fixture.log().find("event=request"), std::string::npos)
      << "the exchange writes the receipt: " << with.fixture.log();
}

TEST(BackgroundResponse, is_refused_when_too_many_run) {
  Background with({{{stream_response(kMessage)}}});
  with.fixture.shared().descriptors.set_limits(0, 0);
  with.fixture.run(is_refused(with, kRequest, ErrorKind::kBusy));
  EXPECT_TRUE(with.fixture.requests().empty());
}

Task<void> is_cut(Background& with) {
  co_await start(with);
  CO_ASSERT(*with.queued);
  const std::string id = (*with.queued)->running->id();
  with.fixture.worker().background.cut();
  co_await wait_until_over(with);
  const std::string object = co_await stored_object(with, id);
  EXPECT_NE(object.find(R"("status":"failed")"), std::string::npos) << object;
}

TEST(BackgroundResponse, fails_when_the_server_ends) {
  Background with({{{http::kSilence}}});
  with.fixture.run(is_cut(with));
}

Task<void> is_cancelled(Background& with) {
  co_await start(with);
  CO_ASSERT(*with.queued);
  const std::string id = (*with.queued)->running->id();
  (*with.queued)->running->cancel();
  co_await wait_until_over(with);
  const std::string object = co_await stored_object(with, id);
  EXPECT_NE(object.find(R"("status":"cancelled")"), std::string::npos) << object;
}

TEST(BackgroundResponse, is_cancelled_by_whoever_has_its_id) {
  Background with({{{http::kSilence}}});
  with.fixture.run(is_cancelled(with));
}

struct Mode {
  const char* name;
  std::string body;
  bool is_background, streams;
};

const std::vector<Mode> kModes = {
    {"nothing said", R"({"input":"hi"})", false, false},
    {"a stream in the foreground needs no parsing", R"({"stream":true})", false, false},
    {"in the background", R"({"background":true})", true, false},
    {"in the background, as a stream", R"({"stream":true,"background":true})", true, true},
    {"in the foreground, said so", R"({"background":false,"stream":true})", false, true},
    {"the word inside of a text", R"({"input":"\"background\":true"})", false, false},
    {"a body that is not JSON", R"({"background":true)", false, false},
};

Task<void> reads_mode(Background& with, telemetry::Receipt& receipt, Mode row) {
  UpstreamCall call(with.fixture.worker(), nullptr, receipt);
  const RequestBody body = Background::body_of(row.body);
  auto mode = co_await response_mode(with.fixture.worker(), call, body.sent);
  CO_ASSERT(mode);
  EXPECT_EQ(mode->is_background, row.is_background);
  EXPECT_EQ(mode->streams, row.streams);
}

TEST(BackgroundResponse, is_what_the_body_of_a_request_asks_for) {
  for (const Mode& row : kModes) {
    SCOPED_TRACE(row.name);
    Background with({{{http::kSilence}}});
    with.fixture.run(reads_mode(with, with.receipt, row));
  }
}

}  // namespace
}  // namespace ccproxy::proxy
