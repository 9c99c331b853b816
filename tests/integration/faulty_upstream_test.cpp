// Upstreams that fail: they cannot be reached, break off, stall, or send invalid HTTP. The tests
// check what the client gets and when, and what the log says.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "support/proxy_fixture.hpp"
#include "support/raw_upstream.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* kShortTimeouts = R"({"timeouts": {"connectSeconds": 1, "tlsSeconds": 1,
  "firstByteSeconds": 1, "idleUpstreamSeconds": 1, "pingOnlySeconds": 2}})";

// Expects an error of the proxy in Anthropic's form.
void expect_error(const Reply& reply, int status, std::string_view type) {
  EXPECT_EQ(reply.status, status) << reply.raw;
  EXPECT_TRUE(reply.complete);
  EXPECT_EQ(reply.field("content-type"), "application/json");
  Document body = Document::parse(reply.body, nullptr, false);
  ASSERT_TRUE(body.is_object()) << reply.body;
  EXPECT_EQ(body["type"], "error");
  EXPECT_EQ(body["error"]["type"], type) << reply.body;
  EXPECT_FALSE(body["error"]["message"].get<std::string>().empty());
  EXPECT_EQ(body["request_id"], reply.field("request-id"));
}

// Expects a stream that was interrupted: whole events, then an error event of the proxy, then an
// end in order.
void expect_ends_with_error_event(const Reply& reply, std::string_view events) {
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.complete) << "the stream must end in order:\n" << reply.raw;
  EXPECT_TRUE(reply.body.starts_with(events)) << reply.body;
  const std::string behind = reply.body.substr(std::min(events.size(), reply.body.size()));
  const std::string opening = "event: error\ndata: ";
  EXPECT_TRUE(behind.starts_with(opening)) << behind;
  EXPECT_TRUE(behind.ends_with("\n\n")) << behind;
  Document data = Document::parse(behind.substr(opening.size()), nullptr, false);
  ASSERT_TRUE(data.is_object()) << behind;
  EXPECT_EQ(data["type"], "error");
  EXPECT_EQ(data["error"]["type"], "api_error");
}

class FaultyUpstream : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam(), .config = kShortTimeouts}};

  Reply post(std::string_view body, const std::string& fault) {
    fixture.set_reply(
        {{"text", "one two three four five six"}, {"fault", fault}, {"pace", "events"}});
    return send_request(fixture.port(), "POST", "/v1/messages", body, kAnthropicFields);
  }
  Document last_receipt() { return fixture.receipts(++receipts_).back(); }
  std::string text_of_events(int count) {
    fixture.set_reply({{"text", "one two three four five six"}});
    const Reply whole =
        send_request(fixture.port(), "POST", "/v1/messages", kStreamedBody, kAnthropicFields);
    (void)last_receipt();
    std::size_t at = 0;
    while (count-- > 0) at = whole.body.find("\n\n", at) + 2;
    return whole.body.substr(0, at);
  }

  std::size_t receipts_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Workers, FaultyUpstream, testing::Values(1U, 2U));

TEST_P(FaultyUpstream, reset_before_the_response_is_a_502) {
  for (const char* body : {kStreamedBody, kWholeBody}) {
    expect_error(post(body, "reset"), 502, "api_error");
    EXPECT_EQ(last_receipt()["ended"], "upstream_broke");
  }
  EXPECT_EQ(fixture.requests().size(), 2U) << "what may have run must not run again";
}

TEST_P(FaultyUpstream, truncated_stream_ends_with_an_error_event) {
  for (const char* fault : {"reset-mid=3", "close-mid=3", "end-mid=3", "stall-mid=3"}) {
    const Reply reply = post(kStreamedBody, fault);
    const auto error = reply.body.find("event: error\n");
    ASSERT_NE(error, std::string::npos) << fault << reply.raw;
    expect_ends_with_error_event(reply, reply.body.substr(0, error));
    EXPECT_NE(reply.body.substr(0, error).find("content_block_start"), std::string::npos) << fault;
    EXPECT_EQ(reply.field("connection"), "") << "the break was not known when the head was sent";
    Document receipt = last_receipt();
    EXPECT_EQ(receipt["status"], 200);
    EXPECT_EQ(receipt["ended"],
              std::string_view(fault).starts_with("stall") ? "timed_out" : "upstream_broke")
        << fault;
  }
}

TEST_P(FaultyUpstream, stream_without_events_reports_the_break) {
  for (const char* fault : {"reset-mid=0", "stall-mid=0"}) {
    const Reply reply = post(kStreamedBody, fault);
    if (reply.status == 200) {
      // A part of an event may have been sent; a blank line ends it.
      expect_ends_with_error_event(reply, reply.body.substr(0, reply.body.rfind("event: error")));
    } else {
      expect_error(reply, reply.status, reply.status == 504 ? "timeout_error" : "api_error");
    }
  }
}

TEST_P(FaultyUpstream, truncated_whole_response_is_cut) {
  for (const char* fault : {"reset-mid", "close-mid", "bad-length=10", "stall-mid"}) {
    const Reply reply = post(kWholeBody, fault);
    EXPECT_EQ(reply.status, 200) << fault;
    EXPECT_FALSE(reply.complete) << fault << ": half a response must not look complete";
    EXPECT_EQ(reply.body.find("api_error"), std::string::npos) << "no error inside of JSON";
    EXPECT_NE(last_receipt()["ended"], "complete") << fault;
  }
}

TEST_P(FaultyUpstream, truncated_chunked_response_has_no_last_chunk) {
  RawUpstream upstream;
  ProxyFixture other(Plan{.workers = GetParam(), .upstream = upstream.url()});
  RawClient client(other.port());
  const auto peer = start_message(client, upstream, kWholeBody);
  ASSERT_TRUE(peer);
  peer->send(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
      "transfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n");
  ASSERT_TRUE(client.wait_for("{\"a\":"));
  peer->close();
  bool closed = false;
  const std::string all = client.read_all(&closed);
  EXPECT_TRUE(closed);
  EXPECT_EQ(all.find("0\r\n\r\n"), std::string::npos) << all;
}

TEST_P(FaultyUpstream, error_event_is_forwarded_unchanged) {
  const Reply reply = post(kStreamedBody, "error-mid=3");
  EXPECT_TRUE(reply.complete);
  EXPECT_TRUE(reply.body.ends_with(
      "event: error\ndata: "
      R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"
      "\n\n"))
      << reply.body;
  EXPECT_EQ(reply.body.find("api_error"), std::string::npos);
  EXPECT_EQ(post(kWholeBody, "error-mid").status, 529);
}

TEST_P(FaultyUpstream, silence_before_the_response_is_a_504) {
  const auto start = steady_clock::now();
  expect_error(post(kStreamedBody, "stall"), 504, "timeout_error");
  EXPECT_GE(steady_clock::now() - start, milliseconds(950));
  EXPECT_LT(steady_clock::now() - start, seconds(4));
  Document receipt = last_receipt();
  EXPECT_EQ(receipt["ended"], "timed_out");
  EXPECT_NE(receipt["detail"].get<std::string>().find("timeouts.firstByteSeconds"),
            std::string::npos);
}

TEST_P(FaultyUpstream, silence_in_the_middle_names_its_limit) {
  const Reply reply = post(kStreamedBody, "stall-mid=2");
  EXPECT_NE(reply.body.find("timeouts.idleUpstreamSeconds"), std::string::npos) << reply.body;
}

TEST_P(FaultyUpstream, stream_of_pings_ends) {
  const auto start = steady_clock::now();
  const Reply reply = post(kStreamedBody, "pings-only=100");
  const auto error = reply.body.find("event: error\n");
  ASSERT_NE(error, std::string::npos) << reply.raw;
  expect_ends_with_error_event(reply, reply.body.substr(0, error));
  EXPECT_NE(reply.body.find("timeouts.pingOnlySeconds"), std::string::npos) << reply.body;
  EXPECT_GE(steady_clock::now() - start, milliseconds(1900));
  EXPECT_LT(steady_clock::now() - start, seconds(5));
  EXPECT_EQ(last_receipt()["ended"], "timed_out");
}

TEST_P(FaultyUpstream, slow_one_is_waited_for) {
  // The response takes longer than the limit, which applies to silence; only for a head it applies
  // to the whole time.
  ProxyFixture patient(
      Plan{.workers = GetParam(),
           .config = R"({"timeouts": {"firstByteSeconds": 60, "idleUpstreamSeconds": 1}})"});
  patient.set_reply({{"text", "one two three four five six"}, {"fault", "split=40:60"}});
  const Reply dripped =
      send_request(patient.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  EXPECT_EQ(dripped.status, 200);
  EXPECT_TRUE(dripped.complete);
  EXPECT_EQ(Document::parse(dripped.body)["type"], "message");
  EXPECT_EQ(post(kWholeBody, "slow-head=700").status, 200);
  EXPECT_TRUE(post(kStreamedBody, "drip").complete);
}

TEST_P(FaultyUpstream, early_refusal_is_forwarded) {
  const Reply reply = send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                                   std::string(kAnthropicFields) + "x-mock-fault: early=413\r\n");
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(Document::parse(reply.body)["error"]["type"], "request_too_large");
}

TEST_P(FaultyUpstream, contradicting_lengths_are_a_502) {
  for (const char* fault : {"two-lengths", "two-lengths=te"})
    expect_error(post(kWholeBody, fault), 502, "api_error");
}

TEST_P(FaultyUpstream, response_that_ends_by_closing_is_complete) {
  for (const char* body : {kStreamedBody, kWholeBody}) {
    const Reply reply = post(body, "http10");
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.complete) << reply.raw;
    EXPECT_EQ(last_receipt()["ended"], "complete");
  }
}

TEST_P(FaultyUpstream, truncated_event_is_ended_before_the_error_event) {
  RawUpstream upstream;
  ProxyFixture other(Plan{.workers = GetParam(), .upstream = upstream.url()});
  const std::string start =
      "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";
  struct Cut {
    std::string sent, border;
  };
  const std::vector<Cut> cuts = {{start, ""},
                                 {start + "event: content_block_delta\ndata: {\"ty", "\n\n"},
                                 {start + "event: content_block_delta\n", "\n"},
                                 {start + ": half a comment", "\n\n"},
                                 {start + "data: \xe2\x82", "\n\n"}};
  for (const Cut& cut : cuts) {
    RawClient client(other.port());
    const auto peer = start_message(client, upstream, kStreamedBody);
    ASSERT_TRUE(peer);
    peer->send(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        "transfer-encoding: chunked\r\n\r\n1000\r\n" +
        cut.sent);
    ASSERT_TRUE(client.wait_for(cut.sent.substr(cut.sent.size() - 3)));
    peer->close();
    expect_ends_with_error_event(client.read_reply(), cut.sent + cut.border);
  }
}

// Heads that no HTTP/1.1 response may have.
TEST_P(FaultyUpstream, invalid_head_is_a_502) {
  RawUpstream upstream;
  ProxyFixture other(
      Plan{.workers = GetParam(), .config = kShortTimeouts, .upstream = upstream.url()});
  const std::vector<std::string> heads = {
      "HTTP/1.1 200 OK\ncontent-length: 2\n\n{}",
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\nx: a\r\n folded\r\ncontent-length: 2\r\n\r\n{}",
      "HTTP/1.1 200 OK\r\nx : a\r\ncontent-length: 2\r\n\r\n{}",
      "HTTP/1.1 999 No\r\ncontent-length: 2\r\n\r\n{}",
      "HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
      "SSH-2.0-OpenSSH_9\r\n\r\n",
      "<html>no HTTP</html>\r\n\r\n",
      "HTTP/1.1 200 OK\r\nx: " + std::string(70'000, 'x') + "\r\ncontent-length: 2\r\n\r\n{}",
      "",
      "HTTP/1.1 200 OK\r\ncontent-le",
  };
  for (const std::string& head : heads) {
    RawClient client(other.port());
    const auto peer = start_message(client, upstream, kWholeBody);
    ASSERT_TRUE(peer) << head;
    peer->send(head);
    if (head.size() < 30 && !head.ends_with("\r\n\r\n")) peer->end_writing();
    const Reply reply = client.read_reply();
    expect_error(reply, 502, "api_error");
    if (reply.status != 502) ADD_FAILURE() << head.substr(0, 200);
    EXPECT_TRUE(peer->wait_closed()) << "a broken connection must not be reused: " << head;
  }
}

TEST_P(FaultyUpstream, interim_responses_are_skipped) {
  RawUpstream upstream;
  ProxyFixture other(Plan{.workers = GetParam(), .upstream = upstream.url()});
  RawClient client(other.port());
  const auto peer = start_message(client, upstream, kWholeBody);
  ASSERT_TRUE(peer);
  peer->send(
      "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "{}");
  EXPECT_TRUE(reply.raw.starts_with("HTTP/1.1 200 ")) << reply.raw;
  EXPECT_EQ(reply.raw.find("link"), std::string::npos);
}

TEST_P(FaultyUpstream, unreachable_one_is_a_502) {
  std::uint16_t nobody = 0;
  {
    const RawUpstream gone;
    nobody = gone.port();
  }
  ProxyFixture other(Plan{.workers = GetParam(),
                          .config = kShortTimeouts,
                          .upstream = "http://127.0.0.1:" + std::to_string(nobody)});
  const auto start = steady_clock::now();
  const Reply reply =
      send_request(other.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  expect_error(reply, 502, "api_error");
  EXPECT_NE(reply.body.find("cannot connect to 127.0.0.1:" + std::to_string(nobody)),
            std::string::npos)
      << reply.body;
  EXPECT_LT(steady_clock::now() - start, seconds(1));
  EXPECT_EQ(other.receipt()["ended"], "upstream_broke");
}

TEST_P(FaultyUpstream, unknown_host_is_a_502) {
  ProxyFixture other(Plan{.workers = GetParam(), .upstream = "http://name.invalid:1"});
  const Reply reply =
      send_request(other.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  expect_error(reply, 502, "api_error");
  EXPECT_NE(reply.body.find("name.invalid"), std::string::npos) << reply.body;
}

TEST_P(FaultyUpstream, connection_attempt_has_a_timeout) {
  RawUpstream upstream;
  upstream.fill_up();
  ProxyFixture other(
      Plan{.workers = GetParam(), .config = kShortTimeouts, .upstream = upstream.url()});
  const auto start = steady_clock::now();
  const Reply reply =
      send_request(other.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields);
  const auto waited = steady_clock::now() - start;
  EXPECT_TRUE(reply.status == 502 || reply.status == 504) << reply.raw;
  EXPECT_NE(reply.body.find("timeouts.connectSeconds"), std::string::npos) << reply.body;
  EXPECT_GE(waited, milliseconds(950));
  EXPECT_LT(waited, seconds(4));
}

TEST_P(FaultyUpstream, base_path_precedes_every_path) {
  ProxyFixture other(Plan{.workers = GetParam(), .upstream = "{mock}/gate/way/"});
  other.set_reply(
      {{"match", {{"method", "*"}, {"path", "/gate/way/*"}}}, {"body", "{\"data\":[]}"}});
  EXPECT_EQ(
      send_request(other.port(), "POST", "/v1/messages?beta=true", kWholeBody, kAnthropicFields)
          .status,
      200);
  EXPECT_EQ(send_request(other.port(), "GET", "/v1/files", {}, kAnthropicFields).status, 200);
  EXPECT_EQ(send_request(other.port(), "GET", "/v1/models", {}, kAnthropicFields).status, 200);
  Document requests = other.requests();
  EXPECT_EQ(requests.at(0)["target"], "/gate/way/v1/messages?beta=true");
  EXPECT_EQ(requests.at(1)["target"], "/gate/way/v1/files");
  EXPECT_EQ(requests.at(2)["target"], "/gate/way/v1/models?limit=1000");
}

TEST_P(FaultyUpstream, flag_wins_over_environment_and_file) {
  const std::string nowhere = "http://127.0.0.1:9";
  const std::string file = R"({"upstream": {"baseUrl": ")";
  const auto status = [&](Plan plan) {
    plan.workers = GetParam();
    ProxyFixture other(std::move(plan));
    return send_request(other.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields).status;
  };
  const auto with_key = [](const std::string& url) {
    return Process::Environment{{"ANTHROPIC_API_KEY", kServerKey}, {"CCPROXY_UPSTREAM_URL", url}};
  };
  EXPECT_EQ(status(Plan{.config = file + "{mock}\"}}", .upstream = ""}), 200);
  EXPECT_EQ(status(Plan{.config = file + nowhere + "\"}}", .upstream = ""}), 502);
  EXPECT_EQ(
      status(Plan{
          .config = file + nowhere + "\"}}", .environment = with_key("{mock}"), .upstream = ""}),
      200);
  EXPECT_EQ(
      status(Plan{.config = file + "{mock}\"}}", .environment = with_key(nowhere), .upstream = ""}),
      502);
  EXPECT_EQ(status(Plan{.config = file + nowhere + "\"}}",
                        .environment = with_key(nowhere),
                        .upstream = "{mock}"}),
            200);
}

}  // namespace
}  // namespace ccproxy::test
