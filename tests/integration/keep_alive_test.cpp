// Connections to the upstream that are used again, and what happens when one of them has died
// meanwhile: the request goes out again where that is safe, and only there.
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/raw_upstream.hpp"
#include "support/road.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kAnswer =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

class KeepAlive : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam()}};
  RawClient client{fixture.port()};  // one connection stays with one worker and its pool

  Reply post(std::string_view body = kWhole, std::string_view fields = kFields) {
    client.send(request("POST", "/v1/messages", body, fields));
    return client.read_reply();
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, KeepAlive, testing::Values(1U, 2U));

TEST_P(KeepAlive, one_connection_carries_one_request_after_another) {
  for (int i = 0; i < 20; ++i) ASSERT_EQ(post(i % 2 == 0 ? kWhole : kStreamed).status, 200);
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(requests[i]["connection"], requests[0]["connection"]);
    EXPECT_EQ(requests[i]["request"], i + 1);
  }
}

TEST_P(KeepAlive, every_kind_of_answer_leaves_the_connection_usable) {
  for (const char* fault : {"split=7", "interim", "gzip", "crlf", "error-mid", "status=529"}) {
    fixture.reply({{"text", "Hi"}, {"fault", fault}});
    (void)post(kStreamed);
  }
  fixture.reply({{"status", 204}, {"body", ""}});
  EXPECT_EQ(post().status, 204);
  client.send(request("HEAD", "/v1/files", {}, kFields));
  (void)client.read_reply(true);
  Document requests = fixture.requests();
  for (Document& one : requests) EXPECT_EQ(one["connection"], requests[0]["connection"]);
}

TEST_P(KeepAlive, an_upstream_that_wants_to_close_is_not_asked_again_on_it) {
  for (const char* fault : {"close-after", "http10"}) {
    fixture.forget_requests();
    fixture.reply({{"text", "Hi"}, {"fault", fault}});
    EXPECT_EQ(post().status, 200);
    EXPECT_EQ(post().status, 200);
    Document requests = fixture.requests();
    EXPECT_NE(requests.at(0)["connection"], requests.at(1)["connection"]) << fault;
  }
  for (Document& receipt : fixture.receipts(4)) EXPECT_FALSE(receipt.contains("resent"));
}

TEST_P(KeepAlive, an_answer_that_was_not_read_to_its_end_costs_its_connection) {
  fixture.reply({{"text", "Hi"}, {"fault", "end-mid=2"}});
  EXPECT_NE(post(kStreamed).body.find("event: error"), std::string::npos);
  fixture.reply({{"text", "Hi"}});
  RawClient next(fixture.port());
  next.send(request("POST", "/v1/messages", kWhole, kFields));
  EXPECT_EQ(next.read_reply().status, 200);
  Document requests = fixture.requests();
  EXPECT_NE(requests.at(0)["connection"], requests.at(1)["connection"]);
}

TEST_P(KeepAlive, a_connection_that_died_in_the_pool_is_not_used) {
  fixture.script({{"replies", Document::array(
                                  {{{"times", 1}, {"text", "Hi"}, {"fault", "dead-keepalive"}}})}});
  EXPECT_EQ(post().status, 200);
  ASSERT_TRUE(wait_until([&] { return fixture.status()["open_connections"] == 0; }));
  EXPECT_EQ(post().status, 200);
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_NE(requests.at(0)["connection"], requests.at(1)["connection"]);
  EXPECT_FALSE(fixture.receipts(2)[1].contains("resent")) << "its end was seen before";
}

TEST_P(KeepAlive, a_connection_that_dies_with_the_request_is_replaced_once) {
  for (const char* body : {kWhole, kStreamed}) {
    fixture.forget_requests();
    fixture.script(
        {{"replies",
          Document::array({{{"times", 1}, {"text", "Hi"}, {"fault", "dead-keepalive=late"}}})}});
    EXPECT_EQ(post(body).status, 200);
    const Reply again = post(body);
    EXPECT_EQ(again.status, 200) << again.raw;
    EXPECT_TRUE(again.complete);
    Document requests = fixture.requests();
    ASSERT_EQ(requests.size(), 2U) << "one of each must have been served, no more";
    EXPECT_EQ(body_of(requests[1]), body);
    EXPECT_NE(requests[0]["connection"], requests[1]["connection"]);
  }
  const auto receipts = fixture.receipts(4);
  EXPECT_FALSE(receipts[0].contains("resent"));
  EXPECT_EQ(receipts[1]["resent"], 1);
  EXPECT_EQ(receipts[1]["ended"], "complete");
}

// The rest wants an upstream that is told what to do when.
class DeadConnection : public testing::TestWithParam<unsigned> {
 protected:
  RawUpstream upstream;
  ProxyFixture fixture{Plan{.workers = GetParam(),
                            .config = R"({"timeouts": {"firstByteSeconds": 5}})",
                            .upstream = upstream.url()}};
  RawClient client{fixture.port()};

  // A connection that has carried one request and lies in the pool.
  std::unique_ptr<RawClient> pooled() {
    client.send(request("POST", "/v1/messages", kWhole, kFields));
    auto peer = upstream.accept();
    EXPECT_TRUE(peer && peer->wait_for(kWhole));
    peer->send(kAnswer);
    EXPECT_EQ(client.read_reply().status, 200);
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, DeadConnection, testing::Values(1U, 2U));

constexpr const char* kSecond = R"({"model":"claude-sonnet-5","second":true})";

TEST_P(DeadConnection, is_replaced_and_the_request_comes_whole) {
  const auto first = pooled();
  client.send(request("POST", "/v1/messages", kSecond, kFields));
  ASSERT_TRUE(first->wait_for(kSecond));
  first->close();
  const auto fresh = upstream.accept();
  ASSERT_TRUE(fresh && fresh->wait_for(kSecond));
  fresh->send(kAnswer);
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(fixture.receipts(2)[1]["resent"], 1);
}

TEST_P(DeadConnection, is_replaced_once_only) {
  const auto first = pooled();
  client.send(request("POST", "/v1/messages", kSecond, kFields));
  ASSERT_TRUE(first->wait_for(kSecond));
  first->reset();
  const auto fresh = upstream.accept();
  ASSERT_TRUE(fresh && fresh->wait_for(kSecond));
  fresh->reset();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr) << "it was sent a third time";
}

TEST_P(DeadConnection, that_was_new_is_not_replaced) {
  client.send(request("POST", "/v1/messages", kWhole, kFields));
  const auto first = upstream.accept();
  ASSERT_TRUE(first && first->wait_for(kWhole));
  first->close();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr);
}

TEST_P(DeadConnection, that_answered_a_byte_is_not_replaced) {
  const auto first = pooled();
  client.send(request("POST", "/v1/messages", kSecond, kFields));
  ASSERT_TRUE(first->wait_for(kSecond));
  first->send("H");
  first->close();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr) << "an answer had begun";
}

TEST_P(DeadConnection, that_died_late_is_not_replaced) {
  const auto first = pooled();
  client.send(request("POST", "/v1/messages", kSecond, kFields));
  ASSERT_TRUE(first->wait_for(kSecond));
  std::this_thread::sleep_for(milliseconds(1300));  // longer than "at once": it may have run
  first->close();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr);
  EXPECT_FALSE(fixture.receipts(2)[1].contains("resent"));
}

TEST_P(DeadConnection, never_gets_an_upload_sent_again) {
  const auto first = pooled();
  client.send(request("POST", "/v1/files", "an upload", kFields));
  ASSERT_TRUE(first->wait_for("an upload"));
  first->close();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr);
}

TEST_P(DeadConnection, is_replaced_for_a_route_without_a_body) {
  const auto first = pooled();
  client.send(request("GET", "/v1/files", {}, kFields));
  ASSERT_TRUE(first->wait_for("GET /v1/files"));
  first->close();
  const auto fresh = upstream.accept();
  ASSERT_TRUE(fresh && fresh->wait_for("GET /v1/files"));
  fresh->send(kAnswer);
  EXPECT_EQ(client.read_reply().status, 200);
}

TEST_P(DeadConnection, in_the_pool_that_said_something_unasked_is_not_used) {
  const auto first = pooled();
  first->send("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
  // It must have arrived before the next request is sent; the loopback needs no time to speak of.
  std::this_thread::sleep_for(milliseconds(50));
  client.send(request("POST", "/v1/messages", kSecond, kFields));
  const auto fresh = upstream.accept();
  ASSERT_TRUE(fresh && fresh->wait_for(kSecond));
  fresh->send(kAnswer);
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 200) << "an answer to nothing was taken for this one's";
}

TEST_P(DeadConnection, is_let_go_after_its_time_in_the_pool) {
  ProxyFixture other(Plan{.workers = GetParam(),
                          .config = R"({"timeouts": {"keepAliveSeconds": 1}})",
                          .upstream = upstream.url()});
  RawClient caller(other.port());
  caller.send(request("POST", "/v1/messages", kWhole, kFields));
  const auto peer = upstream.accept();
  ASSERT_TRUE(peer && peer->wait_for(kWhole));
  peer->send(kAnswer);
  EXPECT_EQ(caller.read_reply().status, 200);
  EXPECT_TRUE(peer->wait_closed(seconds(3)));
}

}  // namespace
}  // namespace ccproxy::test
