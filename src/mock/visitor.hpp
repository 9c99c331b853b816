// The client at the other end of a connection, and waiting that ends when it leaves. What the
// request was and how the reply is made is for others; delivery.hpp puts one on its connection.
#pragma once

#include <functional>
#include <memory>

#include "http/head.hpp"
#include "http/server_connection.hpp"
#include "mock/reply.hpp"
#include "net/runtime.hpp"

namespace ccproxy::mock {

class Visitor {
 public:
  // `socket` is what carries the connection, below TLS where there is any.
  Visitor(net::Runtime& runtime, std::shared_ptr<http::ServerConnection> connection,
          net::Stream& socket);
  ~Visitor();
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;
  Visitor(Visitor&&) = delete;
  Visitor& operator=(Visitor&&) = delete;

  [[nodiscard]] http::ServerConnection& connection() { return *connection_; }
  [[nodiscard]] net::Stream& socket() { return socket_; }
  [[nodiscard]] bool gone() const { return dismissed_ || connection_->gone(); }
  // Closes the connection and ends the wait: this side wants to be done.
  void dismiss();

  // What delivery must know of the request that is being answered.
  void take_head(const http::RequestHead& head);
  [[nodiscard]] bool asks_head() const { return asks_head_; }
  [[nodiscard]] bool keeps_alive() const { return keeps_alive_; }
  [[nodiscard]] int version() const { return version_; }

  // Called when the client leaves, until it is replaced.
  void on_leave(std::function<void()> call) { on_leave_ = std::move(call); }

  // Waits; false when the client left meanwhile. 0 lets others run.
  [[nodiscard]] Task<bool> wait(Milliseconds time);

 private:
  std::shared_ptr<http::ServerConnection> connection_;
  net::Stream& socket_;
  net::Event woken_;
  net::Deadline alarm_;
  std::function<void()> on_leave_;
  bool rang_ = false;
  bool dismissed_ = false;
  bool asks_head_ = false;
  bool keeps_alive_ = true;
  int version_ = 11;
};

}  // namespace ccproxy::mock
