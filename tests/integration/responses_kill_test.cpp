// Killed at any moment, again and again, while clients stream, continue, poll and run responses in
// the background: the database opens again, whatever was acknowledged is there and whole, and what
// ran is failed (rule B.7).
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

// What clients have seen until the server died.
struct Seen {
  std::mutex mutex;
  std::map<std::string, Document> ended;                // by id, as they were told
  std::map<std::string, std::vector<Document>> events;  // of streams, as far as they came
  std::vector<std::string> queued;                      // acknowledged, in the background
};

// Each of these goes on until nobody answers any more.
void stream_on(const ProxyFixture& fixture, Seen& seen) {
  std::string previous;
  while (true) {
    Document more = {{"stream", true}};
    if (!previous.empty()) more["previous_response_id"] = previous;
    const Reply reply = respond(fixture, response_body(more), kClosing);
    const ResponseEvents read = read_some_events(reply.body);
    if (reply.status == 200 && !read.id().empty()) {
      const std::lock_guard lock(seen.mutex);
      seen.events[read.id()] = read.events;
      if (read.ends() == 1) seen.ended[read.id()] = read.response();
    }
    if (reply.status != 200 || read.ends() == 0) return;
    previous = read.id();
  }
}

void ask_on(const ProxyFixture& fixture, Seen& seen) {
  while (true) {
    const Reply reply = respond(fixture, response_body(), kClosing);
    if (reply.status != 200 || !reply.complete) return;
    const Document response = json_of(reply.body);
    const std::lock_guard lock(seen.mutex);
    seen.ended[response["id"].get<std::string>()] = response;
  }
}

void poll_on(const ProxyFixture& fixture, Seen& seen) {
  while (true) {
    const Reply asked = respond(fixture, response_body({{"background", true}}), kClosing);
    if (asked.status != 200 || !asked.complete) return;
    const std::string id = json_of(asked.body)["id"];
    {
      const std::lock_guard lock(seen.mutex);
      seen.queued.push_back(id);
    }
    while (true) {
      const Reply polled = ask_stored(fixture, "GET", id, kClosing);
      if (polled.status != 200 || !polled.complete) return;
      const Document response = json_of(polled.body);
      const std::string status = response["status"];
      if (status == "queued" || status == "in_progress") continue;
      const std::lock_guard lock(seen.mutex);
      seen.ended[id] = response;
      break;
    }
  }
}

class ResponsesKill : public testing::TestWithParam<unsigned> {
 protected:
  void expect_whole(const std::string& id, const Document& told) {
    EXPECT_EQ(told["status"], "completed");
    EXPECT_EQ(stored_response(fixture, id), told);
    const ResponseEvents read = read_events(ask_stored(fixture, "GET", id + "?stream=true").body);
    EXPECT_EQ(read.fault, "");
    EXPECT_EQ(read.response(), told);
  }

  // It is either whole, or failed; its replay has one end and tells what was told before.
  void expect_ended(const std::string& id, const std::vector<Document>& told) {
    const Document response = stored_response(fixture, id);
    if (response.is_null()) return;
    const std::string status = response["status"];
    EXPECT_TRUE(status == "failed" || status == "completed") << response;
    if (status == "failed") {
      EXPECT_EQ(response["error"]["code"], "server_error");
    }
    const ResponseEvents read = read_events(ask_stored(fixture, "GET", id + "?stream=true").body);
    EXPECT_EQ(read.fault, "");
    EXPECT_EQ(read.response(), response);
    for (std::size_t i = 0; i < told.size() && i + 1 < read.events.size(); ++i)
      EXPECT_EQ(read.events[i]["type"], told[i]["type"]) << read.events[i];
    // Who has seen more than was written is told the end all the same, and once.
    const auto after = static_cast<std::int64_t>(told.size()) - 1;
    const Reply rest =
        ask_stored(fixture, "GET", id + "?stream=true&starting_after=" + std::to_string(after));
    const ResponseEvents behind = read_some_events(rest.body, after + 1);
    EXPECT_EQ(behind.fault, "");
    EXPECT_EQ(behind.ends(), 1) << rest.body;
  }

  void run_until_killed(Seen& seen, milliseconds time) {
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) clients.emplace_back([&] { stream_on(fixture, seen); });
    for (int i = 0; i < 2; ++i) clients.emplace_back([&] { ask_on(fixture, seen); });
    for (int i = 0; i < 3; ++i) clients.emplace_back([&] { poll_on(fixture, seen); });
    std::this_thread::sleep_for(time);
    fixture.proxy().signal(SIGKILL);
    EXPECT_EQ(fixture.proxy().wait_exit(), 128 + SIGKILL);
    for (std::thread& client : clients) client.join();
  }

  ProxyFixture fixture{Plan{.workers = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ResponsesKill, testing::Values(1U, 2U));

TEST_P(ResponsesKill, nothing_that_was_acknowledged_is_lost) {
  fixture.reply(json_of(R"({"pace":4,"blocks":[{"thinking":"a b c d","signature":"S"},
      {"text":"one two three four five six seven eight nine ten eleven twelve"}]})"));
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::size_t ended = 0, cut = 0, failed = 0;
  std::string last;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    Seen seen;
    run_until_killed(seen, milliseconds(20 + random() % 350));
    fixture.restart();
    for (const auto& [id, told] : seen.ended) expect_whole(id, told);
    for (const auto& [id, told] : seen.events)
      if (!seen.ended.contains(id)) expect_ended(id, told);
    for (const std::string& id : seen.queued) {
      EXPECT_FALSE(stored_response(fixture, id).is_null()) << id << " was acknowledged";
      if (seen.ended.contains(id)) continue;
      expect_ended(id, {});
      failed += stored_response(fixture, id)["status"] == "failed" ? 1 : 0;
    }
    if (!seen.ended.empty()) last = seen.ended.begin()->first;
    ended += seen.ended.size();
    cut += seen.events.size();
    if (HasFailure()) return;
  }
  EXPECT_GT(ended, 0U) << "the clients were never fast enough: nothing was tested";
  EXPECT_GT(cut, 0U);
  EXPECT_GT(failed, 0U);
  ASSERT_FALSE(last.empty());
  EXPECT_EQ(stream_response(fixture, {{"previous_response_id", last}}).response()["status"],
            "completed");
}

// A kill in the same moment as the end, which is what the writer has to have been through.
TEST_P(ResponsesKill, killed_when_the_end_was_seen) {
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
    const Document kept = stored_response(fixture, read.id());
    ASSERT_FALSE(kept.is_null());
    EXPECT_EQ(kept["status"], "completed");
    if (read.ends() == 1) {
      EXPECT_EQ(kept, read.response());
    }
  }
}

// The same for what is queued: whoever has read the id can ask for it for ever.
TEST_P(ResponsesKill, killed_when_queued_was_seen) {
  fixture.reply(json_of(R"({"fault":"stall"})"));
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
    const Document kept = stored_response(fixture, json_of(reply.body)["id"]);
    EXPECT_EQ(kept.value("status", ""), "failed");
    EXPECT_EQ(kept["error"].value("message", ""),
              "connection lost: CCProxy ended before this response did.");
  }
}

// So long that pieces of it were on disk: what was told once is told again, its items among it.
TEST_P(ResponsesKill, killed_in_the_middle_of_a_long_one) {
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
  // Events go to disk a piece after the other; all but the last of these 200 KB, which is not full.
  auto disk = store::Database::open(on.home() + "/responses.db").value();
  ASSERT_TRUE(wait_until([&] {
    return disk.number("SELECT coalesce(sum(length(bytes)), 0) FROM events", {}).value_or(0) >
           180'000;
  }));
  on.proxy().signal(SIGKILL);
  EXPECT_EQ(on.proxy().wait_exit(), 128 + SIGKILL);
  on.restart();
  const ResponseEvents read = read_events(ask_stored(on, "GET", id + "?stream=true").body);
  EXPECT_EQ(read.fault.substr(0, 60), "");
  EXPECT_GT(read.text().size(), 20'000U);
  EXPECT_EQ(stored_response(on, id), read.response());
  EXPECT_EQ(read.response()["output"].size(), 2U) << "the items that were finished";
}

}  // namespace
}  // namespace ccproxy::test
