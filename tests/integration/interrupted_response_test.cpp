// Whatever interrupts a response that has begun, its stream ends with exactly one final event (case
// A1): the upstream ends, breaks, fails or stalls, the server shuts down, the client disconnects.
// And what fills silence.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kSecond{1000};

Document event_of(const char* json) { return json_of(json); }

// Events of a message, step by step, so that a fault can follow every one of them.
std::vector<std::string> steps() {
  return {
      sse(event_of(R"({"type":"content_block_start","index":0,
                       "content_block":{"type":"thinking","thinking":"","signature":""}})")),
      sse(event_of(R"({"type":"content_block_delta","index":0,
                       "delta":{"type":"thinking_delta","thinking":"x"}})")),
      sse(event_of(R"({"type":"content_block_delta","index":0,
                       "delta":{"type":"signature_delta","signature":"S"}})")),
      sse(event_of(R"({"type":"content_block_stop","index":0})")),
      text_start_event(1),
      text_event("Hel", 1),
      sse(event_of(R"({"type":"content_block_stop","index":1})")),
      sse(event_of(R"({"type":"content_block_start","index":2,
                       "content_block":{"type":"tool_use","id":"t","name":"f","input":{}}})")),
      sse(event_of(R"({"type":"content_block_delta","index":2,
                       "delta":{"type":"input_json_delta","partial_json":"{\"a\":"}})")),
      sse(event_of(R"({"type":"content_block_stop","index":2})")),
      sse(event_of(R"({"type":"message_delta","delta":{"stop_reason":"tool_use"},
                       "usage":{"output_tokens":7}})")),
  };
}

class InterruptedResponse : public testing::TestWithParam<unsigned> {
 protected:
  // Starts a response of `count` steps, all of which the client has received.
  struct Begun {
    std::unique_ptr<RawClient> client, peer;
  };
  Begun begin(std::size_t count, const ProxyFixture& on, Document more = Document::object()) {
    more["stream"] = true;
    more.update(json_of(R"({"tools":[{"type":"function","name":"f"}],
                            "reasoning":{"effort":"low","summary":"auto"}})"));
    Begun begun{std::make_unique<RawClient>(on.port()), nullptr};
    begun.client->send(request("POST", kResponses, response_body(more).dump(), kOpenAiFields));
    begun.peer = next_message(upstream);
    EXPECT_TRUE(begun.peer);
    if (!begun.peer) return begun;
    std::string events = message_start_event();
    for (std::size_t i = 0; i < count; ++i) events += steps()[i];
    begun.peer->send(kEventStreamHead + chunked(events));
    EXPECT_TRUE(begun.client->wait_for("response.output_item.added"));
    return begun;
  }
  // Reads the reply to its end and expects a valid stream with one final event.
  ResponseEvents end_of(Begun& begun) {
    const Reply reply = begun.client->read_reply();
    EXPECT_TRUE(reply.complete);
    ResponseEvents read = read_events(reply.body);
    EXPECT_EQ(read.fault, "") << reply.body;
    EXPECT_EQ(read.ends(), 1);
    EXPECT_EQ(reply.body.find("event: error"), std::string::npos) << "Codex ignores it";
    return read;
  }
  void expect_failed(Begun& begun, const ProxyFixture& on, const std::string& code) {
    const ResponseEvents read = end_of(begun);
    EXPECT_TRUE(read.names().ends_with(" failed")) << read.names();
    EXPECT_EQ(read.response()["status"], "failed");
    EXPECT_EQ(read.response()["error"].value("code", ""), code);
    EXPECT_EQ(stored_response(on, read.id()), read.response());
  }

  RawUpstream upstream;
  ProxyFixture fixture{
      Plan{.workers = GetParam(),
           .config = R"({"timeouts":{"sseKeepAliveSeconds":1,"idleUpstreamSeconds":3,
                                           "pingOnlySeconds":4},
                               "upstream":{"maxRetries":0}})",
           .upstream = upstream.url()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, InterruptedResponse, testing::Values(1U, 2U));

TEST_P(InterruptedResponse, fails_when_the_upstream_ends_early_at_any_step_a01) {
  for (std::size_t count = 1; count <= steps().size(); ++count) {
    SCOPED_TRACE(count);
    Begun begun = begin(count, fixture);
    begun.peer->send("0\r\n\r\n");
    expect_failed(begun, fixture, "server_error");
  }
}

TEST_P(InterruptedResponse, fails_when_the_upstream_closes_or_resets_at_any_step_a01) {
  for (std::size_t count = 1; count <= steps().size(); ++count) {
    SCOPED_TRACE(count);
    Begun begun = begin(count, fixture);
    count % 2 == 0 ? begun.peer->reset() : begun.peer->close();
    expect_failed(begun, fixture, "server_error");
  }
}

TEST_P(InterruptedResponse, error_event_at_any_step_has_a_code_that_codex_knows_p58_d04) {
  struct Row {
    const char *type, *message, *code;
  };
  const std::vector<Row> rows = {
      {"overloaded_error", "Overloaded", "server_error"},
      {"api_error", "Internal", "server_error"},
      {"timeout_error", "Too slow", "server_error"},
      {"rate_limit_error", "Too many", "rate_limit_exceeded"},
      {"invalid_request_error", "messages: no", "invalid_prompt"},
      {"invalid_request_error", "prompt is too long: 9 tokens > 8", "context_length_exceeded"},
      {"billing_error", "no credit", "insufficient_quota"},
  };
  for (std::size_t i = 0; i < steps().size(); ++i) {
    const Row& row = rows[i % rows.size()];
    SCOPED_TRACE(testing::Message() << i << ": " << row.type << ", " << row.message);
    Begun begun = begin(i + 1, fixture);
    begun.peer->send(chunked(sse({{"type", "error"},
                                  {"error", {{"type", row.type}, {"message", row.message}}}})) +
                     "0\r\n\r\n");
    const ResponseEvents read = end_of(begun);
    EXPECT_EQ(read.response()["error"].value("code", ""), row.code);
    if (std::string(row.type) == "rate_limit_error") {
      const std::string message = read.response()["error"]["message"];
      EXPECT_NE(message.find("try again in 5s"), std::string::npos) << message;
    }
  }
}

TEST_P(InterruptedResponse, fails_when_the_upstream_stalls_a01) {
  std::vector<Begun> all;
  for (const std::size_t count : {1U, 4U, 6U, 9U, 11U}) all.push_back(begin(count, fixture));
  for (Begun& begun : all) {
    expect_failed(begun, fixture, "server_error");
    EXPECT_TRUE(begun.peer->wait_closed(kSecond));
  }
}

TEST_P(InterruptedResponse, comments_fill_silence_until_the_timeout_p74) {
  Begun begun = begin(6, fixture);
  const ResponseEvents read = end_of(begun);
  EXPECT_GE(read.comments, 2);
  EXPECT_LE(read.comments, 4);
}

TEST_P(InterruptedResponse, pings_become_comments_and_do_not_prevent_the_timeout) {
  Begun begun = begin(6, fixture);
  begun.peer->send(chunked(kPing));
  EXPECT_TRUE(begun.client->wait_for(": keepalive\n\n", milliseconds(700)));
  const auto until = std::chrono::steady_clock::now() + seconds(10);
  while (std::chrono::steady_clock::now() < until && begun.peer->send(chunked(kPing)) &&
         !begun.client->wait_for("response.failed", milliseconds(200))) {
  }
  expect_failed(begun, fixture, "server_error");
}

TEST_P(InterruptedResponse, message_that_ends_in_order_does_not_fail_a15) {
  struct Row {
    const char *reason, *end;
  };
  for (const Row& row : {Row{"end_turn", "completed"}, Row{"max_tokens", "incomplete"},
                         Row{"model_context_window_exceeded", "incomplete"},
                         Row{"refusal", "completed"}, Row{"brand_new", "completed"}}) {
    for (const std::size_t count : {1U, 3U, 6U, 9U}) {
      SCOPED_TRACE(testing::Message() << row.reason << " after " << count);
      Begun begun = begin(count, fixture);
      const int index = count > 7 ? 2 : count > 4 ? 1 : 0;
      begun.peer->send(chunked(stop_events(row.reason, index)) + "0\r\n\r\n");
      const ResponseEvents read = end_of(begun);
      EXPECT_TRUE(read.names().ends_with(std::string(" ") + row.end)) << read.names();
      EXPECT_EQ(read.response()["usage"]["output_tokens"], 7);
    }
  }
}

TEST_P(InterruptedResponse, shutdown_fails_every_stream_a01) {
  ProxyFixture ending(Plan{.workers = GetParam(),
                           .config = R"({"server":{"shutdownGraceSeconds":1}})",
                           .upstream = upstream.url()});
  std::vector<Begun> all;
  for (const std::size_t count : {1U, 4U, 6U, 9U}) all.push_back(begin(count, ending));
  ending.proxy().signal(SIGTERM);
  std::vector<ResponseEvents> received;
  for (Begun& begun : all) {
    received.push_back(end_of(begun));
    EXPECT_EQ(received.back().response()["status"], "failed");
    EXPECT_EQ(received.back().response()["error"].value("code", ""), "server_error");
  }
  EXPECT_EQ(ending.proxy().wait_exit(), 0);
  ending.restart();
  for (const ResponseEvents& read : received)
    EXPECT_EQ(stored_response(ending, read.id()), read.response());
}

TEST_P(InterruptedResponse, client_disconnect_cancels_it_and_the_upstreams_request) {
  for (const std::size_t count : {1U, 6U, 9U}) {
    SCOPED_TRACE(count);
    Begun begun = begin(count, fixture);
    const std::string received = begun.client->take_through("\"id\":\"resp_");
    const std::string id = "resp_" + begun.client->take_through("\"").substr(0, 32);
    begun.client->close();
    EXPECT_TRUE(begun.peer->wait_closed(kSecond)) << "nobody reads, somebody pays";
    const Document stored = ended_response(fixture, id);
    ASSERT_FALSE(stored.is_null()) << id;
    EXPECT_EQ(stored["status"], "cancelled") << stored;
    const Reply replay = request_stored(fixture, "GET", id + "?stream=true");
    const ResponseEvents read = read_events(replay.body);
    EXPECT_EQ(read.fault, "") << replay.body;
    EXPECT_EQ(read.response(), stored);
  }
  for (const Document& receipt : fixture.receipts(3))
    EXPECT_TRUE(receipt.at("method") == "GET" || receipt["ended"] == "client_gone") << receipt;
}

TEST_P(InterruptedResponse, client_disconnect_before_the_first_event_closes_the_upstream) {
  for (const bool streams : {true, false}) {
    SCOPED_TRACE(streams);
    RawClient client(fixture.port());
    client.send(
        request("POST", kResponses, response_body({{"stream", streams}}).dump(), kOpenAiFields));
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    client.close();
    EXPECT_TRUE(peer->wait_closed(kSecond));
  }
}

// A response that was never begun becomes an error with a status.
TEST_P(InterruptedResponse, failure_before_the_first_event_has_a_status) {
  for (const char* event : {R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})",
                            R"({"type":"ping"})"}) {
    SCOPED_TRACE(event);
    RawClient client(fixture.port());
    client.send(
        request("POST", kResponses, response_body({{"stream", true}}).dump(), kOpenAiFields));
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(kEventStreamHead + chunked(message_start_event() + sse(json_of(event))) +
               "0\r\n\r\n");
    const Document error = error_in(client.read_reply());
    EXPECT_EQ(error["type"], "server_error") << error;
    const bool is_overloaded = std::string(event).find("overloaded") != std::string::npos;
    EXPECT_EQ(error["status"], is_overloaded ? 503 : 502);
    EXPECT_EQ(error["code"], is_overloaded ? "overloaded" : "upstream_unreachable");
  }
}

}  // namespace
}  // namespace ccproxy::test
