// Tests over real loopback connections that each fault does what its name says.
#include "mock/mock_server.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>

#include "json/document.hpp"
#include "mock/loopback_fixture.hpp"
#include "net/tls.hpp"

namespace ccproxy::mock {
namespace {

class MockFault : public LoopbackFixture {};

TEST_F(MockFault, status_sends_the_error_type_and_retry_after) {
  const ReceivedReply reply =
      send_raw(raw_request("connection: close\r\nx-mock-fault: status=429:7\r\n"));
  EXPECT_TRUE(reply.head.starts_with("HTTP/1.1 429"));
  EXPECT_TRUE(contains(reply.head, "retry-after: 7\r\n"));
  EXPECT_TRUE(contains(reply.body, "rate_limit_error"));
  TestRequest model = {
      "POST", "/v1/messages",
      R"({"model":"mock-fault-status=402","max_tokens":1,"messages":[{"role":"user","content":"a"}]})"};
  EXPECT_EQ(send(model).status, 402);
  EXPECT_EQ(send(with_fault("nonsense")).status, 400);
}

TEST_F(MockFault, each_cut_breaks_the_stream_in_its_own_way) {
  const std::string whole = send({}).body;
  const struct {
    const char* fault;
    bool complete;   // by its HTTP framing
    ErrorKind kind;  // of the error, unless complete
  } kRows[] = {{"end-mid=4", true, ErrorKind::kInternal},
               {"close-mid=4", false, ErrorKind::kUpstreamBroke},
               {"reset-mid=4", false, ErrorKind::kClosed}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.fault);
    const ReceivedReply reply = send(with_fault(row.fault));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.complete, row.complete);
    EXPECT_TRUE(contains(reply.body, "content_block_delta"));
    EXPECT_FALSE(contains(reply.body, "message_stop"));
    EXPECT_LT(reply.body.size(), whole.size());
    EXPECT_EQ(reply.error ? reply.error->kind : ErrorKind::kInternal, row.kind);
  }
  const ReceivedReply reset = send(with_fault("reset"));
  ASSERT_TRUE(reset.error);
  EXPECT_TRUE(contains(reset.error->message, "reset")) << reset.error->message;
}

TEST_F(MockFault, cut_messages_end_before_their_length) {
  for (const char* fault : {"close-mid", "reset-mid", "bad-length"}) {
    const ReceivedReply reply = send(with_fault(fault, kWholeBody));
    EXPECT_EQ(reply.status, 200) << fault;
    EXPECT_FALSE(reply.complete) << fault;
  }
  const ReceivedReply cut = send(with_fault("end-mid", kWholeBody));
  EXPECT_TRUE(cut.complete);
  EXPECT_FALSE(json::parse_document(cut.body));
}

TEST_F(MockFault, error_event_ends_the_stream) {
  const ReceivedReply reply = send(with_fault("error-mid"));
  EXPECT_TRUE(reply.complete);
  EXPECT_TRUE(reply.body.ends_with(
      "event: error\ndata: "
      "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"
      "\n\n"));
  EXPECT_EQ(send(with_fault("error-mid", kWholeBody)).status, 529);
}

TEST_F(MockFault, line_ends_and_slices_leave_the_content_unchanged) {
  const auto without_ids = [](std::string text) {
    const auto at = text.find("msg_01");
    return at == std::string::npos ? text : text.erase(at, 28);
  };
  const auto with_line_end = [](const std::string& text, const std::string& end) {
    std::string changed;
    for (const char c : text) changed += c == '\n' ? end : std::string(1, c);
    return changed;
  };
  const std::string whole = without_ids(send({}).body);
  for (const char* fault : {"drip", "split", "split=3", "http10", "interim", "close-after",
                            "dead-keepalive", "slow-head=10"}) {
    const ReceivedReply reply = send(with_fault(fault));
    EXPECT_TRUE(reply.complete) << fault << ": " << reply.error->message;
    EXPECT_EQ(without_ids(reply.body), whole) << fault;
  }
  EXPECT_EQ(without_ids(send(with_fault("crlf")).body), with_line_end(whole, "\r\n"));
  EXPECT_EQ(without_ids(send(with_fault("cr")).body), with_line_end(whole, "\r"));
  EXPECT_EQ(without_ids(send(with_fault("no-blank-end")).body), whole.substr(0, whole.size() - 1));
}

TEST_F(MockFault, contradicting_lengths_are_refused_by_a_strict_client) {
  for (const char* fault : {"two-lengths", "two-lengths=te"}) {
    const ReceivedReply reply = send(with_fault(fault));
    ASSERT_TRUE(reply.error) << fault;
    EXPECT_EQ(reply.error->kind, ErrorKind::kUpstreamBroke) << fault;
  }
}

TEST_F(MockFault, head_faults_appear_on_the_wire) {
  EXPECT_TRUE(send_raw(raw_request("x-mock-fault: http10\r\n")).head.starts_with("HTTP/1.0 200"));
  const ReceivedReply interim =
      send_raw(raw_request("connection: close\r\nx-mock-fault: interim\r\n"));
  EXPECT_TRUE(interim.head.starts_with("HTTP/1.1 103"));
  EXPECT_TRUE(contains(interim.body, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"));
  const ReceivedReply closing = send_raw(raw_request("x-mock-fault: close-after\r\n"));
  EXPECT_TRUE(contains(closing.head, "connection: close\r\n"));
  EXPECT_TRUE(closing.complete);
  const ReceivedReply packed =
      send_raw(raw_request("connection: close\r\nx-mock-fault: gzip\r\n", kWholeBody));
  EXPECT_TRUE(contains(packed.head, "content-encoding: gzip\r\n"));
  EXPECT_EQ(packed.body.substr(0, 2), "\x1f\x8b");
  const ReceivedReply early = send_raw(
      "POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-mock-fault: early=413\r\n"
      "content-length: 1000000\r\n\r\nbegin",
      milliseconds(3000));
  EXPECT_TRUE(early.head.starts_with("HTTP/1.1 413"));
}

TEST_F(MockFault, dead_keepalive_replies_once) {
  const std::string twice = raw_request("x-mock-fault: dead-keepalive=late\r\n", kWholeBody) +
                            raw_request("", kWholeBody);
  const ReceivedReply reply = send_raw(twice);
  EXPECT_FALSE(contains(reply.head, "connection: close"));
  EXPECT_FALSE(contains(reply.body, "HTTP/1.1 200"));
  EXPECT_EQ(get("/mock/requests").size(), 1U);
}

TEST_F(MockFault, slow_and_huge_replies_are_slow_and_huge) {
  EXPECT_GE(send(with_fault("slow-head=150")).time, milliseconds(150));
  const ReceivedReply huge = send(with_fault("huge-event=300000"));
  EXPECT_TRUE(contains(huge.body, std::string(300'000, 'x')));
  EXPECT_TRUE(contains(huge.body, "message_stop"));
  const ReceivedReply pings =
      send_raw(raw_request("x-mock-fault: pings-only=5\r\n"), milliseconds(500), 3000);
  EXPECT_TRUE(contains(pings.body, "{\"type\":\"ping\"}\n\n\r\n23\r\nevent: ping\n")) << pings.body;
  EXPECT_FALSE(contains(pings.body, "content_block_start"));
  set_script(R"({"replies":[{"pace":"human","blocks":[{"deltas":["a","b","c"]}]}]})");
  EXPECT_GE(send({}).time, milliseconds(75));
}

Options demo_options() {
  Options options;
  options.control = false;
  return options;
}

class MockServerWithoutControls : public LoopbackFixture {
 protected:
  MockServerWithoutControls() : LoopbackFixture(demo_options()) {}
};

TEST_F(MockServerWithoutControls, replies_404_to_controls) {
  EXPECT_EQ(send({"GET", "/mock/requests", ""}).status, 404);
  EXPECT_EQ(send({"PUT", "/mock/script", R"({"replies":[]})"}).status, 404);
}

Options tls_options() {
  Options options;
  options.tls = true;
  return options;
}

class MockServerWithTls : public LoopbackFixture {
 protected:
  MockServerWithTls() : LoopbackFixture(tls_options()) {
    const std::string path = testing::TempDir() + "mock-ca-" + std::to_string(::getpid()) + ".pem";
    std::ofstream(path) << server.certificate_pem();
    auto context = net::TlsContext::client(path);
    ::unlink(path.c_str());
    EXPECT_TRUE(context);
    tls = std::move(*context);
    client = std::make_unique<http::Client>(
        runtime, http::Origin{true, "localhost", server.port(), "localhost"}, tls.get(),
        http::ClientLimits{});
  }
  ~MockServerWithTls() override { client.reset(); }

  std::unique_ptr<net::TlsContext> tls;
};

TEST_F(MockServerWithTls, replies_and_aborts) {
  EXPECT_TRUE(send({}).complete);
  EXPECT_TRUE(send(with_fault("http10")).complete) << "TLS ends before the connection closes";
  const ReceivedReply cut = send(with_fault("tls-abort"));
  EXPECT_EQ(cut.status, 200);
  ASSERT_TRUE(cut.error);
  EXPECT_TRUE(contains(cut.error->message, "without ending TLS")) << cut.error->message;
}

}  // namespace
}  // namespace ccproxy::mock
