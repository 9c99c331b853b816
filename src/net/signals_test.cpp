#include "net/signals.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include "net/runtime.hpp"

namespace ccproxy::net {
namespace {

// Raises `number` in a runtime that handles signals, and returns what was called.
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

TEST(Signals, call_the_function_for_their_number) {
  EXPECT_EQ(called_by(SIGTERM), "end");
  EXPECT_EQ(called_by(SIGINT), "end");
  EXPECT_EQ(called_by(SIGHUP), "hangup");
}

TEST(Signals, hangup_under_nohup_is_a_reload) {
  std::signal(SIGHUP, SIG_IGN);  // as nohup does
  EXPECT_EQ(called_by(SIGHUP), "hangup");
  std::signal(SIGHUP, SIG_DFL);
}

TEST(Signals, broken_pipe_is_ignored) {
  Runtime runtime;
  const Signals signals(runtime, [] {});
  EXPECT_EQ(std::raise(SIGPIPE), 0);
}

}  // namespace
}  // namespace ccproxy::net
