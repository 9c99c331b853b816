#include "net/runtime.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/asio.hpp"
#include "net/cancellation.hpp"
#include "net/pending.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- Deadline

Task<void> fire_once(Runtime& runtime) {
  int calls = 0;
  Deadline deadline(runtime, [&calls] { ++calls; });
  deadline.expires_after(milliseconds(20));
  co_await sleep(runtime, milliseconds(10));
  EXPECT_EQ(calls, 0);
  co_await sleep(runtime, milliseconds(100));
  EXPECT_EQ(calls, 1);
}

TEST(Deadline, calls_back_once_when_its_time_has_come) {
  TestLoop loop;
  loop.run(fire_once(loop.runtime()));
}

Task<void> move_on(Runtime& runtime) {
  bool called = false;
  Deadline deadline(runtime, [&called] { called = true; });
  for (int i = 0; i < 10; ++i) {
    deadline.expires_after(milliseconds(100));
    co_await sleep(runtime, milliseconds(20));
  }
  EXPECT_FALSE(called);  // 200 ms have passed
  co_await sleep(runtime, milliseconds(200));
  EXPECT_TRUE(called);
}

TEST(Deadline, does_not_expire_at_the_time_from_which_it_was_moved) {
  TestLoop loop;
  loop.run(move_on(loop.runtime()));
}

Task<void> move_nearer(Runtime& runtime) {
  bool called = false;
  Deadline deadline(runtime, [&called] { called = true; });
  deadline.expires_after(seconds(50));
  deadline.expires_after(milliseconds(10));
  co_await sleep(runtime, milliseconds(100));
  EXPECT_TRUE(called);
}

TEST(Deadline, can_be_moved_to_an_earlier_time) {
  TestLoop loop;
  loop.run(move_nearer(loop.runtime()));
}

Task<void> disarm(Runtime& runtime) {
  bool called = false;
  Deadline deadline(runtime, [&called] { called = true; });
  deadline.expires_after(milliseconds(10));
  deadline.disarm();
  co_await sleep(runtime, milliseconds(50));
  EXPECT_FALSE(called);
  deadline.expires_after(milliseconds(10));
  co_await sleep(runtime, milliseconds(50));
  EXPECT_TRUE(called);
}

TEST(Deadline, does_not_expire_while_it_is_disarmed) {
  TestLoop loop;
  loop.run(disarm(loop.runtime()));
}

Task<void> repeat(Runtime& runtime) {
  int calls = 0;
  std::unique_ptr<Deadline> deadline;
  deadline = std::make_unique<Deadline>(runtime, [&] {
    if (++calls < 3) deadline->expires_after(milliseconds(5));
  });
  deadline->expires_after(milliseconds(5));
  co_await sleep(runtime, milliseconds(200));
  EXPECT_EQ(calls, 3);
}

TEST(Deadline, may_be_set_again_by_its_callback) {
  TestLoop loop;
  loop.run(repeat(loop.runtime()));
}

Task<void> destroy_in_callback(Runtime& runtime) {
  std::string called;
  std::unique_ptr<Deadline> deadline, other;
  const std::string text(100, 'x');  // too long to live inside the callback object
  deadline = std::make_unique<Deadline>(runtime, [&called, &deadline, &other, text] {
    deadline.reset();
    other.reset();
    called += text;  // the callback outlives its deadline
  });
  other = std::make_unique<Deadline>(runtime, [&] { called += "other"; });
  deadline->expires_after(milliseconds(5));
  other->expires_after(milliseconds(10));
  co_await sleep(runtime, milliseconds(100));
  EXPECT_EQ(called, text);
}

TEST(Deadline, may_be_destroyed_by_its_callback_together_with_others) {
  TestLoop loop;
  loop.run(destroy_in_callback(loop.runtime()));
}

Task<void> expire_many(Runtime& runtime) {
  constexpr int kMany = 1000;
  std::mt19937 random(1);
  std::vector<int> calls(kMany);
  std::vector<std::unique_ptr<Deadline>> all(kMany);
  for (int i = 0; i < kMany; ++i) {
    const auto at = static_cast<std::size_t>(i);
    all[at] = std::make_unique<Deadline>(runtime, [&calls, &all, at] {
      ++calls[at];
      if (at % 7 == 0) all[(at * 31) % kMany].reset();  // an earlier, a later or this one
    });
  }
  for (const auto& deadline : all) deadline->expires_after(milliseconds(random() % 200));
  co_await sleep(runtime, milliseconds(500));
  for (int i = 0; i < kMany; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (all[at]) {
      EXPECT_EQ(calls[at], 1) << i;
    } else {
      EXPECT_LE(calls[at], 1) << i;
    }
  }
}

TEST(Deadline, each_of_many_expires_once_while_others_are_destroyed) {
  TestLoop loop;
  loop.run(expire_many(loop.runtime()));
}

// ---- Runtime

TEST(Runtime, runs_work_that_other_threads_post_in_its_own_thread) {
  Runtime runtime;
  Deadline alive(runtime, [] {});
  alive.expires_after(seconds(60));
  std::thread::id seen;
  std::thread other([&] {
    std::this_thread::sleep_for(milliseconds(20));
    runtime.post([&] {
      seen = std::this_thread::get_id();
      runtime.stop();
    });
  });
  runtime.run();
  other.join();
  EXPECT_EQ(seen, std::this_thread::get_id());
}

TEST(Runtime, runs_all_work_that_many_threads_post) {
  Runtime runtime;
  Deadline alive(runtime, [] {});
  alive.expires_after(seconds(60));
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 5000; ++n)
        runtime.post([&] {
          if (++count == 20'000) runtime.stop();
        });
    });
  runtime.run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, 20'000);
}

TEST(Runtime, stops_when_no_work_is_left) {
  Runtime runtime;
  runtime.spawn(sleep(runtime, milliseconds(5)));
  const auto began = Clock::now();
  runtime.run();
  EXPECT_GE(Clock::now() - began, milliseconds(5));
}

// Owns the event for which its own coroutine waits, as a connection does.
struct Waiting {
  explicit Waiting(Runtime& runtime) : event(runtime), deadline(runtime, [] {}) {}
  Event event;
  Deadline deadline;
};

Task<void> wait_for_itself(std::shared_ptr<Waiting> self, bool& freed) {
  const Tombstone stone(freed);
  self->deadline.expires_after(seconds(60));
  co_await self->event.wait();
}

Task<void> sleep_long(Runtime& runtime, bool& freed) {
  const Tombstone stone(freed);
  co_await sleep(runtime, seconds(60));
}

Task<void> read_long(std::unique_ptr<Stream> stream, bool& freed) {
  const Tombstone stone(freed);
  std::array<char, 1> byte{};
  stream->expires_after(seconds(60));
  (void)co_await stream->read_some(byte);
}

Task<void> write_long(std::unique_ptr<Stream> stream, bool& freed) {
  const Tombstone stone(freed);
  const std::string much(std::size_t{32} << 20, 'x');
  (void)co_await stream->write(much);
}

Task<void> leave_behind(TestLoop& loop, std::array<bool, 4>& freed) {
  Runtime& runtime = loop.runtime();
  runtime.spawn(wait_for_itself(std::make_shared<Waiting>(runtime), freed[0]));
  runtime.spawn(sleep_long(runtime, freed[1]));
  auto silent = co_await connect_pair(loop);
  auto deaf = co_await connect_pair(loop);
  runtime.spawn(read_long(std::move(silent.server), freed[2]));
  runtime.spawn(write_long(std::move(deaf.client), freed[3]));
  co_await sleep(runtime, milliseconds(20));
  for (const bool one : freed) EXPECT_FALSE(one);
}

Task<void> arm_and_disarm(Runtime& runtime, Deadline& deadline) {
  deadline.expires_after(seconds(600));
  co_await sleep(runtime, milliseconds(1));
  deadline.disarm();
}

Task<void> arm(Runtime& runtime, Deadline& deadline) {
  deadline.expires_after(seconds(600));
  co_await sleep(runtime, milliseconds(1));
}

// The simulated API once took ten minutes to end, because of a deadline that it had disarmed.
TEST(Runtime, does_not_wait_for_a_deadline_that_was_disarmed) {
  const auto begun = Clock::now();
  const auto never = [] { FAIL() << "a deadline that was disarmed has called"; };
  {
    Runtime runtime;
    Deadline by_its_task(runtime, never), untouched(runtime, never);
    runtime.spawn(arm_and_disarm(runtime, by_its_task));
    runtime.run();
  }
  {
    Runtime runtime;
    Deadline behind_the_last_task(runtime, never);
    runtime.spawn(arm(runtime, behind_the_last_task));
    SteadyTimer later(runtime.context(), milliseconds(50));
    later.async_wait([&](const boost::system::error_code&) { behind_the_last_task.disarm(); });
    runtime.run();
  }
  {
    Runtime runtime;
    Deadline stays(runtime, never);
    auto goes = std::make_unique<Deadline>(runtime, never);
    runtime.spawn(arm(runtime, *goes));
    SteadyTimer later(runtime.context(), milliseconds(50));
    later.async_wait([&](const boost::system::error_code&) { goes.reset(); });
    runtime.run();
  }
  EXPECT_LT(Clock::now() - begun, seconds(300)) << "it was set to 600 s";
}

Task<void> call_later(Runtime& runtime, std::unique_ptr<Deadline>& deadline, bool& called) {
  deadline = std::make_unique<Deadline>(runtime, [&called] { called = true; });
  deadline->expires_after(milliseconds(50));
  co_return;
}

TEST(Runtime, waits_for_an_armed_deadline_though_no_task_runs) {
  Runtime runtime;
  std::unique_ptr<Deadline> deadline;
  bool called = false;
  runtime.spawn(call_later(runtime, deadline, called));
  runtime.run();
  EXPECT_TRUE(called);
}

TEST(Runtime, frees_every_coroutine_that_still_waits) {
  std::array<bool, 4> freed{};
  {
    TestLoop loop;
    loop.run(leave_behind(loop, freed));
  }
  for (const bool one : freed) EXPECT_TRUE(one);
}

Task<void> throw_after(Runtime& runtime, milliseconds time) {
  co_await sleep(runtime, time);
  throw std::bad_alloc();
}

Task<void> note_later(Runtime& runtime, bool& noted) {
  co_await sleep(runtime, milliseconds(20));
  noted = true;
}

TEST(Runtime, with_an_exception_handler_ends_only_the_work_that_threw) {
  Runtime runtime;
  std::vector<std::string> escaped;
  bool noted = false;
  runtime.set_exception_handler([&](std::string_view what) { escaped.emplace_back(what); });
  runtime.spawn(throw_after(runtime, milliseconds(1)));
  runtime.spawn(note_later(runtime, noted));
  runtime.post([] { throw std::runtime_error("posted"); });
  runtime.run();
  EXPECT_TRUE(noted);
  ASSERT_EQ(escaped.size(), 2U);
  EXPECT_EQ(escaped[0], "posted");
  EXPECT_EQ(escaped[1], std::bad_alloc().what());
}

// A deadline that threw once lost its callback, and others that were due at the same time were not
// called until a new deadline was set.
TEST(Runtime, with_an_exception_handler_calls_every_deadline_whatever_they_throw) {
  Runtime runtime;
  int escaped = 0, calls = 0;
  bool others = false;
  runtime.set_exception_handler([&](std::string_view) { ++escaped; });
  Deadline other(runtime, [&] { others = true; });
  Deadline throws(runtime, [&] {
    ++calls;
    if (calls < 3) throws.expires_after(milliseconds(1));
    throw std::bad_alloc();
  });
  Deadline last(runtime, [&] { others = others && calls > 0; });
  for (Deadline* each : {&throws, &other, &last}) each->expires_after(milliseconds(1));
  runtime.run();
  EXPECT_TRUE(others);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(escaped, 3);
}

TEST(Runtime, without_an_exception_handler_passes_the_exception_on) {
  Runtime runtime;
  runtime.spawn(throw_after(runtime, milliseconds(1)));
  EXPECT_THROW(runtime.run(), std::bad_alloc);
}

Task<int> throw_a_number(Runtime& runtime) {
  co_await sleep(runtime, milliseconds(1));
  throw std::bad_alloc();
}

Task<void> wait_for_a_throw(TestLoop& loop, bool& thrown) {
  Pending<int> pending(loop.runtime(), throw_a_number(loop.runtime()));
  EXPECT_TRUE(co_await pending.done_within(seconds(60)));
  try {
    (void)pending.take();
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
}

TEST(Pending, passes_an_exception_of_its_task_to_the_owner) {
  TestLoop loop;
  bool thrown = false;
  loop.run(wait_for_a_throw(loop, thrown));
  EXPECT_TRUE(thrown);
}

TEST(Runtime, frees_a_coroutine_that_never_ran) {
  bool freed = false;
  auto runtime = std::make_unique<Runtime>();
  runtime->spawn(sleep_long(*runtime, freed));
  runtime.reset();
}

}  // namespace
}  // namespace ccproxy::net
