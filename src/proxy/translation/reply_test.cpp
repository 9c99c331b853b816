#include "proxy/translation/reply.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dialect/chat/encoder.hpp"
#include "proxy/translation/exchange_fixture.hpp"

namespace ccproxy::proxy {
namespace {

using http::kPause;
using http::kSilence;
using std::chrono::seconds;

const std::string kStart =
    "event: message_start\n"
    R"(data: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":3}}})"
    "\n\n";
const std::string kText =
    "event: content_block_start\n"
    R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"
    "\n\nevent: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello"}})"
    "\n\n";
const std::string kBlockStop =
    "event: content_block_stop\n"
    R"(data: {"type":"content_block_stop","index":0})"
    "\n\n";
const std::string kStop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const std::string kOverloaded =
    "event: error\n"
    R"(data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"
    "\n\n";

std::string message_delta(const std::string& reason) {
  return "event: message_delta\n"
         R"(data: {"type":"message_delta","delta":{"stop_reason":")" +
         reason + R"("},"usage":{"output_tokens":2}})" + "\n\n";
}

std::string whole_message(const std::string& reason) {
  return kStart + kText + kBlockStop + message_delta(reason) + kStop;
}

// Notes what it is asked to do, and whether the client had seen the end by then.
class FakeRecorder final : public ReplyRecorder {
 public:
  explicit FakeRecorder(const MemorySink& sink) : sink_(sink) {}

  Task<bool> record(const anthropic::Transcript&, std::string& out, MemoryReservation&) override {
    calls += sink_.is_ended ? "recorded late;" : "recorded;";
    if (!is_stored) out += "(not stored)";
    co_return is_stored;
  }
  Task<void> record_cancelled(const anthropic::Transcript&, MemoryReservation&) override {
    calls += "cancelled;";
    co_return;
  }
  void withdraw() override { calls += "withdrawn;"; }
  Task<void> encode(std::size_t, FunctionRef<void()> work) override {
    work();
    co_return;
  }

  std::string calls;
  bool is_stored = true;

 private:
  const MemorySink& sink_;
};

dialect::ReplyPlan chat_plan(bool streams) {
  dialect::ReplyPlan plan;
  plan.model = "m";
  plan.stream = streams;
  return plan;
}

std::vector<http::Script> scripts_of(const std::vector<http::Reply>& responses) {
  std::vector<http::Script> scripts;
  for (const http::Reply& response : responses) scripts.push_back({response});
  return scripts;
}

// One reply of chat, with everything around it.
struct Replying : ExchangeFixture {
  // One connection for each of the upstream's responses.
  Replying(bool streams, const std::vector<http::Reply>& responses, config::Config config = {})
      : ExchangeFixture(scripts_of(responses), std::move(config)),
        plan(chat_plan(streams)),
        encoder(dialect::make_chat_encoder(plan, {"chatcmpl-1", 1})),
        recorder(sink) {
    options.streams = streams;
    options.wants_transcript = true;
  }

  void record() { options.recorder = &recorder; }

  dialect::ReplyPlan plan;
  std::unique_ptr<dialect::ReplyEncoder> encoder;
  FakeRecorder recorder;
  TranslatedReply::ReplyOptions options;
  Result<void> result{};
};

Task<Result<http::ResponseHead>> next_head(Replying& replying) {
  const UpstreamTarget target{replying.head, "/v1/messages", false};
  co_return co_await replying.call.send(target, "{}");
}

// What Translation does with one message: takes it, and ends the reply.
Task<void> reply_with_one_message(Replying& replying) {
  auto head = co_await next_head(replying);
  CO_ASSERT(head);
  TranslatedReply reply(replying.exchange, *replying.encoder, replying.options);
  replying.result = co_await reply.take(*head);
  if (replying.result) {
    replying.result = co_await reply.finish();
    co_return;
  }
  const Error error = replying.call.explain(replying.result.error());
  replying.result = co_await reply.break_off(error);
}

TEST(TranslatedReply, streams_what_the_encoder_emits) {
  Replying replying(true, {{stream_response(whole_message("end_turn"))}});
  replying.fixture.run(reply_with_one_message(replying));
  EXPECT_TRUE(replying.result);
  EXPECT_EQ(replying.sink.status, 200);
  EXPECT_NE(replying.sink.fields.find("content-type: text/event-stream"), std::string::npos);
  EXPECT_NE(replying.sink.body.find("hello"), std::string::npos) << replying.sink.body;
  EXPECT_TRUE(replying.sink.body.ends_with("data: [DONE]\n\n")) << replying.sink.body;
  EXPECT_EQ(replying.receipt.output_tokens, 2);
}

TEST(TranslatedReply, sends_a_whole_reply_as_json) {
  Replying replying(false, {{stream_response(whole_message("end_turn"))}});
  replying.fixture.run(reply_with_one_message(replying));
  EXPECT_TRUE(replying.result);
  EXPECT_EQ(replying.sink.status, 200);
  EXPECT_NE(replying.sink.fields.find("content-type: application/json"), std::string::npos);
  EXPECT_NE(replying.sink.body.find(R"("content":"hello")"), std::string::npos);
}

struct EarlyError {
  const char* name;
  bool streams;
  std::string response;
  int status;
};

const std::vector<EarlyError> kEarlyErrors = {
    {"an error event at the beginning of a stream", true, stream_response(kOverloaded), 503},
    {"an error event behind message_start", true, stream_response(kStart + kOverloaded), 503},
    {"an error event behind content of a whole reply", false,
     stream_response(kStart + kText + kOverloaded), 503},
    {"an error in JSON with status 200", true, error_response(200, "bad input"), 400},
};

TEST(TranslatedReply, is_an_ordinary_error_before_its_commit_point) {
  for (const EarlyError& row : kEarlyErrors) {
    SCOPED_TRACE(row.name);
    Replying replying(row.streams, {{row.response}});
    replying.record();
    replying.fixture.run(reply_with_one_message(replying));
    EXPECT_TRUE(replying.result);
    EXPECT_EQ(replying.sink.status, row.status) << replying.sink.body;
    EXPECT_TRUE(replying.sink.body.starts_with(R"({"error":{)")) << replying.sink.body;
    EXPECT_EQ(replying.recorder.calls, "withdrawn;");
  }
}

struct BreakOff {
  const char* name;
  bool streams;
  http::Reply response;
  bool is_sent;  // the reply had begun, and ends with the error
};

const std::string kHead = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

const std::vector<BreakOff> kBreakOffs = {
    {"a stream without content fails", true, {kHead + kStart, kPause, http::kClose}, false},
    {"a stream with content ends with an error",
     true,
     {kHead + kStart + kText, kPause, http::kClose},
     true},
    {"a whole reply fails", false, {kHead + kStart + kText, kPause, http::kClose}, false},
    {"a response that is no event stream fails", true, {json_response(200, "<html>")}, false},
    {"an event that cannot be read ends a stream",
     true,
     {kHead + kStart + kText + "event: message_delta\ndata: {\n\n", kPause, http::kClose},
     true},
};

TEST(TranslatedReply, ends_with_an_error_only_what_has_begun) {
  for (const BreakOff& row : kBreakOffs) {
    SCOPED_TRACE(row.name);
    Replying replying(row.streams, {row.response});
    replying.record();
    replying.fixture.run(reply_with_one_message(replying));
    EXPECT_EQ(replying.result.has_value(), row.is_sent);
    EXPECT_EQ(replying.sink.status, row.is_sent ? 200 : 0);
    EXPECT_EQ(replying.sink.is_ended, row.is_sent);
    EXPECT_EQ(replying.recorder.calls, row.is_sent ? "recorded;" : "withdrawn;");
    if (!row.is_sent) continue;
    EXPECT_NE(replying.sink.body.find(R"({"error":{)"), std::string::npos) << replying.sink.body;
    EXPECT_EQ(replying.sink.body.find("[DONE]"), std::string::npos);
    EXPECT_EQ(replying.receipt.ending, telemetry::Ending::kUpstreamBroke);
  }
}

TEST(TranslatedReply, is_recorded_before_its_end_is_sent) {
  for (const bool streams : {false, true}) {
    Replying replying(streams, {{stream_response(whole_message("end_turn"))}});
    replying.record();
    replying.fixture.run(reply_with_one_message(replying));
    EXPECT_EQ(replying.recorder.calls, "recorded;");
    EXPECT_TRUE(replying.sink.is_ended);
  }
}

TEST(TranslatedReply, says_when_it_could_not_be_stored) {
  Replying replying(false, {{stream_response(whole_message("end_turn"))}});
  replying.record();
  replying.recorder.is_stored = false;
  replying.fixture.run(reply_with_one_message(replying));
  EXPECT_TRUE(replying.sink.body.ends_with("(not stored)"));
  EXPECT_NE(replying.sink.fields.find("x-ccproxy-warning: not_stored\r\n"), std::string::npos);
}

Task<void> lose_the_client(Replying& replying) {
  auto head = co_await next_head(replying);
  CO_ASSERT(head);
  TranslatedReply reply(replying.exchange, *replying.encoder, replying.options);
  auto taken = co_await reply.take(*head);
  CO_ASSERT(!taken);
  EXPECT_EQ(taken.error().kind, ErrorKind::kClientGone);
  replying.result = co_await reply.break_off(taken.error());
}

TEST(TranslatedReply, is_recorded_as_cancelled_when_the_client_leaves) {
  Replying replying(true, {{kHead + kStart + kText, kPause, kSilence}});
  replying.record();
  replying.sink.is_gone = true;
  replying.fixture.run(lose_the_client(replying));
  EXPECT_TRUE(replying.result);
  EXPECT_EQ(replying.recorder.calls, "cancelled;");
  EXPECT_TRUE(replying.sink.is_closed);
  EXPECT_EQ(replying.receipt.ending, telemetry::Ending::kClientGone);
}

Task<void> reply_with_two_messages(Replying& replying) {
  TranslatedReply reply(replying.exchange, *replying.encoder, replying.options);
  auto head = co_await next_head(replying);
  CO_ASSERT(head);
  auto taken = co_await reply.take(*head);
  CO_ASSERT(taken);
  EXPECT_TRUE(reply.paused());
  EXPECT_EQ(reply.transcript().count(), 1U);
  co_await replying.call.drain_response();
  auto next = co_await reply.meanwhile(next_head(replying));
  CO_ASSERT(next);
  taken = co_await reply.take(*next);
  CO_ASSERT(taken);
  EXPECT_FALSE(reply.paused());
  replying.result = co_await reply.finish();
}

TEST(TranslatedReply, goes_on_with_the_next_message_after_a_pause) {
  Replying replying(true, {{stream_response(whole_message("pause_turn"))},
                           {stream_response(whole_message("end_turn"))}});
  replying.fixture.run(reply_with_two_messages(replying));
  EXPECT_TRUE(replying.result);
  const std::string& body = replying.sink.body;
  const auto first = body.find("hello");
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(body.find("hello", first + 1), std::string::npos) << body;
  EXPECT_TRUE(body.ends_with("data: [DONE]\n\n"));
}

TEST(TranslatedReply, fills_silence_with_comments) {
  config::Config config;
  config.timeouts.sse_keep_alive = seconds(1);
  std::vector<std::string> pieces = {kHead + kStart + kText};
  for (int i = 0; i < 50; ++i) pieces.push_back(kPause);  // 1.5 s
  pieces.push_back(kBlockStop + message_delta("end_turn") + kStop);
  Replying replying(true, {pieces}, config);
  replying.fixture.run(reply_with_one_message(replying));
  EXPECT_NE(replying.sink.body.find(": keepalive\n\n"), std::string::npos) << replying.sink.body;
}

TEST(TranslatedReply, fails_when_it_holds_more_memory_than_there_is) {
  config::Config config;
  config.limits.held_bytes = std::size_t{1} << 20;
  std::string events = kStart + kText;
  const std::string piece(std::size_t{64} << 10, 'x');
  for (int i = 0; i < 16; ++i)
    events +=
        "event: content_block_delta\n"
        R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":")" +
        piece + "\"}}\n\n";
  events += kBlockStop + message_delta("end_turn") + kStop;
  Replying replying(false, {{stream_response(events)}}, config);
  replying.options.cost = 4;
  replying.fixture.run(reply_with_one_message(replying));
  ASSERT_FALSE(replying.result);
  EXPECT_EQ(replying.result.error().kind, ErrorKind::kBusy);
  EXPECT_EQ(replying.sink.status, 0);
}

}  // namespace
}  // namespace ccproxy::proxy
