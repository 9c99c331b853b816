#include "cli/demo_upstream.hpp"

#include <cstdio>
#include <string_view>
#include <thread>

#include "mock/mock_server.hpp"
#include "net/runtime.hpp"

namespace ccproxy::cli {
namespace {

mock::Options demo_options() {
  mock::Options options;
  options.pace = mock::Pace::human();
  options.control = false;
  options.record = false;
  return options;
}

}  // namespace

struct DemoUpstream::State {
  net::Runtime runtime;
  mock::MockServer server{runtime, demo_options()};
  std::thread thread;
};

DemoUpstream::DemoUpstream() : state_(std::make_unique<State>()) {}

DemoUpstream::~DemoUpstream() {
  if (!state_->thread.joinable()) return;
  state_->runtime.post([this] { state_->server.stop(); });
  state_->thread.join();  // the loop ends when it has nothing left to do
}

Result<std::string> DemoUpstream::listen() {
  if (auto listening = state_->server.listen(); !listening) return fail(listening.error());
  // An exception there, such as a lack of memory, must not end the proxy.
  state_->runtime.set_exception_handler([](std::string_view what) {
    std::fprintf(stderr, "ccproxy: the simulated API: %.*s\n", static_cast<int>(what.size()),
                 what.data());
  });
  state_->thread = std::thread([this] { state_->runtime.run(); });
  return state_->server.url();
}

}  // namespace ccproxy::cli
