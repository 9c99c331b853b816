#include "proxy/endpoints/response_follower.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "dialect/reply/reply_encoder.hpp"
#include "net/test_loop.hpp"
#include "net/work_pool.hpp"
#include "proxy/state/response_store.hpp"

namespace ccproxy::proxy {
namespace {

using std::chrono::milliseconds;

constexpr const char* kObject =
    R"({"id":"resp_1","object":"response","status":"in_progress","error":null,"output":[]})";

std::string event(std::int64_t number) {
  return "event: e\ndata: {\"sequence_number\":" + std::to_string(number) + "}\n\n";
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Everything around a follower, and what came of it.
struct Stage {
  net::TestLoop& loop;
  ResponseStore& store;
  MemoryBudget& budget;
  net::WorkPool& pool;
  telemetry::Receipt& receipt;
  Clock::duration keep_alive;
  std::shared_ptr<RunningResponse> running{};
  ResponseFollower* follower = nullptr;
  std::unique_ptr<net::Stream> client{};
  Result<void> result{};
  std::string received{};  // by the client so far
};

// What happens before the client asks, or while it is served.
using Step = Task<void> (*)(Stage&);

Task<void> pause(Stage& stage, milliseconds duration) {
  co_await net::sleep(stage.loop.runtime(), duration);
}

Task<void> settle(Stage& stage) {
  const auto archive = stage.store.archive();
  while (archive && archive->queued() > 0) co_await pause(stage, milliseconds(2));
  co_await pause(stage, milliseconds(2));
}

// Waits until the client has received `text`: whatever the machine does besides, the follower has
// begun then.
Task<void> until_received(Stage& stage, std::string text) {
  while (!has(stage.received, text)) co_await pause(stage, milliseconds(2));
}

Task<void> nothing(Stage&) { co_return; }

// --- Responses in the archive.

Task<void> write(Stage& stage, store::Archive::Work work) {
  stage.store.archive()->submit(std::move(work), {});
  co_await settle(stage);
}

Result<void> begin_in(store::Responses& responses) {
  const store::StoredResponse response{.id = "resp_1", .scope = "me", .object = kObject};
  if (auto begun = responses.begin(response, {}); !begun) return begun;
  return responses.append_events("resp_1", 0, 1, event(0) + event(1));
}

// Not in the store's list of what runs here, it is as one of another process.
Task<void> run_elsewhere(Stage& stage) { co_await write(stage, begin_in); }

Result<void> complete_in(store::Responses& responses) {
  if (auto begun = begin_in(responses); !begun) return begun;
  return responses.finish("resp_1", store::Status::kCompleted, kObject, {});
}

Result<void> interrupt_in(store::Responses& responses) {
  if (auto begun = begin_in(responses); !begun) return begun;
  return responses.interrupt("resp_1");
}

Result<void> erase_in(store::Responses& responses) {
  EXPECT_TRUE(responses.erase("me", "resp_1").value());
  return {};
}

Task<void> complete(Stage& stage) { co_await write(stage, complete_in); }

Task<void> interrupt(Stage& stage) { co_await write(stage, interrupt_in); }

Task<void> erase_later(Stage& stage) {
  co_await until_received(stage, event(1));
  co_await write(stage, erase_in);
}

Task<void> erase_after_silence(Stage& stage) {
  co_await until_received(stage, std::string(dialect::kKeepAlive));
  co_await write(stage, erase_in);
}

Task<void> cut_later(Stage& stage) {
  co_await until_received(stage, event(1));
  stage.follower->cut();
}

Task<void> leave(Stage& stage) {
  co_await until_received(stage, event(1));
  stage.client->close();
}

// --- Responses that run in this process.

Task<void> run_here(Stage& stage) {
  stage.running = std::make_shared<RunningResponse>(
      stage.loop.runtime(), stage.store, stage.budget, stage.store.archive(),
      store::StoredResponse{.id = "resp_1", .scope = "me", .object = kObject},
      store::StoredInput{});
  stage.store.add(stage.running);
  stage.running->add(0, event(0));
  stage.running->add(1, event(1));
  co_await settle(stage);
}

Task<void> finish_now(Stage& stage) {
  MemoryReservation hold;
  stage.running->end(3, event(3));
  EXPECT_TRUE(co_await stage.running->finish(store::Status::kCompleted, kObject, {}, hold));
  stage.running->close();
}

Task<void> finish_later(Stage& stage) {
  co_await until_received(stage, event(1));
  stage.running->add(2, event(2));
  co_await until_received(stage, event(2));
  co_await finish_now(stage);
}

Task<void> lose_it(Stage& stage) {
  co_await until_received(stage, event(1));
  stage.running->note_erased();
  co_await until_received(stage, "event: response.failed");
  co_await finish_now(stage);
}

Task<void> lose_it_and_finish(Stage& stage) {
  co_await until_received(stage, event(1));
  stage.running->note_erased();
  co_await pause(stage, milliseconds(20));
  stage.running->add(2, event(2));
  stage.running->end(3, event(3));
  stage.running->close();
}

Task<void> break_down(Stage& stage) {
  co_await until_received(stage, event(1));
  stage.running->close();
}

// --- The client.

// Reads until the connection ends.
Task<void> receive(Stage& stage) {
  std::array<char, 4096> room{};
  while (true) {
    auto size = co_await stage.client->read_some(room);
    if (!size || *size == 0) break;
    stage.received.append(room.data(), *size);
  }
}

// The client speaks HTTP/1.0, so that the body comes without the lines of chunks.
Task<void> drive(Stage& stage, std::int64_t after, Step prepare, Step meanwhile) {
  co_await prepare(stage);
  auto pair = co_await net::connect_pair(stage.loop);
  stage.client = std::move(pair.client);
  const auto connection = std::make_shared<http::ServerConnection>(
      stage.loop.runtime(), std::move(pair.server), http::ServerLimits{});
  connection->start();
  const std::string request = "GET / HTTP/1.0\r\n\r\n";
  CO_ASSERT(co_await stage.client->write(request));
  CO_ASSERT(co_await connection->read_request());
  const ResponseFollower::Context context{stage.loop.runtime(), stage.pool, stage.store,
                                          stage.budget};
  ResponseFollower follower(context, stage.keep_alive, *connection, stage.receipt);
  stage.follower = &follower;
  net::Beside beside(stage.loop.runtime());
  beside.start(receive(stage));
  beside.start(meanwhile(stage));
  stage.result = co_await follower.follow("resp_1", after, "x-more: 1\r\n");
  connection->close();
  co_await beside.wait();
  co_await settle(stage);
}

class ResponseFollowerTest : public testing::Test {
 protected:
  ResponseFollowerTest() {
    EXPECT_TRUE(store_.configure({.enabled = true}));
    receipt_.key = "me";
  }
  ~ResponseFollowerTest() override {
    store_.close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // Follows resp_1 behind the event `after`, once `prepare` is done and beside `meanwhile`.
  void follow(std::int64_t after, Step prepare, Step meanwhile = nothing) {
    net::TestLoop loop;
    Stage stage{loop, store_, budget_, pool_, receipt_, keep_alive_};
    loop.run(drive(stage, after, prepare, meanwhile));
    result_ = std::move(stage.result);
    const std::size_t head_size = std::min(stage.received.find("\r\n\r\n"), stage.received.size());
    head_ = stage.received.substr(0, head_size) + "\r\n";
    body_ = stage.received.substr(std::min(head_size + 4, stage.received.size()));
  }

  static std::string make_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "ccproxy-follower-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    return folder;
  }

  std::string folder_ = make_folder();
  MemoryBudget budget_{std::size_t{64} << 20};
  net::WorkPool pool_{1, 16};
  ResponseStore store_{folder_ + "/responses.db"};
  telemetry::Receipt receipt_;
  Clock::duration keep_alive_ = std::chrono::seconds(10);
  Result<void> result_;
  std::string head_, body_;
};

TEST_F(ResponseFollowerTest, sends_the_events_of_a_response_that_has_ended) {
  follow(-1, complete);
  EXPECT_TRUE(result_);
  EXPECT_TRUE(has(head_, "200 OK")) << head_;
  EXPECT_TRUE(has(head_, "content-type: text/event-stream; charset=utf-8\r\n")) << head_;
  EXPECT_TRUE(has(head_, "x-more: 1\r\n")) << head_;
  EXPECT_EQ(body_, event(0) + event(1));
  EXPECT_EQ(receipt_.status, 200);
}

TEST_F(ResponseFollowerTest, sends_only_the_events_behind_the_number_it_is_given) {
  follow(0, complete);
  EXPECT_EQ(body_, event(1));
  follow(1, nothing);
  EXPECT_EQ(body_, "");
  EXPECT_TRUE(result_) << "a stream without events is whole, too";
}

TEST_F(ResponseFollowerTest, refuses_a_response_that_was_never_stored) {
  follow(-1, nothing);
  ASSERT_FALSE(result_);
  EXPECT_EQ(result_.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(result_.error().message, "Response with id 'resp_1' not found.");
  EXPECT_EQ(head_, "\r\n") << "nothing was sent";
}

TEST_F(ResponseFollowerTest, refuses_a_response_of_another_scope) {
  receipt_.key = "somebody else";
  follow(-1, complete);
  ASSERT_FALSE(result_);
  EXPECT_EQ(result_.error().kind, ErrorKind::kNotFound);
}

TEST_F(ResponseFollowerTest, refuses_every_response_while_the_store_is_disabled) {
  EXPECT_TRUE(store_.configure({.enabled = false}));
  follow(-1, nothing);
  ASSERT_FALSE(result_);
  EXPECT_EQ(result_.error().kind, ErrorKind::kNotFound);
}

TEST_F(ResponseFollowerTest, sends_the_events_of_a_response_that_runs_here_as_they_come) {
  follow(-1, run_here, finish_later);
  EXPECT_TRUE(result_);
  EXPECT_EQ(body_, event(0) + event(1) + event(2) + event(3));
}

TEST_F(ResponseFollowerTest, ends_with_a_failed_response_when_one_of_another_process_is_erased) {
  follow(-1, run_elsewhere, erase_later);
  EXPECT_TRUE(result_);
  EXPECT_TRUE(body_.starts_with(event(0) + event(1))) << body_;
  EXPECT_TRUE(has(body_, "event: response.failed\n")) << body_;
  EXPECT_TRUE(has(body_, R"("sequence_number":2)")) << body_;
}

TEST_F(ResponseFollowerTest, sends_comments_while_there_are_no_events) {
  keep_alive_ = milliseconds(100);
  follow(1, run_elsewhere, erase_after_silence);
  EXPECT_TRUE(has(body_, dialect::kKeepAlive)) << body_;
}

TEST_F(ResponseFollowerTest, ends_with_a_failed_response_when_one_that_runs_here_is_erased) {
  follow(-1, run_here, lose_it);
  EXPECT_TRUE(result_);
  EXPECT_TRUE(has(body_, "event: response.failed\n")) << body_;
  EXPECT_FALSE(has(body_, event(3))) << "its runner was too late";
}

TEST_F(ResponseFollowerTest, lets_the_runner_of_an_erased_response_send_its_own_end) {
  follow(-1, run_here, lose_it_and_finish);
  EXPECT_EQ(body_, event(0) + event(1) + event(2) + event(3));
}

TEST_F(ResponseFollowerTest, makes_the_end_of_a_response_that_was_interrupted) {
  follow(-1, interrupt);
  EXPECT_TRUE(result_);
  EXPECT_TRUE(body_.starts_with(event(0) + event(1))) << body_;
  EXPECT_TRUE(has(body_, "event: response.failed\n")) << body_;
  store_.close();  // its thread may still free the work
  EXPECT_EQ(budget_.held(), 0U);
}

TEST_F(ResponseFollowerTest, makes_the_end_of_a_response_whose_runner_breaks_down) {
  follow(-1, run_here, break_down);
  EXPECT_TRUE(result_);
  EXPECT_TRUE(has(body_, "event: response.failed\n")) << body_;
}

TEST_F(ResponseFollowerTest, ends_where_it_is_when_the_server_ends) {
  follow(-1, run_elsewhere, cut_later);
  EXPECT_TRUE(result_);
  EXPECT_EQ(body_, event(0) + event(1));
  EXPECT_EQ(receipt_.ending, telemetry::Ending::kShutdown);
}

TEST_F(ResponseFollowerTest, ends_when_its_client_leaves) {
  follow(-1, run_elsewhere, leave);
  ASSERT_FALSE(result_);
  EXPECT_EQ(result_.error().kind, ErrorKind::kClientGone);
}

}  // namespace
}  // namespace ccproxy::proxy
