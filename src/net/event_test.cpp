#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "net/cancellation.hpp"
#include "net/runtime.hpp"
#include "net/test_loop.hpp"

namespace ccproxy::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- Event

Task<void> note(Event& event, int& woken) {
  co_await event.wait();
  ++woken;
}

Task<void> wake(Runtime& runtime) {
  Event event(runtime);
  int woken = 0;
  runtime.spawn(note(event, woken));
  co_await sleep(runtime, milliseconds(5));
  EXPECT_EQ(woken, 0);
  event.notify();
  co_await sleep(runtime, milliseconds(5));
  EXPECT_EQ(woken, 1);
  event.notify();  // without a waiter it is remembered,
  event.notify();  // but only once
  runtime.spawn(note(event, woken));
  runtime.spawn(note(event, woken));
  co_await sleep(runtime, milliseconds(5));
  EXPECT_EQ(woken, 2);
  event.notify();
  co_await sleep(runtime, milliseconds(5));
  EXPECT_EQ(woken, 3);
}

TEST(Event, wakes_its_waiter_and_remembers_one_notification) {
  TestLoop loop;
  loop.run(wake(loop.runtime()));
}

Task<void> wait_with(Event& event, bool& freed, bool& resumed) {
  const Tombstone stone(freed);
  co_await event.wait();
  resumed = true;
}

Task<void> destroy_event(Runtime& runtime) {
  bool freed = false, resumed = false;
  auto event = std::make_unique<Event>(runtime);
  runtime.spawn(wait_with(*event, freed, resumed));
  co_await sleep(runtime, milliseconds(5));
  event.reset();
  co_await sleep(runtime, milliseconds(5));
  EXPECT_TRUE(freed);
  EXPECT_FALSE(resumed);

  freed = false;
  event = std::make_unique<Event>(runtime);
  runtime.spawn(wait_with(*event, freed, resumed));
  co_await sleep(runtime, milliseconds(5));
  event->notify();
  event.reset();  // before the waiter resumes
  co_await sleep(runtime, milliseconds(5));
  EXPECT_TRUE(resumed);
}

TEST(Event, destruction_frees_its_waiter_unless_that_was_notified) {
  TestLoop loop;
  loop.run(destroy_event(loop.runtime()));
}

Task<void> note_in_time(Event& event, milliseconds limit, std::string& outcome) {
  const bool in_time = co_await event.wait_for(limit);
  outcome += in_time ? "notified." : "late.";
}

constexpr milliseconds kLongLimit{3'600'000};

Task<void> expect_outcome(Runtime& runtime, std::string& outcome, const char* expected) {
  while (outcome.empty()) co_await sleep(runtime, milliseconds(1));
  EXPECT_EQ(std::exchange(outcome, {}), expected);
}

Task<void> wait_with_a_limit(Runtime& runtime) {
  Event event(runtime);
  std::string outcome;
  runtime.spawn(note_in_time(event, kLongLimit, outcome));
  co_await sleep(runtime, milliseconds(5));
  event.notify();
  co_await expect_outcome(runtime, outcome, "notified.");

  runtime.spawn(note_in_time(event, milliseconds(5), outcome));
  co_await expect_outcome(runtime, outcome, "late.");

  event.notify();  // it is remembered, once
  runtime.spawn(note_in_time(event, milliseconds(5), outcome));
  co_await expect_outcome(runtime, outcome, "notified.");
  runtime.spawn(note_in_time(event, milliseconds(5), outcome));
  co_await expect_outcome(runtime, outcome, "late.");
}

TEST(Event, wait_for_says_whether_it_was_notified_in_time) {
  TestLoop loop;
  loop.run(wait_with_a_limit(loop.runtime()));
}

Task<void> wait_for_with(Event& event, milliseconds limit, bool& freed, std::string& outcome) {
  const Tombstone stone(freed);
  const bool in_time = co_await event.wait_for(limit);
  outcome += in_time ? "notified." : "late.";
}

Task<void> wait_until(Runtime& runtime, const bool& condition) {
  while (!condition) co_await sleep(runtime, milliseconds(5));
}

Task<void> destroy_event_with_a_limit(Runtime& runtime) {
  bool freed = false;
  std::string outcome;
  auto event = std::make_unique<Event>(runtime);
  runtime.spawn(wait_for_with(*event, milliseconds(500), freed, outcome));
  co_await sleep(runtime, milliseconds(5));
  // The loop stands still until the limit is due as well, which must not touch an event that has
  // been destroyed.
  std::this_thread::sleep_for(milliseconds(600));
  event->notify();
  event.reset();
  co_await wait_until(runtime, freed);
  EXPECT_EQ(std::exchange(outcome, {}), "notified.");

  freed = false;
  event = std::make_unique<Event>(runtime);
  runtime.spawn(wait_for_with(*event, kLongLimit, freed, outcome));
  co_await sleep(runtime, milliseconds(5));
  event.reset();
  co_await wait_until(runtime, freed);
  EXPECT_EQ(outcome, "") << "it did not go on";

  // The limit is due before the waiter is freed.
  freed = false;
  event = std::make_unique<Event>(runtime);
  runtime.spawn(wait_for_with(*event, milliseconds(500), freed, outcome));
  co_await sleep(runtime, milliseconds(5));
  std::this_thread::sleep_for(milliseconds(600));
  event.reset();
  co_await wait_until(runtime, freed);
  EXPECT_EQ(outcome, "");
}

TEST(Event, destruction_ends_a_wait_with_a_limit) {
  TestLoop loop;
  loop.run(destroy_event_with_a_limit(loop.runtime()));
}

// ---- sleep

Task<void> sleep_and_cancel(Runtime& runtime) {
  Cancellation cancellation;
  EXPECT_TRUE(co_await sleep(runtime, milliseconds(5), cancellation));

  Deadline end(runtime, [&cancellation] { cancellation.cancel(); });
  end.expires_after(milliseconds(5));
  const auto begun = Clock::now();
  EXPECT_FALSE(co_await sleep(runtime, seconds(50), cancellation));
  EXPECT_FALSE(co_await sleep(runtime, seconds(50), cancellation)) << "it was cancelled before";
  EXPECT_LT(Clock::now() - begun, seconds(40));
}

TEST(Sleep, lasts_until_it_is_cancelled) {
  TestLoop loop;
  loop.run(sleep_and_cancel(loop.runtime()));
}

}  // namespace
}  // namespace ccproxy::net
