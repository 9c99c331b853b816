// Upstream connections that are reused, and what happens when one of them has died meanwhile: the
// request is sent again only where that is safe.
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/proxy_fixture.hpp"
#include "support/raw_upstream.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kResponse =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

class ReusedConnection : public testing::TestWithParam<unsigned> {
 protected:
  ProxyFixture fixture{Plan{.workers = GetParam()}};
  RawClient client{fixture.port()};  // one connection stays with one worker and its pool

  Reply post(std::string_view body = kWholeBody, std::string_view fields = kAnthropicFields) {
    client.send(request("POST", "/v1/messages", body, fields));
    return client.read_reply();
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, ReusedConnection, testing::Values(1U, 2U));

TEST_P(ReusedConnection, serves_many_requests) {
  for (int i = 0; i < 20; ++i) ASSERT_EQ(post(i % 2 == 0 ? kWholeBody : kStreamedBody).status, 200);
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(requests[i]["connection"], requests[0]["connection"]);
    EXPECT_EQ(requests[i]["request"], i + 1);
  }
}

TEST_P(ReusedConnection, stays_usable_after_every_kind_of_response) {
  for (const char* fault : {"split=7", "interim", "gzip", "crlf", "error-mid", "status=529"}) {
    fixture.set_reply({{"text", "Hi"}, {"fault", fault}});
    (void)post(kStreamedBody);
  }
  fixture.set_reply({{"status", 204}, {"body", ""}});
  EXPECT_EQ(post().status, 204);
  client.send(request("HEAD", "/v1/files", {}, kAnthropicFields));
  (void)client.read_reply(true);
  Document requests = fixture.requests();
  for (Document& one : requests) EXPECT_EQ(one["connection"], requests[0]["connection"]);
}

TEST_P(ReusedConnection, is_not_used_when_the_upstream_closes_it) {
  for (const char* fault : {"close-after", "http10"}) {
    fixture.clear_requests();
    fixture.set_reply({{"text", "Hi"}, {"fault", fault}});
    EXPECT_EQ(post().status, 200);
    EXPECT_EQ(post().status, 200);
    Document requests = fixture.requests();
    EXPECT_NE(requests.at(0)["connection"], requests.at(1)["connection"]) << fault;
  }
  for (Document& receipt : fixture.receipts(4)) EXPECT_FALSE(receipt.contains("resent"));
}

TEST_P(ReusedConnection, is_not_used_after_a_truncated_response) {
  fixture.set_reply({{"text", "Hi"}, {"fault", "end-mid=2"}});
  EXPECT_NE(post(kStreamedBody).body.find("event: error"), std::string::npos);
  fixture.set_reply({{"text", "Hi"}});
  RawClient next(fixture.port());
  next.send(request("POST", "/v1/messages", kWholeBody, kAnthropicFields));
  EXPECT_EQ(next.read_reply().status, 200);
  Document requests = fixture.requests();
  EXPECT_NE(requests.at(0)["connection"], requests.at(1)["connection"]);
}

TEST_P(ReusedConnection, is_not_used_after_it_closed_in_the_pool) {
  fixture.set_script(
      {{"replies",
        Document::array({{{"times", 1}, {"text", "Hi"}, {"fault", "dead-keepalive"}}})}});
  EXPECT_EQ(post().status, 200);
  ASSERT_TRUE(wait_until([&] { return fixture.status()["open_connections"] == 0; }));
  EXPECT_EQ(post().status, 200);
  Document requests = fixture.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_NE(requests.at(0)["connection"], requests.at(1)["connection"]);
  EXPECT_FALSE(fixture.receipts(2)[1].contains("resent")) << "its end was seen before";
}

TEST_P(ReusedConnection, is_replaced_once_when_it_closes_with_the_request) {
  for (const char* body : {kWholeBody, kStreamedBody}) {
    fixture.clear_requests();
    fixture.set_script(
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

// These tests need an upstream that they control step by step.
class DeadConnection : public testing::TestWithParam<unsigned> {
 protected:
  RawUpstream upstream;
  ProxyFixture fixture{Plan{.workers = GetParam(),
                            .config = R"({"timeouts": {"firstByteSeconds": 5}})",
                            .upstream = upstream.url()}};
  RawClient client{fixture.port()};

  // Returns the upstream's side of a connection that has served one request and is idle in the
  // pool.
  std::unique_ptr<RawClient> pooled() {
    auto peer = start_message(client, upstream, kWholeBody);
    EXPECT_TRUE(peer);
    peer->send(kResponse);
    EXPECT_EQ(client.read_reply().status, 200);
    return peer;
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, DeadConnection, testing::Values(1U, 2U));

constexpr const char* kSecondBody = R"({"model":"claude-sonnet-5","second":true})";

TEST_P(DeadConnection, is_replaced_and_the_request_is_sent_whole) {
  const auto first = pooled();
  client.send(request("POST", "/v1/messages", kSecondBody, kAnthropicFields));
  ASSERT_TRUE(first->wait_for(kSecondBody));
  first->close();
  const auto fresh = upstream.accept();
  ASSERT_TRUE(fresh && fresh->wait_for(kSecondBody));
  fresh->send(kResponse);
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(fixture.receipts(2)[1]["resent"], 1);
}

TEST_P(DeadConnection, is_replaced_once_only) {
  const auto first = pooled();
  client.send(request("POST", "/v1/messages", kSecondBody, kAnthropicFields));
  ASSERT_TRUE(first->wait_for(kSecondBody));
  first->reset();
  const auto fresh = upstream.accept();
  ASSERT_TRUE(fresh && fresh->wait_for(kSecondBody));
  fresh->reset();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr) << "it was sent a third time";
}

TEST_P(DeadConnection, is_not_replaced_when_it_was_new) {
  const auto first = start_message(client, upstream, kWholeBody);
  ASSERT_TRUE(first);
  first->close();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr);
}

TEST_P(DeadConnection, is_not_replaced_after_a_byte_of_the_response) {
  const auto first = pooled();
  client.send(request("POST", "/v1/messages", kSecondBody, kAnthropicFields));
  ASSERT_TRUE(first->wait_for(kSecondBody));
  first->send("H");
  first->close();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr) << "a response had begun";
}

TEST_P(DeadConnection, is_not_replaced_when_it_died_late) {
  const auto first = pooled();
  client.send(request("POST", "/v1/messages", kSecondBody, kAnthropicFields));
  ASSERT_TRUE(first->wait_for(kSecondBody));
  std::this_thread::sleep_for(milliseconds(1300));  // the request may have run by now
  first->close();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr);
  EXPECT_FALSE(fixture.receipts(2)[1].contains("resent"));
}

TEST_P(DeadConnection, is_not_replaced_for_an_upload) {
  const auto first = pooled();
  client.send(request("POST", "/v1/files", "an upload", kAnthropicFields));
  ASSERT_TRUE(first->wait_for("an upload"));
  first->close();
  EXPECT_EQ(client.read_reply().status, 502);
  EXPECT_EQ(upstream.accept(milliseconds(300)), nullptr);
}

TEST_P(DeadConnection, is_replaced_for_a_request_without_a_body) {
  const auto first = pooled();
  client.send(request("GET", "/v1/files", {}, kAnthropicFields));
  ASSERT_TRUE(first->wait_for("GET /v1/files"));
  first->close();
  const auto fresh = upstream.accept();
  ASSERT_TRUE(fresh && fresh->wait_for("GET /v1/files"));
  fresh->send(kResponse);
  EXPECT_EQ(client.read_reply().status, 200);
}

TEST_P(DeadConnection, is_not_used_after_an_unsolicited_response) {
  const auto first = pooled();
  first->send("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
  // The response must have arrived before the next request is sent; on loopback 50 ms are plenty.
  std::this_thread::sleep_for(milliseconds(50));
  const auto fresh = start_message(client, upstream, kSecondBody);
  ASSERT_TRUE(fresh);
  fresh->send(kResponse);
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 200) << "the unsolicited response must not be used";
}

TEST_P(DeadConnection, is_closed_after_its_idle_time) {
  ProxyFixture other(Plan{.workers = GetParam(),
                          .config = R"({"timeouts": {"keepAliveSeconds": 1}})",
                          .upstream = upstream.url()});
  RawClient caller(other.port());
  const auto peer = start_message(caller, upstream, kWholeBody);
  ASSERT_TRUE(peer);
  peer->send(kResponse);
  EXPECT_EQ(caller.read_reply().status, 200);
  EXPECT_TRUE(peer->wait_closed(seconds(3)));
}

}  // namespace
}  // namespace ccproxy::test
