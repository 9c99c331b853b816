// Two servers on one home: what runs in the one is followed, cancelled and erased at the other, and
// what ran in one that was killed has failed at the one that lives.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSeconds{5000};  // of a busy machine

// Another server on a road's home.
class Second {
 public:
  Second(const ProxyFixture& first, const RawUpstream& upstream)
      : process_(CCPROXY_BINARY, {"start", "--port", "0", "--upstream", upstream.url()},
                 {{"CCPROXY_HOME", first.home()},
                  {"HOME", first.home()},
                  {"ANTHROPIC_API_KEY", kServerKey}}) {
    constexpr std::string_view kBefore = "listening on http://127.0.0.1:";
    EXPECT_TRUE(process_.wait_for(std::string(kBefore))) << process_.errors();
    EXPECT_TRUE(wait_until([&] {
      const std::string printed = process_.output();
      const auto at = printed.find(kBefore);
      const auto end = at == std::string::npos ? at : printed.find('\n', at);
      if (end == std::string::npos) return false;
      port_ = static_cast<std::uint16_t>(std::stoul(printed.substr(at + kBefore.size())));
      return true;
    }));
  }

  [[nodiscard]] Process& process() { return process_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Reply ask(std::string_view method, const std::string& rest) const {
    return test::ask(port_, method, std::string(kResponses) + "/" + rest, {}, kOpenAiFields);
  }
  [[nodiscard]] std::string status_of(const std::string& id) const {
    const Reply reply = ask("GET", id);
    return reply.status == 200 ? json_of(reply.body).at("status").get<std::string>() : "none";
  }

 private:
  Process process_;
  std::uint16_t port_ = 0;
};

class ResponsesShared : public testing::Test {
 protected:
  // One in the background that runs in the second server and has told "Hel".
  void begin() {
    const Document body = response_body({{"background", true}});
    const Reply reply = ask(second.port(), "POST", kResponses, body.dump(), kOpenAiFields);
    ASSERT_EQ(reply.status, 200) << reply.raw;
    id = json_of(reply.body)["id"];
    peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(kEventStreamHead +
               chunked(message_start_event() + text_start_event() + text_event("Hel")));
    ASSERT_TRUE(wait_until([&] { return second.status_of(id) == "in_progress"; }));
  }
  [[nodiscard]] std::unique_ptr<RawClient> follow(std::uint16_t port,
                                                  const char* until = "response.queued") const {
    auto follower = std::make_unique<RawClient>(port);
    follower->send(request("GET", std::string(kResponses) + "/" + id + "?stream=true"));
    EXPECT_TRUE(follower->wait_for(until));
    return follower;
  }
  static void expect_one_end(RawClient& follower) {
    const Reply told = follower.read_reply(false, kSeconds);
    EXPECT_TRUE(told.complete) << told.raw;
    const ResponseEvents read = read_some_events(told.body);
    EXPECT_EQ(read.fault, "");
    EXPECT_EQ(read.ends(), 1) << told.body;
  }

  RawUpstream upstream;
  ProxyFixture fixture{
      Plan{.config = R"({"upstream":{"maxRetries":0}})", .upstream = upstream.url()}};
  Second second{fixture, upstream};
  std::string id;
  std::unique_ptr<RawClient> peer;
};

TEST_F(ResponsesShared, what_ran_in_one_that_was_killed_has_failed_at_the_other) {
  begin();
  const auto follower = follow(fixture.port());
  second.process().signal(SIGKILL);
  expect_one_end(*follower);
  const Document response = ended_response(fixture, id);
  EXPECT_EQ(response["status"], "failed");
  EXPECT_EQ(response["error"]["code"], "server_error");
  const Document cancelled = json_of(ask_stored(fixture, "POST", id + "/cancel").body);
  EXPECT_EQ(cancelled, response) << "it is over, so nothing changes";
}

TEST_F(ResponsesShared, cancel_reaches_the_server_that_runs_it) {
  begin();
  const auto here = follow(fixture.port()), there = follow(second.port());
  const Document cancelled = json_of(ask_stored(fixture, "POST", id + "/cancel").body);
  EXPECT_EQ(cancelled.value("status", ""), "cancelled") << cancelled;
  EXPECT_TRUE(peer->wait_closed(kSeconds)) << "the request to Claude";
  EXPECT_EQ(second.status_of(id), "cancelled");
  expect_one_end(*here);
  expect_one_end(*there);
}

// One that is stopped holds its lock: nobody may say that it is dead, nor that it has obeyed.
TEST_F(ResponsesShared, cancel_says_when_it_does_not_come_through) {
  begin();
  second.process().signal(SIGSTOP);
  const Reply reply = ask_stored(fixture, "POST", id + "/cancel");
  EXPECT_EQ(reply.status, 503) << reply.raw;
  EXPECT_EQ(reply.field("retry-after"), "1");
  EXPECT_NE(reply.body.find("Another CCProxy"), std::string::npos) << reply.body;
  second.process().signal(SIGCONT);
  EXPECT_TRUE(wait_until([&] { return second.status_of(id) == "cancelled"; })) << "later";
}

TEST_F(ResponsesShared, erased_at_the_other) {
  begin();
  const auto here = follow(fixture.port()), there = follow(second.port());
  EXPECT_EQ(ask_stored(fixture, "DELETE", id).status, 200);
  EXPECT_TRUE(peer->wait_closed(kSeconds)) << "nobody can ever read it";
  expect_one_end(*here);
  expect_one_end(*there);
  EXPECT_EQ(second.status_of(id), "none");
}

// One that is not in the background ends with its client alone: nothing else would tell those who
// follow it.
TEST_F(ResponsesShared, erased_at_the_other_while_its_client_reads_it) {
  for (const bool streams : {true, false}) {
    SCOPED_TRACE(streams ? "streamed" : "whole");
    RawClient asker(second.port());
    asker.send(
        request("POST", kResponses, response_body({{"stream", streams}}).dump(), kOpenAiFields));
    peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(kEventStreamHead +
               chunked(message_start_event() + text_start_event() + text_event("Hel")));
    id = only_kept(fixture);
    const auto here = follow(fixture.port(), "200 OK");  // nothing is on disk yet but that it runs
    const auto there = follow(second.port(), "response.created");
    EXPECT_EQ(ask_stored(fixture, "DELETE", id).status, 200);
    expect_one_end(*here);
    expect_one_end(*there);
    peer->send(chunked(text_event("lo") + stop_events()) + "0\r\n\r\n");
    const Reply told = asker.read_reply();
    EXPECT_TRUE(told.complete) << told.raw;
    const Document response = streams ? read_events(told.body).response() : json_of(told.body);
    EXPECT_EQ(response.value("status", ""), "completed") << told.body;
    EXPECT_EQ(second.status_of(id), "none");
    peer.reset();  // the next request comes on a connection of its own
  }
}

}  // namespace
}  // namespace ccproxy::test
