// Responses in the background: created, polled, followed live from any worker, cancelled, deleted
// while they run, and ended by whatever ends them (P68).
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kSecond{1000};
const std::string kLong(20'000, 'x');  // more than one write to the store

class BackgroundResponse : public testing::TestWithParam<unsigned> {
 protected:
  struct Begun {
    std::string id;
    std::unique_ptr<RawClient> peer;
  };
  // Starts a response in the background whose upstream has sent "Hel" and waits for the test.
  Begun begin(const ProxyFixture& on, bool has_begun = true) {
    const Document queued = whole_response(on, {{"background", true}});
    EXPECT_EQ(queued["status"], "queued");
    EXPECT_EQ(queued["background"], true);
    EXPECT_EQ(queued["output"], Document::array());
    EXPECT_TRUE(queued["completed_at"].is_null() && queued["usage"].is_null());
    Begun begun{queued["id"], next_message(upstream)};
    EXPECT_TRUE(begun.peer);
    if (has_begun && begun.peer) begun.peer->send(half_stream());
    return begun;
  }
  static void end(const Begun& begun) { begun.peer->send(rest_of_stream()); }
  [[nodiscard]] std::string status_of(const std::string& id, const ProxyFixture& on) const {
    const Document response = stored_response(on, id);
    return response.is_null() ? "none" : response.at("status").get<std::string>();
  }
  [[nodiscard]] bool becomes(const std::string& id, const std::string& status,
                             const ProxyFixture& on, milliseconds limit = kTimeout) const {
    return wait_until([&] { return status_of(id, on) == status; }, limit);
  }
  static std::string follow_request(const std::string& id, int after = -1) {
    std::string target = std::string(kResponses) + "/" + id + "?stream=true";
    if (after >= 0) target += "&starting_after=" + std::to_string(after);
    return request("GET", target);
  }

  RawUpstream upstream;
  ProxyFixture fixture{
      Plan{.workers = GetParam(),
           .config = R"({"upstream":{"maxRetries":0},"server":{"shutdownGraceSeconds":1},
                               "timeouts":{"sseKeepAliveSeconds":1}})",
           .upstream = upstream.url()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, BackgroundResponse, testing::Values(1U, 2U));

TEST_P(BackgroundResponse, is_queued_at_once_and_polled_until_completed_p68) {
  const Begun begun = begin(fixture, false);
  EXPECT_EQ(status_of(begun.id, fixture), "queued") << "nothing has answered yet";
  begun.peer->send(half_stream());
  EXPECT_TRUE(becomes(begun.id, "in_progress", fixture));
  end(begun);
  const Document response = ended_response(fixture, begun.id);
  EXPECT_EQ(response["status"], "completed");
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "Hello");
  EXPECT_EQ(response["usage"]["output_tokens"], 7);
  const ResponseEvents read =
      read_events(request_stored(fixture, "GET", begun.id + "?stream=true").body);
  EXPECT_EQ(read.fault, "");
  EXPECT_TRUE(read.names().starts_with("created queued in_progress output_item.added"))
      << read.names();
  EXPECT_EQ(read.response(), response);
}

TEST_P(BackgroundResponse, is_followed_live_by_many_clients_p68) {
  const Begun begun = begin(fixture);
  ASSERT_TRUE(becomes(begun.id, "in_progress", fixture));
  std::vector<std::unique_ptr<RawClient>> followers;
  for (int i = 0; i < 8; ++i) {
    followers.push_back(std::make_unique<RawClient>(fixture.port()));
    followers.back()->send(follow_request(begun.id, i % 4 == 0 ? -1 : i % 4));
  }
  for (const auto& follower : followers)
    EXPECT_TRUE(follower->wait_for("\"Hel\"")) << "events must come before the end";
  for (const auto& follower : followers)
    EXPECT_TRUE(follower->wait_for(": keepalive\n\n", milliseconds(4000))) << "in silence";
  end(begun);
  ResponseEvents all;
  for (int i = 0; i < 8; ++i) {
    const Reply reply = followers[static_cast<std::size_t>(i)]->read_reply();
    EXPECT_TRUE(reply.complete);
    const int first = i % 4 == 0 ? 0 : i % 4 + 1;
    const ResponseEvents read =
        first == 0 ? read_events(reply.body) : read_some_events(reply.body, first);
    EXPECT_EQ(read.fault, "") << reply.body;
    if (first == 0) all = read;
    EXPECT_EQ(read.events, std::vector<Document>(all.events.begin() + first, all.events.end()));
    EXPECT_EQ(read.ends(), 1);
  }
}

TEST_P(BackgroundResponse, lost_stream_is_resumed_p68) {
  for (int round = 0; round < 4; ++round) {
    RawClient client(fixture.port());
    client.send(request("POST", kResponses,
                        response_body({{"stream", true}, {"background", true}}).dump(),
                        kOpenAiFields));
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(half_stream());
    ASSERT_TRUE(client.wait_for("\"Hel\""));
    const std::string before = client.take_through("\"Hel\"");
    client.close();
    const auto at = before.find("resp_");
    const std::string id = before.substr(at, before.find('"', at) - at);
    RawClient again(fixture.port());
    again.send(follow_request(id, 4));  // after created, queued, in_progress, item, part
    ASSERT_TRUE(again.wait_for("\"Hel\""));
    peer->send(rest_of_stream());
    const ResponseEvents rest = read_some_events(again.read_reply().body, 5);
    EXPECT_EQ(rest.fault, "");
    EXPECT_EQ(rest.text(), "Hello");
    EXPECT_EQ(rest.response()["status"], "completed");
    EXPECT_EQ(rest.response(), stored_response(fixture, id));
  }
}

TEST_P(BackgroundResponse, cancel_ends_it_and_the_upstreams_request_p68) {
  for (const bool has_begun : {false, true}) {
    SCOPED_TRACE(has_begun);
    const Begun begun = begin(fixture, has_begun);
    if (has_begun) {
      ASSERT_TRUE(becomes(begun.id, "in_progress", fixture));
    }
    RawClient follower(fixture.port());
    follower.send(follow_request(begun.id));
    ASSERT_TRUE(follower.wait_for("response.queued"));
    const Document cancelled = json_of(request_stored(fixture, "POST", begun.id + "/cancel").body);
    EXPECT_EQ(cancelled.value("status", ""), "cancelled") << cancelled;
    EXPECT_TRUE(begun.peer->wait_closed(kSecond));
    EXPECT_EQ(stored_response(fixture, begun.id), cancelled);
    const Reply reply = follower.read_reply();
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(read_some_events(reply.body).ends(), 1) << reply.body;
    const Reply again = request_stored(fixture, "POST", begun.id + "/cancel");
    EXPECT_EQ(json_of(again.body), cancelled) << "once more is no error";
    EXPECT_EQ(error_in(post_response(fixture, response_body({{"previous_response_id", begun.id}})))
                  .value("code", ""),
              "previous_response_not_found");
  }
}

TEST_P(BackgroundResponse, cancel_after_the_end_changes_nothing_p68) {
  const Begun begun = begin(fixture);
  end(begun);
  const Document response = ended_response(fixture, begun.id);
  EXPECT_EQ(json_of(request_stored(fixture, "POST", begun.id + "/cancel").body), response);
}

// Each follower gets one final event, however far it has read.
TEST_P(BackgroundResponse, deletion_ends_it_and_its_followers) {
  RawClient client(fixture.port());
  client.send(request("POST", kResponses,
                      response_body({{"stream", true}, {"background", true}}).dump(),
                      kOpenAiFields));
  ASSERT_TRUE(client.wait_for("event: response.queued"));
  const auto at = client.pending().find("resp_");
  const Begun begun{.id = client.pending().substr(at, 37), .peer = next_message(upstream)};
  ASSERT_TRUE(begun.peer);
  begun.peer->send(kEventStreamHead + chunked(message_start_event() + text_start_event() +
                                              text_event("Hel") + text_event(kLong)));
  ASSERT_TRUE(becomes(begun.id, "in_progress", fixture));
  RawClient early(fixture.port()), late(fixture.port()), ahead(fixture.port());
  early.send(follow_request(begun.id));
  late.send(follow_request(begun.id, 3));
  ahead.send(follow_request(begun.id, 1000));
  for (RawClient* follower : {&client, &early, &late}) ASSERT_TRUE(follower->wait_for("\"Hel\""));
  ASSERT_TRUE(ahead.wait_for("200 OK"));
  EXPECT_EQ(request_stored(fixture, "DELETE", begun.id).status, 200);
  EXPECT_TRUE(begun.peer->wait_closed(kSecond)) << "nobody can ever read it";
  EXPECT_EQ(status_of(begun.id, fixture), "none");
  int which = 0;
  for (RawClient* follower : {&client, &early, &late, &ahead}) {
    SCOPED_TRACE(which++);
    const Reply reply = follower->read_reply(false, milliseconds(5000));
    EXPECT_TRUE(reply.complete) << reply.raw;
    EXPECT_EQ(read_some_events(reply.body).ends(), follower == &ahead ? 0 : 1) << reply.body;
  }
  EXPECT_FALSE(
      wait_until([&] { return status_of(begun.id, fixture) != "none"; }, milliseconds(300)))
      << "it came back";
}

// Before, followers stayed until the response ended, although it could not be fetched any more. The
// client that created it gets all of it.
TEST_P(BackgroundResponse, deletion_ends_the_followers_but_not_the_client) {
  for (const bool streams : {true, false}) {
    SCOPED_TRACE(streams ? "streamed" : "whole");
    RawClient client(fixture.port());
    client.send(
        request("POST", kResponses, response_body({{"stream", streams}}).dump(), kOpenAiFields));
    const Begun begun{.id = "", .peer = next_message(upstream)};
    ASSERT_TRUE(begun.peer);
    begun.peer->send(half_stream());
    const std::string id = only_stored_id(fixture);
    RawClient early(fixture.port()), late(fixture.port()), ahead(fixture.port());
    early.send(follow_request(id));
    late.send(follow_request(id, 3));
    ahead.send(follow_request(id, 1000));
    for (RawClient* follower : {&early, &late}) ASSERT_TRUE(follower->wait_for("\"Hel\""));
    ASSERT_TRUE(ahead.wait_for("200 OK"));
    EXPECT_EQ(request_stored(fixture, "DELETE", id).status, 200);
    int which = 0;
    for (RawClient* follower : {&early, &late, &ahead}) {
      SCOPED_TRACE(which++);
      const Reply reply = follower->read_reply(false, milliseconds(5000));
      EXPECT_TRUE(reply.complete) << reply.raw;
      EXPECT_EQ(read_some_events(reply.body).ends(), 1) << reply.body;
    }
    end(begun);
    const Reply reply = client.read_reply();
    EXPECT_TRUE(reply.complete) << reply.raw;
    const Document response = streams ? read_events(reply.body).response() : json_of(reply.body);
    EXPECT_EQ(response.value("status", ""), "completed") << reply.body;
    EXPECT_EQ(response["output"][0]["content"][0]["text"], "Hello");
    EXPECT_EQ(status_of(id, fixture), "none");
  }
  EXPECT_EQ(fixture.log().find("could not be kept"), std::string::npos) << fixture.log();
}

TEST_P(BackgroundResponse, fails_with_the_upstreams_error) {
  const auto error = [](const char* status, const char* type) {
    const std::string body =
        Document{{"type", "error"}, {"error", {{"type", type}, {"message", "m"}}}}.dump();
    return std::string("HTTP/1.1 ") + status +
           "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  };
  const std::vector<std::pair<std::string, const char*>> rows = {
      {error("529 Overloaded", "overloaded_error"), "server_error"},
      {error("429 Too Many Requests", "rate_limit_error"), "rate_limit_exceeded"},
      {error("500 Error", "api_error"), "server_error"},
      {error("401 Unauthorized", "authentication_error"), nullptr},
      {error("400 Bad Request", "invalid_request_error"), "invalid_prompt"},
      {"", "server_error"},  // closed
      {std::string(kEventStreamHead) + chunked(message_start_event()) + "0\r\n\r\n",
       "server_error"},
      {half_stream() + "0\r\n\r\n", "server_error"}};
  for (const auto& [response_bytes, code] : rows) {
    SCOPED_TRACE(response_bytes.substr(0, 40));
    Begun begun = begin(fixture, false);
    begun.peer->send(response_bytes);
    if (response_bytes.empty()) begun.peer->close();
    const Document response = ended_response(fixture, begun.id);
    EXPECT_EQ(response["status"], "failed");
    ASSERT_TRUE(response["error"].is_object()) << response;
    const bool has_words_of_upstream =
        response_bytes.starts_with("HTTP/1.1 4") || response_bytes.starts_with("HTTP/1.1 5");
    const std::string message = response["error"]["message"];
    EXPECT_EQ(message.starts_with("connection lost: "), !has_words_of_upstream) << message;
    EXPECT_FALSE(message.empty());
    EXPECT_TRUE(code == nullptr || response["error"]["code"] == code) << response["error"];
    const Reply replay = request_stored(fixture, "GET", begun.id + "?stream=true");
    const ResponseEvents read = read_some_events(replay.body);
    EXPECT_EQ(read.fault, "");
    EXPECT_EQ(read.ends(), 1) << replay.body;
    EXPECT_EQ(read.response(), response);
  }
}

// An invalid request is refused at once, not later by polling.
TEST_P(BackgroundResponse, invalid_request_is_refused_at_once_p68) {
  for (const char* more : {R"({"store":false})", R"({"input":7})"}) {
    Document body = response_body(json_of(more));
    body["background"] = true;
    for (const bool streams : {false, true}) {
      body["stream"] = streams;
      EXPECT_EQ(post_response(fixture, body).status, 400) << body;
    }
  }
}

TEST_P(BackgroundResponse, shutdown_lets_it_finish) {
  const Begun begun = begin(fixture);
  ASSERT_TRUE(becomes(begun.id, "in_progress", fixture));
  fixture.proxy().signal(SIGTERM);
  ASSERT_TRUE(fixture.proxy().wait_for("no new clients"));
  end(begun);
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  fixture.restart();
  const Document response = stored_response(fixture, begun.id);
  EXPECT_EQ(response.at("status"), "completed");
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "Hello");
}

TEST_P(BackgroundResponse, shutdown_beyond_the_grace_fails_it) {
  const Begun begun = begin(fixture), silent = begin(fixture, false);
  ASSERT_TRUE(becomes(begun.id, "in_progress", fixture));
  RawClient follower(fixture.port());
  follower.send(follow_request(begun.id));
  ASSERT_TRUE(follower.wait_for("\"Hel\""));
  const auto signalled_at = steady_clock::now();
  fixture.proxy().signal(SIGTERM);
  const Reply reply = follower.read_reply();
  EXPECT_EQ(read_events(reply.body).fault, "") << reply.body;
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  EXPECT_LT(steady_clock::now() - signalled_at, milliseconds(5000));
  fixture.restart();
  for (const std::string& id : {begun.id, silent.id}) {
    const Document response = stored_response(fixture, id);
    EXPECT_EQ(response.at("status"), "failed");
    EXPECT_EQ(response["error"]["code"], "server_error");
    const std::string message = response["error"]["message"];
    EXPECT_TRUE(message.starts_with("connection lost: ")) << message;
    EXPECT_EQ(read_events(request_stored(fixture, "GET", id + "?stream=true").body).response(),
              response);
  }
}

// A response in the background counts as a connection, so that their number is bounded.
TEST(BackgroundResponseLimit, refuses_the_next_one) {
  ProxyFixture fixture{Plan{.config = R"({"limits":{"connections":6}})"}};
  fixture.set_reply(json_of(R"({"fault":"stall"})"));
  const Document more = {{"background", true}};
  for (int count = 0; count < 6; ++count)
    EXPECT_EQ(whole_response(fixture, more)["status"], "queued");
  const Reply reply = post_response(fixture, response_body(more));
  EXPECT_EQ(reply.status, 503) << reply.raw;
  EXPECT_EQ(reply.field("retry-after"), "1");
}

}  // namespace
}  // namespace ccproxy::test
