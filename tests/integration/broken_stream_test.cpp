// Streams that break off, in every dialect and in every way: the stream itself carries the error,
// and the connection serves the client's next request, as the head of the reply has promised.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

struct Route {
  const char *name, *target, *fields;
  std::string body;        // the request asks for a stream
  const char* error_mark;  // stands in the event that reports the break
  const char* complete;    // stands at the end of a complete stream
};

std::vector<Route> routes() {
  return {{"Messages", "/v1/messages", kAnthropicFields, kStreamedBody, "event: error\n",
           "message_stop"},
          {"Chat", kChat, kOpenAiFields, chat_body({{"stream", true}}).dump(),
           "data: {\"error\":", "data: [DONE]"},
          {"Completions", "/v1/completions", kOpenAiFields,
           R"({"model":"claude-sonnet-5","prompt":"Hi","stream":true})",
           "data: {\"error\":", "data: [DONE]"},
          {"Responses", kResponses, kOpenAiFields, response_body({{"stream", true}}).dump(),
           "event: response.failed\n", "event: response.completed\n"}};
}

std::string post(const Route& route) {
  return request("POST", route.target, route.body, route.fields);
}

class BrokenStream : public testing::TestWithParam<unsigned> {
 protected:
  // A client that has received the beginning of a stream, and the upstream that sends it.
  struct Begun {
    std::unique_ptr<RawClient> client, peer;
  };
  Begun begin(const Route& route, const RawUpstream& upstream, const ProxyFixture& on) {
    Begun begun{std::make_unique<RawClient>(on.port()), nullptr};
    begun.client->send(post(route));
    begun.peer = next_message(upstream);
    EXPECT_TRUE(begun.peer);
    if (!begun.peer) return begun;
    begun.peer->send(half_stream("Half"));
    EXPECT_TRUE(begun.client->wait_for("Half"));
    return begun;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, BrokenStream, testing::Values(1U, 2U));

TEST_P(BrokenStream, ends_in_order_and_the_connection_serves_the_next_request) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(),
           .config = R"({"timeouts":{"idleUpstreamSeconds":1},"upstream":{"maxRetries":0}})"});
  for (const Route& route : routes())
    for (const char* fault : {"end-mid=4", "close-mid=4", "stall-mid=4", "error-mid=4"}) {
      SCOPED_TRACE(testing::Message() << route.name << ", " << fault);
      fixture.set_script({{"replies",
                           {{{"times", 1}, {"text", "One two three four"}, {"fault", fault}},
                            {{"text", "Again"}}}}});
      RawClient client(fixture.port());
      client.send(post(route));
      const Reply broken = client.read_reply();
      EXPECT_EQ(broken.status, 200);
      EXPECT_TRUE(broken.complete) << broken.raw;
      EXPECT_EQ(broken.field("connection"), "");
      EXPECT_NE(broken.body.find(route.error_mark), std::string::npos) << broken.body;
      const bool has_words_of_upstream = std::string_view(fault).starts_with("error");
      EXPECT_EQ(broken.body.find(kConnectionLost) != std::string::npos, !has_words_of_upstream)
          << broken.body;
      client.send(post(route));
      const Reply next = client.read_reply();
      EXPECT_EQ(next.status, 200) << next.raw;
      EXPECT_NE(next.body.find(route.complete), std::string::npos) << next.body;
    }
}

// The mock cannot send these: each of them breaks the stream.
TEST_P(BrokenStream, ends_in_order_after_garbage) {
  RawUpstream upstream;
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"upstream":{"maxRetries":0}})",
                            .upstream = upstream.url()});
  for (const Route& route : routes())
    for (const std::string& garbage :
         {std::string("no chunk\r\n"), std::string("ffffffffffffffffff\r\n"),
          chunked("data: no JSON\n\n") + "0\r\n\r\n"}) {
      SCOPED_TRACE(testing::Message() << route.name << ", " << garbage);
      const Begun begun = begin(route, upstream, fixture);
      ASSERT_TRUE(begun.peer);
      begun.peer->send(garbage);
      const Reply broken = begun.client->read_reply();
      EXPECT_TRUE(broken.complete) << broken.raw;
      EXPECT_NE(broken.body.find(route.error_mark), std::string::npos) << broken.body;
      EXPECT_NE(broken.body.find(kConnectionLost), std::string::npos) << broken.body;
      begun.client->send(request("GET", "/health"));
      EXPECT_EQ(begun.client->read_reply().status, 200);
    }
}

// A reply that is not streamed reports the break with a status and the same words.
TEST_P(BrokenStream, whole_reply_reports_the_break_with_a_status) {
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"timeouts":{"idleUpstreamSeconds":1,"firstByteSeconds":1},
                               "upstream":{"maxRetries":0}})"});
  for (const Route& route : routes())
    for (const char* fault : {"end-mid=4", "close-mid=4", "stall-mid=4", "reset", "stall"}) {
      const bool is_relayed = route.name == std::string_view("Messages");
      if (is_relayed && std::string_view(fault).find("-mid") != std::string_view::npos) continue;
      SCOPED_TRACE(testing::Message() << route.name << ", " << fault);
      fixture.set_reply({{"text", "One two three four"}, {"fault", fault}});
      Document whole = Document::parse(route.body);
      whole.erase("stream");
      const Reply broken =
          send_request(fixture.port(), "POST", route.target, whole.dump(), route.fields);
      EXPECT_GE(broken.status, 502);
      EXPECT_NE(broken.body.find(kConnectionLost), std::string::npos) << broken.raw;
    }
}

// The upstream's Content-Length is not forwarded: it would not count the error event.
TEST_P(BrokenStream, is_reported_although_the_upstream_sent_a_length) {
  RawUpstream upstream;
  ProxyFixture fixture(Plan{.workers = GetParam(), .upstream = upstream.url()});
  const std::string half = message_start_event() + text_start_event() + text_event("Half");
  for (const Route& route : routes())
    for (const std::size_t missing : {std::size_t{0}, std::size_t{100}}) {
      SCOPED_TRACE(testing::Message() << route.name << ", " << missing << " bytes are missing");
      RawClient client(fixture.port());
      client.send(post(route));
      const auto peer = next_message(upstream);
      ASSERT_TRUE(peer);
      peer->send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: " +
                 std::to_string(half.size() + missing) + "\r\n\r\n" + half);
      ASSERT_TRUE(client.wait_for("Half"));
      peer->close();
      const Reply broken = client.read_reply();
      EXPECT_TRUE(broken.complete) << broken.raw;
      EXPECT_NE(broken.body.find(route.error_mark), std::string::npos) << broken.body;
      EXPECT_NE(broken.body.find(kConnectionLost), std::string::npos) << broken.body;
      client.send(request("GET", "/health"));
      EXPECT_EQ(client.read_reply().status, 200);
    }
}

// For HTTP/1.0 the end of the connection ends the body, so the error must be sent before it.
TEST_P(BrokenStream, is_reported_to_an_http_1_0_client_before_closing) {
  RawUpstream upstream;
  ProxyFixture fixture(Plan{.workers = GetParam(), .upstream = upstream.url()});
  for (const Route& route : routes()) {
    SCOPED_TRACE(route.name);
    std::string old = post(route);
    old.replace(old.find("HTTP/1.1"), 8, "HTTP/1.0");
    RawClient client(fixture.port());
    client.send(old);
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(half_stream("Half"));
    ASSERT_TRUE(client.wait_for("Half"));
    peer->close();
    bool closed = false;
    const std::string all = client.read_all(&closed);
    EXPECT_TRUE(closed);
    EXPECT_NE(all.find(route.error_mark), std::string::npos) << all;
  }
}

// The head of the reply had promised a persistent connection: the next request is served, and its
// reply announces that the connection closes.
TEST_P(BrokenStream, draining_server_serves_one_more_request_on_the_connection) {
  for (const Route& route : routes()) {
    SCOPED_TRACE(route.name);
    RawUpstream upstream;
    ProxyFixture fixture(Plan{.workers = GetParam(), .upstream = upstream.url()});
    const Begun begun = begin(route, upstream, fixture);
    ASSERT_TRUE(begun.peer);
    fixture.proxy().signal(SIGTERM);
    ASSERT_TRUE(fixture.proxy().wait_for("no new clients"));
    begun.client->send(request("GET", "/health"));  // sent before the reply has ended
    begun.peer->send(chunked(stop_events()) + "0\r\n\r\n");
    EXPECT_TRUE(begun.client->read_reply().complete);
    const Reply next = begun.client->read_reply();
    EXPECT_EQ(next.status, 200) << next.raw;
    EXPECT_EQ(next.field("connection"), "close");
    EXPECT_TRUE(begun.client->wait_closed());
    EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  }
}

TEST_P(BrokenStream, shutdown_lets_the_next_request_get_a_503) {
  for (const Route& route : routes()) {
    SCOPED_TRACE(route.name);
    RawUpstream upstream;
    ProxyFixture fixture(Plan{.workers = GetParam(),
                              .config = R"({"server":{"shutdownGraceSeconds":1}})",
                              .upstream = upstream.url()});
    const Begun begun = begin(route, upstream, fixture);
    ASSERT_TRUE(begun.peer);
    fixture.proxy().signal(SIGTERM);
    begun.client->send(post(route));  // sent before the reply has ended
    const Reply broken = begun.client->read_reply();
    EXPECT_TRUE(broken.complete) << broken.raw;
    EXPECT_NE(broken.body.find(route.error_mark), std::string::npos) << broken.body;
    const Reply next = begun.client->read_reply();
    EXPECT_EQ(next.status, 503) << next.raw;
    EXPECT_EQ(next.field("connection"), "close");
    EXPECT_NE(next.body.find("connection lost: CCProxy is shutting down"), std::string::npos)
        << next.body;
    EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  }
}

}  // namespace
}  // namespace ccproxy::test
