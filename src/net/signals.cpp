#include "net/signals.hpp"

#include <boost/asio/basic_signal_set.hpp>
#include <csignal>
#include <utility>

#include "net/asio.hpp"

namespace ccproxy::net {

struct Signals::State {
  State(Runtime& runtime, std::function<void()> call)
      : set(runtime.context(), SIGINT, SIGTERM), on_end(std::move(call)) {}

  void wait() {
    set.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      wait();
      on_end();
    });
  }

  boost::asio::basic_signal_set<Executor> set;
  std::function<void()> on_end;
};

Signals::Signals(Runtime& runtime, std::function<void()> on_end)
    : state_(std::make_unique<State>(runtime, std::move(on_end))) {
  std::signal(SIGPIPE, SIG_IGN);
  state_->wait();
}

Signals::~Signals() = default;

}  // namespace ccproxy::net
