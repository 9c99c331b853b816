// A response that cannot be stored never claims to be: another program locks the database, or a
// write fails, at the beginning of a response or at its end. Stored responses stay available.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/archive.hpp"
#include "store/database.hpp"
#include "support/responses.hpp"
#include "support/text.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using store::Database;
using store::Transaction;

constexpr milliseconds kMaxStoreWait{2500};  // a second, and the delays of a busy machine

// Another program that has the database open.
class OtherProgram {
 public:
  explicit OtherProgram(const ProxyFixture& fixture)
      : database_(Database::open(fixture.home() + "/responses.db").value()) {}

  void lock() {
    auto transaction = Transaction::begin(database_, Transaction::Kind::kWrite);
    EXPECT_TRUE(transaction);
    lock_.emplace(std::move(*transaction));
  }
  void unlock() { lock_.reset(); }
  void refuse(const std::string& what) {
    EXPECT_TRUE(database_.run_script("CREATE TRIGGER refuses BEFORE " + what +
                                     " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"));
  }
  void allow() { EXPECT_TRUE(database_.run_script("DROP TRIGGER refuses")); }
  // Returns the number of rows of one response, its items included.
  std::int64_t rows_of(const std::string& id) {
    return database_
        .number(
            "SELECT (SELECT count(*) FROM responses WHERE id = ?)"
            " + (SELECT count(*) FROM items WHERE id LIKE '%' || ? || '%')",
            {std::string_view(id), std::string_view(id).substr(5)})
        .value_or(-1);
  }

 private:
  Database database_;
  std::optional<Transaction> lock_;  // releases its lock before the database closes
};

class UnstoredResponse : public testing::TestWithParam<unsigned> {
 protected:
  // Expects that the id is unknown on every route.
  void expect_never_there(const std::string& id, const ProxyFixture& on) {
    for (const char* rest : {"", "?stream=true", "/input_items"})
      EXPECT_EQ(request_stored(on, "GET", id + rest).status, 404) << rest;
    EXPECT_EQ(request_stored(on, "DELETE", id).status, 404);
    EXPECT_EQ(request_stored(on, "POST", id + "/cancel").status, 404);
    const Reply reply = post_response(on, response_body({{"previous_response_id", id}}));
    EXPECT_EQ(error_in(reply).value("code", ""), "previous_response_not_found") << reply.raw;
  }
  // Creates a response, whole and as a stream, and expects `store: false` and unknown ids. Returns
  // the ids.
  std::vector<std::string> expect_not_stored(const ProxyFixture& on,
                                             const Document& more = Document::object()) {
    std::vector<std::string> ids;
    for (const bool streams : {false, true}) {
      SCOPED_TRACE(streams ? "streamed" : "whole");
      Document body = response_body(more);
      body["stream"] = streams;
      const auto began = steady_clock::now();
      const Reply reply = post_response(on, body);
      EXPECT_LT(steady_clock::now() - began, kMaxStoreWait);
      EXPECT_EQ(reply.status, 200) << reply.raw;
      Document response = streams ? Document() : json_of(reply.body);
      if (streams) {
        const ResponseEvents read = read_events(reply.body);
        EXPECT_EQ(read.fault, "") << reply.body;
        EXPECT_EQ(read.ends(), 1);
        response = read.response();
      } else {
        EXPECT_NE(reply.field("x-ccproxy-warning").find("not_stored"), std::string::npos)
            << reply.raw;
      }
      EXPECT_EQ(response.at("store"), false);
      EXPECT_EQ(response["status"], "completed");
      EXPECT_FALSE(response["output"].empty());
      ids.push_back(response["id"]);
      expect_never_there(ids.back(), on);
    }
    return ids;
  }
  // How often it is in the log; where it should be, its line is waited for.
  static std::size_t times_logged(ProxyFixture& on, const std::string& id) {
    const std::string line = id + " could not be kept";
    (void)on.logs(line);
    return count_in(on.log(), line);
  }

  ProxyFixture fixture{
      Plan{.workers = GetParam(), .config = R"({"server":{"shutdownGraceSeconds":1}})"}};
};
INSTANTIATE_TEST_SUITE_P(Workers, UnstoredResponse, testing::Values(1U, 2U));

TEST_P(UnstoredResponse, says_so_while_another_program_locks_the_database) {
  const std::string before = whole_response(fixture)["id"];
  OtherProgram other(fixture);
  other.lock();
  // Stored responses can be read and continued meanwhile.
  EXPECT_EQ(stored_response(fixture, before)["status"], "completed");
  std::vector<std::string> ids = expect_not_stored(fixture, {{"previous_response_id", before}});
  for (const std::string& id : ids) EXPECT_EQ(times_logged(fixture, id), 1U);
  other.unlock();
  for (const std::string& id : ids) {
    EXPECT_TRUE(wait_until([&] { return other.rows_of(id) == 0; }));
    expect_never_there(id, fixture);
  }
  const Document after = whole_response(fixture, {{"previous_response_id", before}});
  EXPECT_EQ(after["store"], true);
  EXPECT_EQ(stored_response(fixture, after["id"]), after);
}

// No request waits for another program longer than a response's end does, and the server ends
// within its grace.
TEST_P(UnstoredResponse, delays_neither_a_deletion_nor_the_shutdown) {
  ProxyFixture on(
      Plan{.workers = GetParam(), .config = R"({"server":{"shutdownGraceSeconds":1}})"});
  const std::string stored = whole_response(on)["id"];
  OtherProgram other(on);
  other.lock();
  (void)whole_response(on);  // now the writer waits for its turn
  const auto started_at = steady_clock::now();
  const Reply erased = request_stored(on, "DELETE", stored);
  EXPECT_EQ(erased.status, 503) << erased.raw;
  EXPECT_EQ(erased.field("retry-after"), "1");
  EXPECT_LT(steady_clock::now() - started_at, kMaxStoreWait);
  const auto ends_at = steady_clock::now();
  on.proxy().signal(SIGTERM);
  EXPECT_EQ(on.proxy().wait_exit(), 0);
  EXPECT_LT(steady_clock::now() - ends_at, milliseconds(1000) + milliseconds(2000) + kMaxStoreWait);
}

TEST_P(UnstoredResponse, says_so_when_any_write_fails) {
  for (const char* what : {"INSERT ON responses", "INSERT ON events", "UPDATE ON responses",
                           "INSERT ON items", "INSERT ON items WHEN NEW.is_output = 1"}) {
    SCOPED_TRACE(what);
    OtherProgram other(fixture);
    other.refuse(what);
    const auto ids = expect_not_stored(fixture);
    other.allow();
    for (const std::string& id : ids) {
      EXPECT_TRUE(wait_until([&] { return other.rows_of(id) == 0; }));
      EXPECT_EQ(times_logged(fixture, id), 1U);
      expect_never_there(id, fixture);
    }
    const Document after = whole_response(fixture);
    EXPECT_EQ(after["store"], true);
    EXPECT_EQ(stored_response(fixture, after["id"]), after);
  }
}

// Several warnings share one header field.
TEST_P(UnstoredResponse, shares_one_field_with_other_warnings) {
  OtherProgram other(fixture);
  other.refuse("INSERT ON responses");
  const Reply reply = post_response(fixture, response_body({{"model", "gpt-4o-nothing"}}));
  EXPECT_EQ(reply.status, 200) << reply.raw;
  const std::string warning = reply.field("x-ccproxy-warning");
  EXPECT_NE(warning.find("not_stored"), std::string::npos) << reply.raw;
  EXPECT_NE(warning.find(','), std::string::npos) << reply.raw;
}

// Nobody could ever fetch such a response, so it is not begun.
TEST_P(UnstoredResponse, is_refused_in_the_background) {
  OtherProgram other(fixture);
  for (const bool is_locked : {true, false}) {
    SCOPED_TRACE(is_locked);
    is_locked ? other.lock() : other.refuse("INSERT ON responses");
    for (const bool streams : {false, true}) {
      fixture.clear_requests();
      const auto began = steady_clock::now();
      const Reply reply =
          post_response(fixture, response_body({{"background", true}, {"stream", streams}}));
      EXPECT_LT(steady_clock::now() - began, kMaxStoreWait);
      EXPECT_EQ(reply.status, 503) << reply.raw;
      EXPECT_EQ(reply.field("retry-after"), "1");
      EXPECT_EQ(sent_bodies(fixture).size(), 0U) << "nothing was sent upstream";
    }
    if (is_locked) other.unlock();
  }
}

// The end cannot be stored, of a response whose beginning was.
class UnstoredEnd : public testing::TestWithParam<unsigned> {
 protected:
  RawUpstream upstream;
  ProxyFixture fixture{
      Plan{.workers = GetParam(),
           .config = R"({"upstream":{"maxRetries":0},"server":{"shutdownGraceSeconds":1}})",
           .upstream = upstream.url()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, UnstoredEnd, testing::Values(1U, 2U));

TEST_P(UnstoredEnd, is_reported_to_all_followers) {
  for (const bool is_background : {false, true}) {
    SCOPED_TRACE(is_background);
    RawClient client(fixture.port()), follower(fixture.port());
    client.send(request("POST", kResponses,
                        response_body({{"stream", true}, {"background", is_background}}).dump(),
                        kOpenAiFields));
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(half_stream());
    ASSERT_TRUE(client.wait_for("\"Hel\""));
    OtherProgram other(fixture);
    const std::string id = only_stored_id(fixture);
    follower.send(request("GET", std::string(kResponses) + "/" + id + "?stream=true"));
    ASSERT_TRUE(follower.wait_for("\"Hel\""));
    other.lock();
    peer->send(rest_of_stream());
    for (RawClient* const one : {&client, &follower}) {
      const Reply reply = one->read_reply(false, kMaxStoreWait);
      EXPECT_TRUE(reply.complete) << reply.raw;
      const auto end = reply.body.find("event: response.completed");
      ASSERT_NE(end, std::string::npos) << reply.body;
      EXPECT_NE(reply.body.find("\"store\":false", end), std::string::npos) << reply.body;
    }
    EXPECT_EQ(request_stored(fixture, "GET", id).status, 404);
    other.unlock();
    EXPECT_TRUE(wait_until([&] { return other.rows_of(id) == 0; }));
    EXPECT_EQ(request_stored(fixture, "GET", id).status, 404);
  }
}

// A response in the background that nobody follows is stored as soon as that is possible.
TEST_P(UnstoredEnd, is_stored_later_when_nobody_follows) {
  const Document queued = whole_response(fixture, {{"background", true}});
  const auto peer = next_message(upstream);
  ASSERT_TRUE(peer);
  OtherProgram other(fixture);
  other.lock();
  peer->send(
      kEventStreamHead +
      chunked(message_start_event() + text_start_event() + text_event("Hello") + stop_events()) +
      "0\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(2000));
  other.unlock();
  const Document response = ended_response(fixture, queued["id"]);
  EXPECT_EQ(response.at("status"), "completed");
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "Hello");
}

// A response that its client deletes while it runs is no failure of the store.
TEST_P(UnstoredEnd, is_no_failure_after_a_deletion) {
  RawClient client(fixture.port());
  client.send(request("POST", kResponses, response_body({{"stream", true}}).dump(), kOpenAiFields));
  const auto peer = next_message(upstream);
  ASSERT_TRUE(peer);
  peer->send(half_stream());
  ASSERT_TRUE(client.wait_for("\"Hel\""));
  const std::string id = only_stored_id(fixture);
  ASSERT_EQ(request_stored(fixture, "DELETE", id).status, 200);
  peer->send(rest_of_stream());
  EXPECT_TRUE(client.wait_for("event: response.completed"));
  EXPECT_EQ(fixture.log().find("could not be kept"), std::string::npos) << fixture.log();
  EXPECT_EQ(request_stored(fixture, "GET", id).status, 404);
}

// A response that another process runs cannot be ended by this one.
TEST_P(UnstoredResponse, of_another_process_is_followed_until_the_server_ends) {
  auto elsewhere = store::Archive::open(fixture.home() + "/responses.db");
  ASSERT_TRUE(elsewhere);
  (*elsewhere)
      ->submit(
          [](store::Responses& stored) -> Result<void> {
            store::StoredResponse response{.id = "resp_elsewhere", .scope = ""};
            response.object = R"({"id":"resp_elsewhere","status":"in_progress"})";
            if (auto begun = stored.begin(response, {}); !begun) return begun;
            return stored.append_events("resp_elsewhere", 0, 0,
                                        "event: response.created\ndata: {}\n\n");
          },
          {});
  ASSERT_TRUE(wait_until([&] { return !stored_response(fixture, "resp_elsewhere").is_null(); }));
  RawClient follower(fixture.port());
  follower.send(request("GET", std::string(kResponses) + "/resp_elsewhere?stream=true"));
  ASSERT_TRUE(follower.wait_for("response.created"));
  fixture.proxy().signal(SIGTERM);
  const Reply reply = follower.read_reply();
  EXPECT_TRUE(reply.complete) << "when the grace is over, not when the server stops: " << reply.raw;
  EXPECT_EQ(reply.body, "event: response.created\ndata: {}\n\n") << "it has not ended";
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
}

}  // namespace
}  // namespace ccproxy::test
