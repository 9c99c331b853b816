#include "net/signals.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/basic_signal_set.hpp>
#include <csignal>
#include <utility>

#include "net/asio.hpp"

namespace ccproxy::net {
namespace {

bool has_terminal() {
  const int terminal = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (terminal < 0) return false;
  ::close(terminal);
  return true;
}

bool hangup_is_ignored() {
  struct sigaction current {};
  return ::sigaction(SIGHUP, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

}  // namespace

struct Signals::State {
  State(Runtime& runtime, std::function<void()> end, std::function<void()> hangup)
      : set(runtime.context(), SIGINT, SIGTERM),
        on_end(std::move(end)),
        on_hangup(std::move(hangup)) {
    if (!on_hangup) return;
    ends_with_terminal = !hangup_is_ignored() && has_terminal();
    set.add(SIGHUP);
  }

  void wait() {
    set.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      wait();
      const bool hangup = number == SIGHUP && (!ends_with_terminal || has_terminal());
      (hangup ? on_hangup : on_end)();
    });
  }

  boost::asio::basic_signal_set<Executor> set;
  std::function<void()> on_end, on_hangup;
  bool ends_with_terminal = false;
};

Signals::Signals(Runtime& runtime, std::function<void()> on_end, std::function<void()> on_hangup)
    : state_(std::make_unique<State>(runtime, std::move(on_end), std::move(on_hangup))) {
  std::signal(SIGPIPE, SIG_IGN);
  state_->wait();
}

Signals::~Signals() = default;

}  // namespace ccproxy::net
