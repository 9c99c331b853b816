#include "net/signals.hpp"

#include <boost/asio/basic_signal_set.hpp>
#include <csignal>
#include <utility>

#include "net/asio.hpp"

namespace ccproxy::net {

struct Signals::State {
  State(Runtime& runtime, std::function<void()> end, std::function<void()> hangup)
      : set(runtime.context(), SIGINT, SIGTERM),
        on_end(std::move(end)),
        on_hangup(std::move(hangup)) {
    if (on_hangup) set.add(SIGHUP);
  }

  void wait() {
    set.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      wait();
      number == SIGHUP ? on_hangup() : on_end();
    });
  }

  boost::asio::basic_signal_set<Executor> set;
  std::function<void()> on_end, on_hangup;
};

Signals::Signals(Runtime& runtime, std::function<void()> on_end, std::function<void()> on_hangup)
    : state_(std::make_unique<State>(runtime, std::move(on_end), std::move(on_hangup))) {
  std::signal(SIGPIPE, SIG_IGN);
  state_->wait();
}

Signals::~Signals() = default;

}  // namespace ccproxy::net
