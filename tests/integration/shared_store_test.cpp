// Two servers share one home: a response of one is followed, cancelled and deleted at the other,
// and responses of a server that was killed have failed at the other.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>

#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMaxWait{5000};  // on a busy machine

// A second server with the fixture's home.
class SecondServer {
 public:
  SecondServer(const ProxyFixture& first, const RawUpstream& upstream)
      : process_(CCPROXY_BINARY, {"start", "--port", "0", "--upstream", upstream.url()},
                 {{"CCPROXY_HOME", first.home()},
                  {"HOME", first.home()},
                  {"ANTHROPIC_API_KEY", kServerKey}}) {
    port_ = wait_for_port(process_);
  }

  [[nodiscard]] Process& process() { return process_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Reply request_stored(std::string_view method, const std::string& rest) const {
    return send_request(port_, method, std::string(kResponses) + "/" + rest, {}, kOpenAiFields);
  }
  [[nodiscard]] std::string status_of(const std::string& id) const {
    const Reply reply = request_stored("GET", id);
    return reply.status == 200 ? json_of(reply.body).at("status").get<std::string>() : "none";
  }

 private:
  Process process_;
  std::uint16_t port_ = 0;
};

class SharedStore : public testing::Test {
 protected:
  // Starts a response in the background at the second server, whose upstream has sent "Hel".
  void begin() {
    const Document body = response_body({{"background", true}});
    const Reply reply = send_request(second.port(), "POST", kResponses, body.dump(), kOpenAiFields);
    ASSERT_EQ(reply.status, 200) << reply.raw;
    id = json_of(reply.body)["id"];
    peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(half_stream());
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
    const Reply reply = follower.read_reply(false, kMaxWait);
    EXPECT_TRUE(reply.complete) << reply.raw;
    const ResponseEvents read = read_some_events(reply.body);
    EXPECT_EQ(read.fault, "");
    EXPECT_EQ(read.ends(), 1) << reply.body;
  }

  RawUpstream upstream;
  ProxyFixture fixture{
      Plan{.config = R"({"upstream":{"maxRetries":0}})", .upstream = upstream.url()}};
  SecondServer second{fixture, upstream};
  std::string id;
  std::unique_ptr<RawClient> peer;
};

TEST_F(SharedStore, responses_of_a_killed_server_have_failed_at_the_other) {
  begin();
  const auto follower = follow(fixture.port());
  second.process().signal(SIGKILL);
  expect_one_end(*follower);
  const Document response = ended_response(fixture, id);
  EXPECT_EQ(response["status"], "failed");
  EXPECT_EQ(response["error"]["code"], "server_error");
  const Document cancelled = json_of(request_stored(fixture, "POST", id + "/cancel").body);
  EXPECT_EQ(cancelled, response) << "it is over, so nothing changes";
}

TEST_F(SharedStore, cancel_reaches_the_server_that_runs_the_response) {
  begin();
  const auto here = follow(fixture.port()), there = follow(second.port());
  const Document cancelled = json_of(request_stored(fixture, "POST", id + "/cancel").body);
  EXPECT_EQ(cancelled.value("status", ""), "cancelled") << cancelled;
  EXPECT_TRUE(peer->wait_closed(kMaxWait)) << "the request to Claude";
  EXPECT_EQ(second.status_of(id), "cancelled");
  expect_one_end(*here);
  expect_one_end(*there);
}

// A stopped process still holds its lock: the other must report neither that it is dead nor that it
// has cancelled.
TEST_F(SharedStore, cancel_fails_when_the_other_server_does_not_react) {
  begin();
  second.process().signal(SIGSTOP);
  const Reply reply = request_stored(fixture, "POST", id + "/cancel");
  EXPECT_EQ(reply.status, 503) << reply.raw;
  EXPECT_EQ(reply.field("retry-after"), "1");
  EXPECT_NE(reply.body.find("Another CCProxy"), std::string::npos) << reply.body;
  second.process().signal(SIGCONT);
  EXPECT_TRUE(wait_until([&] { return second.status_of(id) == "cancelled"; })) << "later";
}

TEST_F(SharedStore, deletion_ends_a_response_of_the_other_server) {
  begin();
  const auto here = follow(fixture.port()), there = follow(second.port());
  EXPECT_EQ(request_stored(fixture, "DELETE", id).status, 200);
  EXPECT_TRUE(peer->wait_closed(kMaxWait)) << "nobody can ever read it";
  expect_one_end(*here);
  expect_one_end(*there);
  EXPECT_EQ(second.status_of(id), "none");
}

// A response that is not in the background ends only with its client; its followers must be told of
// the deletion.
TEST_F(SharedStore, deletion_at_the_other_server_does_not_stop_the_client) {
  for (const bool streams : {true, false}) {
    SCOPED_TRACE(streams ? "streamed" : "whole");
    RawClient client(second.port());
    client.send(
        request("POST", kResponses, response_body({{"stream", streams}}).dump(), kOpenAiFields));
    peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(half_stream());
    id = only_stored_id(fixture);
    const auto here = follow(fixture.port(), "200 OK");  // only its beginning is stored yet
    const auto there = follow(second.port(), "response.created");
    EXPECT_EQ(request_stored(fixture, "DELETE", id).status, 200);
    expect_one_end(*here);
    expect_one_end(*there);
    peer->send(rest_of_stream());
    const Reply reply = client.read_reply();
    EXPECT_TRUE(reply.complete) << reply.raw;
    const Document response = streams ? read_events(reply.body).response() : json_of(reply.body);
    EXPECT_EQ(response.value("status", ""), "completed") << reply.body;
    EXPECT_EQ(second.status_of(id), "none");
    peer.reset();  // the next request comes on a new connection
  }
}

}  // namespace
}  // namespace ccproxy::test
