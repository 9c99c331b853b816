#include "net/signals.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include "net/runtime.hpp"

namespace ccproxy::net {
namespace {

// Raises `number` in a runtime that listens; what it called.
std::string called_by(int number) {
  Runtime runtime;
  std::string called;
  const auto note = [&](const char* what) {
    called += what;
    runtime.stop();
  };
  const Signals signals(
      runtime, [&] { note("end"); }, [&] { note("hangup"); });
  runtime.post([number] { std::raise(number); });
  runtime.run();
  return called;
}

TEST(Signals, ask_for_the_end_or_for_another_look) {
  EXPECT_EQ(called_by(SIGTERM), "end");
  EXPECT_EQ(called_by(SIGINT), "end");
  EXPECT_EQ(called_by(SIGHUP), "hangup");
}

TEST(Signals, of_a_hangup_that_was_to_be_ignored_ask_for_another_look_too) {
  std::signal(SIGHUP, SIG_IGN);  // as nohup does
  EXPECT_EQ(called_by(SIGHUP), "hangup");
  std::signal(SIGHUP, SIG_DFL);
}

TEST(Signals, of_a_peer_that_is_gone_are_ignored) {
  Runtime runtime;
  const Signals signals(runtime, [] {});
  EXPECT_EQ(std::raise(SIGPIPE), 0);
}

}  // namespace
}  // namespace ccproxy::net
