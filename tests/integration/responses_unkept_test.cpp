// What cannot be kept is never told to be: the database is locked by another program, or refuses to
// be written, at the beginning of a response or at its end. And what is kept is found all the same.
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

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using store::Database;
using store::Transaction;

constexpr milliseconds kSoon{2500};  // a second, and what a busy machine adds

// Another program that has the file open.
class Other {
 public:
  explicit Other(const ProxyFixture& fixture)
      : database_(Database::open(fixture.home() + "/responses.db").value()) {}

  void lock() {
    auto turn = Transaction::begin(database_, Transaction::Kind::kWrite);
    EXPECT_TRUE(turn);
    turn_.emplace(std::move(*turn));
  }
  void unlock() { turn_.reset(); }
  void refuse(const std::string& what) {
    EXPECT_TRUE(database_.run_script("CREATE TRIGGER refuses BEFORE " + what +
                                     " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"));
  }
  void allow() { EXPECT_TRUE(database_.run_script("DROP TRIGGER refuses")); }
  // Of one response, with all that belongs to it.
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
  std::optional<Transaction> turn_;  // before its database
};

class ResponsesUnkept : public testing::TestWithParam<unsigned> {
 protected:
  // As one that never was.
  void expect_never_there(const std::string& id, const ProxyFixture& on) {
    for (const char* rest : {"", "?stream=true", "/input_items"})
      EXPECT_EQ(ask_stored(on, "GET", id + rest).status, 404) << rest;
    EXPECT_EQ(ask_stored(on, "DELETE", id).status, 404);
    EXPECT_EQ(ask_stored(on, "POST", id + "/cancel").status, 404);
    const Reply reply = respond(on, response_body({{"previous_response_id", id}}));
    EXPECT_EQ(error_in(reply).value("code", ""), "previous_response_not_found") << reply.raw;
  }
  // Asks, whole and as a stream, and expects that nothing is told to be stored. Ids come back.
  std::vector<std::string> expect_not_stored(const ProxyFixture& on,
                                             const Document& more = Document::object()) {
    std::vector<std::string> ids;
    for (const bool streams : {false, true}) {
      SCOPED_TRACE(streams ? "streamed" : "whole");
      Document body = response_body(more);
      body["stream"] = streams;
      const auto began = steady_clock::now();
      const Reply reply = respond(on, body);
      EXPECT_LT(steady_clock::now() - began, kSoon);
      EXPECT_EQ(reply.status, 200) << reply.raw;
      Document told = streams ? Document() : json_of(reply.body);
      if (streams) {
        const ResponseEvents read = read_events(reply.body);
        EXPECT_EQ(read.fault, "") << reply.body;
        EXPECT_EQ(read.ends(), 1);
        told = read.response();
      } else {
        EXPECT_NE(reply.field("x-ccproxy-warning").find("not_stored"), std::string::npos)
            << reply.raw;
      }
      EXPECT_EQ(told.at("store"), false);
      EXPECT_EQ(told["status"], "completed");
      EXPECT_FALSE(told["output"].empty());
      ids.push_back(told["id"]);
      expect_never_there(ids.back(), on);
    }
    return ids;
  }
  // How often it is in the log; where it should be, its line is waited for.
  static std::size_t times_logged(ProxyFixture& on, const std::string& id) {
    const std::string line = id + " could not be kept";
    (void)on.logs(line);
    std::size_t times = 0;
    const std::string log = on.log();
    for (auto at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++times;
    return times;
  }

  ProxyFixture fixture{
      Plan{.workers = GetParam(), .config = R"({"server":{"shutdownGraceSeconds":1}})"}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ResponsesUnkept, testing::Values(1U, 2U));

TEST_P(ResponsesUnkept, while_another_program_has_the_database) {
  const std::string before = whole_response(fixture)["id"];
  Other other(fixture);
  other.lock();
  // What is kept is read meanwhile, and continued.
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

// Nobody waits for another program longer than for an end, and the server does not outlive its
// grace.
TEST_P(ResponsesUnkept, is_nothing_that_is_waited_for) {
  ProxyFixture on(
      Plan{.workers = GetParam(), .config = R"({"server":{"shutdownGraceSeconds":1}})"});
  const std::string kept = whole_response(on)["id"];
  Other other(on);
  other.lock();
  (void)whole_response(on);  // the writer waits for its turn by now
  const auto asked_at = steady_clock::now();
  const Reply erased = ask_stored(on, "DELETE", kept);
  EXPECT_EQ(erased.status, 503) << erased.raw;
  EXPECT_EQ(erased.field("retry-after"), "1");
  EXPECT_LT(steady_clock::now() - asked_at, kSoon);
  const auto ends_at = steady_clock::now();
  on.proxy().signal(SIGTERM);
  EXPECT_EQ(on.proxy().wait_exit(), 0);
  EXPECT_LT(steady_clock::now() - ends_at, milliseconds(1000) + milliseconds(2000) + kSoon);
}

TEST_P(ResponsesUnkept, when_the_disk_refuses_a_part_of_it) {
  for (const char* what : {"INSERT ON responses", "INSERT ON events", "UPDATE ON responses",
                           "INSERT ON items", "INSERT ON items WHEN NEW.is_output = 1"}) {
    SCOPED_TRACE(what);
    Other other(fixture);
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

// Beside other warnings there is one line for all.
TEST_P(ResponsesUnkept, is_one_warning_among_others) {
  Other other(fixture);
  other.refuse("INSERT ON responses");
  const Reply reply = respond(fixture, response_body({{"model", "gpt-4o-nothing"}}));
  EXPECT_EQ(reply.status, 200) << reply.raw;
  const std::string warning = reply.field("x-ccproxy-warning");
  EXPECT_NE(warning.find("not_stored"), std::string::npos) << reply.raw;
  EXPECT_NE(warning.find(','), std::string::npos) << reply.raw;
}

// Nobody could ever ask for it, so it is not begun.
TEST_P(ResponsesUnkept, in_the_background_is_refused) {
  Other other(fixture);
  for (const bool is_locked : {true, false}) {
    SCOPED_TRACE(is_locked);
    is_locked ? other.lock() : other.refuse("INSERT ON responses");
    for (const bool streams : {false, true}) {
      fixture.forget_requests();
      const auto began = steady_clock::now();
      const Reply reply =
          respond(fixture, response_body({{"background", true}, {"stream", streams}}));
      EXPECT_LT(steady_clock::now() - began, kSoon);
      EXPECT_EQ(reply.status, 503) << reply.raw;
      EXPECT_EQ(reply.field("retry-after"), "1");
      EXPECT_EQ(sent_bodies(fixture).size(), 0U) << "nothing was asked";
    }
    if (is_locked) other.unlock();
  }
}

// An end that cannot be written, of a response that began when it could.
class ResponsesUnkeptEnd : public testing::TestWithParam<unsigned> {
 protected:
  RawUpstream upstream;
  ProxyFixture fixture{
      Plan{.workers = GetParam(),
           .config = R"({"upstream":{"maxRetries":0},"server":{"shutdownGraceSeconds":1}})",
           .upstream = upstream.url()}};
};
INSTANTIATE_TEST_SUITE_P(Workers, ResponsesUnkeptEnd, testing::Values(1U, 2U));

TEST_P(ResponsesUnkeptEnd, is_told_to_all_who_follow) {
  for (const bool is_background : {false, true}) {
    SCOPED_TRACE(is_background);
    RawClient client(fixture.port()), follower(fixture.port());
    client.send(request("POST", kResponses,
                        response_body({{"stream", true}, {"background", is_background}}).dump(),
                        kOpenAiFields));
    const auto peer = next_message(upstream);
    ASSERT_TRUE(peer);
    peer->send(kEventStreamHead +
               chunked(message_start_event() + text_start_event() + text_event("Hel")));
    ASSERT_TRUE(client.wait_for("\"Hel\""));
    Other other(fixture);
    const std::string id = only_kept(fixture);
    follower.send(request("GET", std::string(kResponses) + "/" + id + "?stream=true"));
    ASSERT_TRUE(follower.wait_for("\"Hel\""));
    other.lock();
    peer->send(chunked(text_event("lo") + stop_events()) + "0\r\n\r\n");
    for (RawClient* const one : {&client, &follower}) {
      const Reply reply = one->read_reply(false, kSoon);
      EXPECT_TRUE(reply.complete) << reply.raw;
      const auto end = reply.body.find("event: response.completed");
      ASSERT_NE(end, std::string::npos) << reply.body;
      EXPECT_NE(reply.body.find("\"store\":false", end), std::string::npos) << reply.body;
    }
    EXPECT_EQ(ask_stored(fixture, "GET", id).status, 404);
    other.unlock();
    EXPECT_TRUE(wait_until([&] { return other.rows_of(id) == 0; }));
    EXPECT_EQ(ask_stored(fixture, "GET", id).status, 404);
  }
}

// Nobody waits for it: it is kept as soon as that is possible.
TEST_P(ResponsesUnkeptEnd, of_one_that_nobody_follows_may_come_later) {
  const Document queued = whole_response(fixture, {{"background", true}});
  const auto peer = next_message(upstream);
  ASSERT_TRUE(peer);
  Other other(fixture);
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

// Erased by its client while it runs: it was stored, and is not any more.
TEST_P(ResponsesUnkeptEnd, of_one_that_was_erased_is_no_fault) {
  RawClient client(fixture.port());
  client.send(request("POST", kResponses, response_body({{"stream", true}}).dump(), kOpenAiFields));
  const auto peer = next_message(upstream);
  ASSERT_TRUE(peer);
  peer->send(kEventStreamHead +
             chunked(message_start_event() + text_start_event() + text_event("Hel")));
  ASSERT_TRUE(client.wait_for("\"Hel\""));
  const std::string id = only_kept(fixture);
  ASSERT_EQ(ask_stored(fixture, "DELETE", id).status, 200);
  peer->send(chunked(text_event("lo") + stop_events()) + "0\r\n\r\n");
  EXPECT_TRUE(client.wait_for("event: response.completed"));
  EXPECT_EQ(fixture.log().find("could not be kept"), std::string::npos) << fixture.log();
  EXPECT_EQ(ask_stored(fixture, "GET", id).status, 404);
}

// A response that another process runs cannot be ended from here.
TEST_P(ResponsesUnkept, of_another_process_is_followed_until_the_server_ends) {
  auto elsewhere = store::Archive::open(fixture.home() + "/responses.db");
  ASSERT_TRUE(elsewhere);
  (*elsewhere)
      ->submit(
          [](store::Responses& kept) -> Result<void> {
            store::StoredResponse response{.id = "resp_elsewhere", .scope = ""};
            response.object = R"({"id":"resp_elsewhere","status":"in_progress"})";
            if (auto begun = kept.begin(response, {}); !begun) return begun;
            return kept.append_events("resp_elsewhere", 0, 0,
                                      "event: response.created\ndata: {}\n\n");
          },
          {});
  ASSERT_TRUE(wait_until([&] { return !stored_response(fixture, "resp_elsewhere").is_null(); }));
  RawClient follower(fixture.port());
  follower.send(request("GET", std::string(kResponses) + "/resp_elsewhere?stream=true"));
  ASSERT_TRUE(follower.wait_for("response.created"));
  fixture.proxy().signal(SIGTERM);
  const Reply told = follower.read_reply();
  EXPECT_TRUE(told.complete) << "when the grace is over, not when the server stops: " << told.raw;
  EXPECT_EQ(told.body, "event: response.created\ndata: {}\n\n") << "it has not ended";
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
}

}  // namespace
}  // namespace ccproxy::test
