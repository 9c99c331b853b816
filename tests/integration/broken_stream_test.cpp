// Streams that break, in every dialect and every way: the client is told in the stream, and its
// connection then carries the next attempt, as the head of the reply had promised.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

// Agents ask again where they read this.
constexpr const char* kLost = "\"message\":\"connection lost: ";

struct Route {
  const char *name, *target, *fields;
  std::string body;      // asks for a stream
  const char* told;      // stands in the event that tells of the break
  const char* complete;  // stands at the end of a stream that is whole
};

std::vector<Route> routes() {
  return {{"Messages", "/v1/messages", kFields, kStreamed, "event: error\n", "message_stop"},
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
  // A client that reads the beginning of a stream, and the upstream that sends it.
  struct Begun {
    std::unique_ptr<RawClient> client, peer;
  };
  Begun begin(const Route& route, const RawUpstream& upstream, const ProxyFixture& on) {
    Begun begun{std::make_unique<RawClient>(on.port()), nullptr};
    begun.client->send(post(route));
    begun.peer = next_message(upstream);
    EXPECT_TRUE(begun.peer);
    if (!begun.peer) return begun;
    begun.peer->send(kEventStreamHead +
                     chunked(message_start_event() + text_start_event() + text_event("Half")));
    EXPECT_TRUE(begun.client->wait_for("Half"));
    return begun;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, BrokenStream, testing::Values(1U, 2U));

TEST_P(BrokenStream, ends_in_order_and_its_connection_carries_the_next_attempt) {
  ProxyFixture fixture(
      Plan{.workers = GetParam(),
           .config = R"({"timeouts":{"idleUpstreamSeconds":1},"upstream":{"maxRetries":0}})"});
  for (const Route& route : routes())
    for (const char* fault : {"end-mid=4", "close-mid=4", "stall-mid=4", "error-mid=4"}) {
      SCOPED_TRACE(testing::Message() << route.name << ", " << fault);
      fixture.script({{"replies",
                       {{{"times", 1}, {"text", "One two three four"}, {"fault", fault}},
                        {{"text", "Again"}}}}});
      RawClient client(fixture.port());
      client.send(post(route));
      const Reply broken = client.read_reply();
      EXPECT_EQ(broken.status, 200);
      EXPECT_TRUE(broken.complete) << broken.raw;
      EXPECT_EQ(broken.field("connection"), "");
      EXPECT_NE(broken.body.find(route.told), std::string::npos) << broken.body;
      const bool has_words_of_upstream = std::string_view(fault).starts_with("error");
      EXPECT_EQ(broken.body.find(kLost) != std::string::npos, !has_words_of_upstream)
          << broken.body;
      client.send(post(route));
      const Reply next = client.read_reply();
      EXPECT_EQ(next.status, 200) << next.raw;
      EXPECT_NE(next.body.find(route.complete), std::string::npos) << next.body;
    }
}

// What the mock cannot send: each of these ends the stream by itself.
TEST_P(BrokenStream, of_garbage_ends_in_order_too) {
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
      EXPECT_NE(broken.body.find(route.told), std::string::npos) << broken.body;
      EXPECT_NE(broken.body.find(kLost), std::string::npos) << broken.body;
      begun.client->send(request("GET", "/health"));
      EXPECT_EQ(begun.client->read_reply().status, 200);
    }
}

// What is not streamed is told with a status, in the same words.
TEST_P(BrokenStream, a_whole_reply_that_breaks_says_so_too) {
  ProxyFixture fixture(Plan{.workers = GetParam(),
                            .config = R"({"timeouts":{"idleUpstreamSeconds":1,"firstByteSeconds":1},
                               "upstream":{"maxRetries":0}})"});
  for (const Route& route : routes())
    for (const char* fault : {"end-mid=4", "close-mid=4", "stall-mid=4", "reset", "stall"}) {
      const bool is_relayed = route.name == std::string_view("Messages");
      if (is_relayed && std::string_view(fault).find("-mid") != std::string_view::npos) continue;
      SCOPED_TRACE(testing::Message() << route.name << ", " << fault);
      fixture.reply({{"text", "One two three four"}, {"fault", fault}});
      Document whole = Document::parse(route.body);
      whole.erase("stream");
      const Reply broken = ask(fixture.port(), "POST", route.target, whole.dump(), route.fields);
      EXPECT_GE(broken.status, 502);
      EXPECT_NE(broken.body.find(kLost), std::string::npos) << broken.raw;
    }
}

// Its length is not passed on: an event could not stand behind what it counts.
TEST_P(BrokenStream, whose_length_the_upstream_had_said_is_told_as_any_other) {
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
      EXPECT_NE(broken.body.find(route.told), std::string::npos) << broken.body;
      EXPECT_NE(broken.body.find(kLost), std::string::npos) << broken.body;
      client.send(request("GET", "/health"));
      EXPECT_EQ(client.read_reply().status, 200);
    }
}

// Of HTTP/1.0 the connection's end is the body's: what is told stands before it.
TEST_P(BrokenStream, of_a_client_of_http_1_0_is_told_before_the_connection_ends) {
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
    peer->send(kEventStreamHead +
               chunked(message_start_event() + text_start_event() + text_event("Half")));
    ASSERT_TRUE(client.wait_for("Half"));
    peer->close();
    bool closed = false;
    const std::string all = client.read_all(&closed);
    EXPECT_TRUE(closed);
    EXPECT_NE(all.find(route.told), std::string::npos) << all;
  }
}

// ---- the server ends

// Its head had promised that the connection goes on: the next request is served, and told that it
// is the last one.
TEST_P(BrokenStream, a_server_that_drains_serves_who_was_not_told_to_go) {
  for (const Route& route : routes()) {
    SCOPED_TRACE(route.name);
    RawUpstream upstream;
    ProxyFixture fixture(Plan{.workers = GetParam(), .upstream = upstream.url()});
    const Begun begun = begin(route, upstream, fixture);
    ASSERT_TRUE(begun.peer);
    fixture.proxy().signal(SIGTERM);
    ASSERT_TRUE(fixture.proxy().wait_for("no new clients"));
    begun.client->send(request("GET", "/health"));  // on its way before the reply has ended
    begun.peer->send(chunked(stop_events()) + "0\r\n\r\n");
    EXPECT_TRUE(begun.client->read_reply().complete);
    const Reply next = begun.client->read_reply();
    EXPECT_EQ(next.status, 200) << next.raw;
    EXPECT_EQ(next.field("connection"), "close");
    EXPECT_TRUE(begun.client->wait_closed());
    EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  }
}

TEST_P(BrokenStream, by_a_server_that_ends_leaves_room_to_hear_that_it_ends) {
  for (const Route& route : routes()) {
    SCOPED_TRACE(route.name);
    RawUpstream upstream;
    ProxyFixture fixture(Plan{.workers = GetParam(),
                              .config = R"({"server":{"shutdownGraceSeconds":1}})",
                              .upstream = upstream.url()});
    const Begun begun = begin(route, upstream, fixture);
    ASSERT_TRUE(begun.peer);
    fixture.proxy().signal(SIGTERM);
    begun.client->send(post(route));  // on its way before the reply has ended
    const Reply broken = begun.client->read_reply();
    EXPECT_TRUE(broken.complete) << broken.raw;
    EXPECT_NE(broken.body.find(route.told), std::string::npos) << broken.body;
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
