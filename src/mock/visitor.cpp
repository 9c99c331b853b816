#include "mock/visitor.hpp"

#include <utility>

#include "http/h1_rules.hpp"

namespace ccproxy::mock {

Visitor::Visitor(net::Runtime& runtime, std::shared_ptr<http::ServerConnection> connection,
                 net::Stream& socket)
    : connection_(std::move(connection)), socket_(socket), woken_(runtime), alarm_(runtime, [this] {
        rang_ = true;
        woken_.notify();
      }) {
  connection_->on_gone([this] {
    if (on_leave_) on_leave_();
    woken_.notify();
  });
}

// The connection may live a little longer than its visitor.
Visitor::~Visitor() { connection_->on_gone({}); }

void Visitor::dismiss() {
  dismissed_ = true;
  connection_->close();
  woken_.notify();
}

void Visitor::take_head(const http::RequestHead& head) {
  asks_head_ = head.method == "HEAD";
  version_ = head.version;
  keeps_alive_ = version_ == 11 && http::keeps_alive(head);
}

Task<bool> Visitor::wait(Milliseconds time) {
  rang_ = false;
  alarm_.expires_after(time);
  while (!rang_ && !gone()) co_await woken_.wait();
  alarm_.disarm();
  co_return !gone();
}

}  // namespace ccproxy::mock
