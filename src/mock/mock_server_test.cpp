// The simulated API over real loopback connections: each fault does what its name says.
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

TEST_F(Loopback, status_faults_come_with_their_type_and_retry_after) {
  const Seen seen = raw(raw_request("connection: close\r\nx-mock-fault: status=429:7\r\n"));
  EXPECT_TRUE(seen.head.starts_with("HTTP/1.1 429"));
  EXPECT_TRUE(contains(seen.head, "retry-after: 7\r\n"));
  EXPECT_TRUE(contains(seen.body, "rate_limit_error"));
  Ask model = {
      "POST", "/v1/messages",
      R"({"model":"mock-fault-status=402","max_tokens":1,"messages":[{"role":"user","content":"a"}]})"};
  EXPECT_EQ(ask(model).status, 402);
  EXPECT_EQ(ask(with_fault("nonsense")).status, 400);
}

TEST_F(Loopback, cut_streams_are_cut_in_their_own_way) {
  const std::string whole = ask({}).body;
  const struct {
    const char* fault;
    bool complete;   // as HTTP sees it
    ErrorKind kind;  // where it is not
  } kRows[] = {{"end-mid=4", true, ErrorKind::kInternal},
               {"close-mid=4", false, ErrorKind::kUpstreamBroke},
               {"reset-mid=4", false, ErrorKind::kClosed}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.fault);
    const Seen seen = ask(with_fault(row.fault));
    EXPECT_EQ(seen.status, 200);
    EXPECT_EQ(seen.complete, row.complete);
    EXPECT_TRUE(contains(seen.body, "content_block_delta"));
    EXPECT_FALSE(contains(seen.body, "message_stop"));
    EXPECT_LT(seen.body.size(), whole.size());
    EXPECT_EQ(seen.error ? seen.error->kind : ErrorKind::kInternal, row.kind);
  }
  const Seen reset = ask(with_fault("reset"));
  ASSERT_TRUE(reset.error);
  EXPECT_TRUE(contains(reset.error->message, "reset")) << reset.error->message;
}

TEST_F(Loopback, cut_messages_end_before_their_length) {
  for (const char* fault : {"close-mid", "reset-mid", "bad-length"}) {
    const Seen seen = ask(with_fault(fault, kWholeBody));
    EXPECT_EQ(seen.status, 200) << fault;
    EXPECT_FALSE(seen.complete) << fault;
  }
  const Seen cut = ask(with_fault("end-mid", kWholeBody));
  EXPECT_TRUE(cut.complete);
  EXPECT_FALSE(json::parse_document(cut.body));
}

TEST_F(Loopback, an_error_event_ends_the_stream) {
  const Seen seen = ask(with_fault("error-mid"));
  EXPECT_TRUE(seen.complete);
  EXPECT_TRUE(seen.body.ends_with(
      "event: error\ndata: "
      "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"
      "\n\n"));
  EXPECT_EQ(ask(with_fault("error-mid", kWholeBody)).status, 529);
}

TEST_F(Loopback, odd_line_ends_and_pieces_say_the_same) {
  const auto without_ids = [](std::string text) {
    const auto at = text.find("msg_01");
    return at == std::string::npos ? text : text.erase(at, 28);
  };
  const auto with_line_end = [](const std::string& text, const std::string& end) {
    std::string changed;
    for (const char c : text) changed += c == '\n' ? end : std::string(1, c);
    return changed;
  };
  const std::string whole = without_ids(ask({}).body);
  for (const char* fault : {"drip", "split", "split=3", "http10", "interim", "close-after",
                            "dead-keepalive", "slow-head=10"}) {
    const Seen seen = ask(with_fault(fault));
    EXPECT_TRUE(seen.complete) << fault << ": " << seen.error->message;
    EXPECT_EQ(without_ids(seen.body), whole) << fault;
  }
  EXPECT_EQ(without_ids(ask(with_fault("crlf")).body), with_line_end(whole, "\r\n"));
  EXPECT_EQ(without_ids(ask(with_fault("cr")).body), with_line_end(whole, "\r"));
  EXPECT_EQ(without_ids(ask(with_fault("no-blank-end")).body), whole.substr(0, whole.size() - 1));
}

TEST_F(Loopback, heads_that_contradict_themselves_are_refused_by_a_strict_client) {
  for (const char* fault : {"two-lengths", "two-lengths=te"}) {
    const Seen seen = ask(with_fault(fault));
    ASSERT_TRUE(seen.error) << fault;
    EXPECT_EQ(seen.error->kind, ErrorKind::kUpstreamBroke) << fault;
  }
}

TEST_F(Loopback, peculiar_heads_are_on_the_wire) {
  EXPECT_TRUE(raw(raw_request("x-mock-fault: http10\r\n")).head.starts_with("HTTP/1.0 200"));
  const Seen interim = raw(raw_request("connection: close\r\nx-mock-fault: interim\r\n"));
  EXPECT_TRUE(interim.head.starts_with("HTTP/1.1 103"));
  EXPECT_TRUE(contains(interim.body, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"));
  const Seen closing = raw(raw_request("x-mock-fault: close-after\r\n"));
  EXPECT_TRUE(contains(closing.head, "connection: close\r\n"));
  EXPECT_TRUE(closing.complete);
  const Seen packed = raw(raw_request("connection: close\r\nx-mock-fault: gzip\r\n", kWholeBody));
  EXPECT_TRUE(contains(packed.head, "content-encoding: gzip\r\n"));
  EXPECT_EQ(packed.body.substr(0, 2), "\x1f\x8b");
  const Seen early =
      raw("POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-mock-fault: early=413\r\n"
          "content-length: 1000000\r\n\r\nbegin",
          milliseconds(3000));
  EXPECT_TRUE(early.head.starts_with("HTTP/1.1 413"));
}

TEST_F(Loopback, a_dead_kept_connection_answers_once) {
  const std::string twice = raw_request("x-mock-fault: dead-keepalive=late\r\n", kWholeBody) +
                            raw_request("", kWholeBody);
  const Seen seen = raw(twice);
  EXPECT_FALSE(contains(seen.head, "connection: close"));
  EXPECT_FALSE(contains(seen.body, "HTTP/1.1 200"));
  EXPECT_EQ(get("/mock/requests").size(), 1U);
}

TEST_F(Loopback, slow_things_are_slow_and_large_things_large) {
  EXPECT_GE(ask(with_fault("slow-head=150")).time, milliseconds(150));
  const Seen huge = ask(with_fault("huge-event=300000"));
  EXPECT_TRUE(contains(huge.body, std::string(300'000, 'x')));
  EXPECT_TRUE(contains(huge.body, "message_stop"));
  const Seen pings = raw(raw_request("x-mock-fault: pings-only=5\r\n"), milliseconds(500), 3000);
  EXPECT_TRUE(contains(pings.body, "{\"type\":\"ping\"}\n\n\r\n23\r\nevent: ping\n")) << pings.body;
  EXPECT_FALSE(contains(pings.body, "content_block_start"));
  script(R"({"replies":[{"pace":"human","blocks":[{"deltas":["a","b","c"]}]}]})");
  EXPECT_GE(ask({}).time, milliseconds(75));
}

Options as_in_demo() {
  Options options;
  options.control = false;
  return options;
}

class WithoutControl : public Loopback {
 protected:
  WithoutControl() : Loopback(as_in_demo()) {}
};

TEST_F(WithoutControl, asks_of_mock_are_unknown) {
  EXPECT_EQ(ask({"GET", "/mock/requests", ""}).status, 404);
  EXPECT_EQ(ask({"PUT", "/mock/script", R"({"replies":[]})"}).status, 404);
}

Options secured() {
  Options options;
  options.tls = true;
  return options;
}

class Secured : public Loopback {
 protected:
  Secured() : Loopback(secured()) {
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
  ~Secured() override { client.reset(); }

  std::unique_ptr<net::TlsContext> tls;
};

TEST_F(Secured, answers_and_aborts) {
  EXPECT_TRUE(ask({}).complete);
  EXPECT_TRUE(ask(with_fault("http10")).complete);  // ended in order by closing
  const Seen cut = ask(with_fault("tls-abort"));
  EXPECT_EQ(cut.status, 200);
  ASSERT_TRUE(cut.error);
  EXPECT_TRUE(contains(cut.error->message, "without ending TLS")) << cut.error->message;
}

}  // namespace
}  // namespace ccproxy::mock
