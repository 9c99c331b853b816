// The process is killed at any moment, again and again, while clients stream, continue, poll and
// run responses in the background. The database opens again, everything that was acknowledged is
// complete, and responses that were running have failed (rule B.7).
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "store/database.hpp"
#include "support/responses.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;

constexpr int kRounds = 12;
constexpr const char* kClosing =
    "authorization: Bearer any\r\ncontent-type: application/json\r\nconnection: close\r\n";

// What the clients received until the server died.
struct Received {
  std::mutex mutex;
  std::map<std::string, Document> ended;                // by id, as they were received
  std::map<std::string, std::vector<Document>> events;  // of streams, as far as they came
  std::vector<std::string> queued;                      // ids in the background
};

// Each of these functions sends requests until the server does not reply any more.
void stream_until_killed(const ProxyFixture& fixture, Received& results) {
  std::string previous;
  while (true) {
    Document more = {{"stream", true}};
    if (!previous.empty()) more["previous_response_id"] = previous;
    const Reply reply = post_response(fixture, response_body(more), kClosing);
    const ResponseEvents read = read_some_events(reply.body);
    if (reply.status == 200 && !read.id().empty()) {
      const std::lock_guard lock(results.mutex);
      results.events[read.id()] = read.events;
      if (read.ends() == 1) results.ended[read.id()] = read.response();
    }
    if (reply.status != 200 || read.ends() == 0) return;
    previous = read.id();
  }
}

void create_until_killed(const ProxyFixture& fixture, Received& results) {
  while (true) {
    const Reply reply = post_response(fixture, response_body(), kClosing);
    if (reply.status != 200 || !reply.complete) return;
    const Document response = json_of(reply.body);
    const std::lock_guard lock(results.mutex);
    results.ended[response["id"].get<std::string>()] = response;
  }
}

void poll_until_killed(const ProxyFixture& fixture, Received& results) {
  while (true) {
    const Reply created = post_response(fixture, response_body({{"background", true}}), kClosing);
    if (created.status != 200 || !created.complete) return;
    const std::string id = json_of(created.body)["id"];
    {
      const std::lock_guard lock(results.mutex);
      results.queued.push_back(id);
    }
    while (true) {
      const Reply polled = request_stored(fixture, "GET", id, kClosing);
      if (polled.status != 200 || !polled.complete) return;
      const Document response = json_of(polled.body);
      const std::string status = response["status"];
      if (status == "queued" || status == "in_progress") continue;
      const std::lock_guard lock(results.mutex);
      results.ended[id] = response;
      break;
    }
  }
}

class KilledServer : public testing::TestWithParam<unsigned> {
 protected:
  void expect_whole(const std::string& id, const Document& received) {
    EXPECT_EQ(received["status"], "completed");
    EXPECT_EQ(stored_response(fixture, id), received);
    const ResponseEvents read =
        read_events(request_stored(fixture, "GET", id + "?stream=true").body);
    EXPECT_EQ(read.fault, "");
    EXPECT_EQ(read.response(), received);
  }

  // Expects a response that is completed or failed, and a replay with one end that repeats the
  // events received before.
  void expect_ended(const std::string& id, const std::vector<Document>& received) {
    const Document response = stored_response(fixture, id);
    if (response.is_null()) return;
    const std::string status = response["status"];
    EXPECT_TRUE(status == "failed" || status == "completed") << response;
    if (status == "failed") {
      EXPECT_EQ(response["error"]["code"], "server_error");
    }
    const ResponseEvents read =
        read_events(request_stored(fixture, "GET", id + "?stream=true").body);
    EXPECT_EQ(read.fault, "");
    EXPECT_EQ(read.response(), response);
    for (std::size_t i = 0; i < received.size() && i + 1 < read.events.size(); ++i)
      EXPECT_EQ(read.events[i]["type"], received[i]["type"]) << read.events[i];
    // A client that has received more events than were stored still gets the end, once.
    const auto after = static_cast<std::int64_t>(received.size()) - 1;
    const Reply rest =
        request_stored(fixture, "GET", id + "?stream=true&starting_after=" + std::to_string(after));
    const ResponseEvents behind = read_some_events(rest.body, after + 1);
    EXPECT_EQ(behind.fault, "");
    EXPECT_EQ(behind.ends(), 1) << rest.body;
  }

  void run_until_killed(Received& results, milliseconds time) {
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i)
      clients.emplace_back([&] { stream_until_killed(fixture, results); });
    for (int i = 0; i < 2; ++i)
      clients.emplace_back([&] { create_until_killed(fixture, results); });
    for (int i = 0; i < 3; ++i) clients.emplace_back([&] { poll_until_killed(fixture, results); });
    std::this_thread::sleep_for(time);
    fixture.proxy().signal(SIGKILL);
    EXPECT_EQ(fixture.proxy().wait_exit(), 128 + SIGKILL);
    for (std::thread& client : clients) client.join();
  }

  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, KilledServer, testing::Values(1U, 2U));

TEST_P(KilledServer, loses_nothing_that_was_acknowledged) {
  fixture.set_reply(json_of(R"({"pace":4,"blocks":[{"thinking":"a b c d","signature":"S"},
      {"text":"one two three four five six seven eight nine ten eleven twelve"}]})"));
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::size_t ended = 0, cut = 0, failed = 0;
  std::string last;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    Received results;
    run_until_killed(results, milliseconds(20 + random() % 350));
    fixture.restart();
    for (const auto& [id, received] : results.ended) expect_whole(id, received);
    for (const auto& [id, received] : results.events)
      if (!results.ended.contains(id)) expect_ended(id, received);
    for (const std::string& id : results.queued) {
      EXPECT_FALSE(stored_response(fixture, id).is_null()) << id << " was acknowledged";
      if (results.ended.contains(id)) continue;
      expect_ended(id, {});
      failed += stored_response(fixture, id)["status"] == "failed" ? 1 : 0;
    }
    if (!results.ended.empty()) last = results.ended.begin()->first;
    ended += results.ended.size();
    cut += results.events.size();
    if (HasFailure()) return;
  }
  EXPECT_GT(ended, 0U) << "the clients were never fast enough: nothing was tested";
  EXPECT_GT(cut, 0U);
  EXPECT_GT(failed, 0U);
  ASSERT_FALSE(last.empty());
  EXPECT_EQ(stream_response(fixture, {{"previous_response_id", last}}).response()["status"],
            "completed");
}

// A kill at the moment of the end: the writer must have stored it before it is sent.
TEST_P(KilledServer, has_stored_an_end_that_a_client_received) {
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(round);
    RawClient client(fixture.port());
    client.send(
        request("POST", kResponses, response_body({{"stream", true}}).dump(), kOpenAiFields));
    ASSERT_TRUE(client.wait_for("event: response.completed"));
    fixture.proxy().signal(SIGKILL);
    const Reply reply = client.read_reply();
    EXPECT_EQ(fixture.proxy().wait_exit(), 128 + SIGKILL);
    const std::string body = reply.body.substr(0, reply.body.rfind("\n\n") + 2);
    const ResponseEvents read = read_some_events(body);
    fixture.restart();
    const Document stored = stored_response(fixture, read.id());
    ASSERT_FALSE(stored.is_null());
    EXPECT_EQ(stored["status"], "completed");
    if (read.ends() == 1) {
      EXPECT_EQ(stored, read.response());
    }
  }
}

// The same for queued responses: a client that has read the id can always fetch the response.
TEST_P(KilledServer, has_stored_a_queued_response_that_a_client_received) {
  fixture.set_reply(json_of(R"({"fault":"stall"})"));
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(round);
    RawClient client(fixture.port());
    client.send(
        request("POST", kResponses, response_body({{"background", true}}).dump(), kOpenAiFields));
    const Reply reply = client.read_reply();
    fixture.proxy().signal(SIGKILL);
    EXPECT_EQ(fixture.proxy().wait_exit(), 128 + SIGKILL);
    fixture.restart();
    expect_ended(json_of(reply.body)["id"], {});
    const Document stored = stored_response(fixture, json_of(reply.body)["id"]);
    EXPECT_EQ(stored.value("status", ""), "failed");
    EXPECT_EQ(stored["error"].value("message", ""),
              "connection lost: CCProxy ended before this response did.");
  }
}

// A long response, parts of which are stored before its end: the replay repeats its events and its
// finished items.
TEST_P(KilledServer, has_stored_the_events_of_a_long_response) {
  const RawUpstream upstream;
  ProxyFixture on(Plan{.workers = GetParam(), .upstream = upstream.url()});
  RawClient client(on.port());
  client.send(request("POST", kResponses, response_body({{"stream", true}}).dump(), kOpenAiFields));
  const auto peer = next_message(upstream);
  ASSERT_TRUE(peer);
  const std::string word(1000, 'x');
  std::string events = message_start_event() + text_start_event();
  for (int i = 0; i < 40; ++i) events += text_event(word);
  events += sse(json_of(R"({"type":"content_block_stop","index":0})")) +
            sse(json_of(R"({"type":"content_block_start","index":1,
                "content_block":{"type":"redacted_thinking","data":"DATA"}})")) +
            sse(json_of(R"({"type":"content_block_stop","index":1})")) + text_start_event(2);
  for (int i = 0; i < 40; ++i) events += text_event(word, 2);
  peer->send(kEventStreamHead + chunked(events + text_event("LAST", 2)));
  ASSERT_TRUE(client.wait_for("LAST"));
  const std::string head = client.take_through("resp_");
  const std::string id = "resp_" + client.take_through("\"").substr(0, 32);
  EXPECT_EQ(stored_response(on, id)["status"], "in_progress");
  // Events are stored in pieces: all of these 200 KB but the last piece, which is not full.
  auto disk = store::Database::open(on.home() + "/responses.db").value();
  ASSERT_TRUE(wait_until([&] {
    return disk.number("SELECT coalesce(sum(length(bytes)), 0) FROM events", {}).value_or(0) >
           180'000;
  }));
  on.proxy().signal(SIGKILL);
  EXPECT_EQ(on.proxy().wait_exit(), 128 + SIGKILL);
  on.restart();
  const ResponseEvents read = read_events(request_stored(on, "GET", id + "?stream=true").body);
  EXPECT_EQ(read.fault.substr(0, 60), "");
  EXPECT_GT(read.text().size(), 20'000U);
  EXPECT_EQ(stored_response(on, id), read.response());
  EXPECT_EQ(read.response()["output"].size(), 2U) << "the items that were finished";
}

}  // namespace
}  // namespace ccproxy::test
