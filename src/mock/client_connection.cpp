#include "mock/client_connection.hpp"

#include <utility>

#include "http/h1_rules.hpp"

namespace ccproxy::mock {

ClientConnection::ClientConnection(net::Runtime& runtime,
                                   std::shared_ptr<http::ServerConnection> connection,
                                   net::Stream& socket)
    : connection_(std::move(connection)),
      socket_(socket),
      wake_up_(runtime),
      timer_(runtime, [this] {
        has_expired_ = true;
        wake_up_.notify();
      }) {
  connection_->on_gone([this] {
    if (on_leave_) on_leave_();
    wake_up_.notify();
  });
}

// The connection may outlive this object, so its callback must not call it any more.
ClientConnection::~ClientConnection() { connection_->on_gone({}); }

void ClientConnection::disconnect() {
  is_disconnected_ = true;
  connection_->close();
  wake_up_.notify();
}

void ClientConnection::set_request(const http::RequestHead& head) {
  is_head_request_ = head.method == "HEAD";
  version_ = head.version;
  keeps_alive_ = version_ == 11 && http::keeps_alive(head);
}

Task<bool> ClientConnection::wait(Milliseconds time) {
  has_expired_ = false;
  timer_.expires_after(time);
  while (!has_expired_ && !gone()) co_await wake_up_.wait();
  timer_.disarm();
  co_return !gone();
}

}  // namespace ccproxy::mock
