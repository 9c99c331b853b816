// The client of a connection, and waits that end when it leaves. Requests and replies are not its
// concern; delivery.hpp writes a reply to the connection.
#pragma once

#include <functional>
#include <memory>

#include "http/head.hpp"
#include "http/server_connection.hpp"
#include "mock/reply.hpp"
#include "net/runtime.hpp"

namespace ccproxy::mock {

class ClientConnection {
 public:
  // `socket` is the stream below TLS; without TLS it is the connection's own. It must stay valid as
  // long as this object.
  ClientConnection(net::Runtime& runtime, std::shared_ptr<http::ServerConnection> connection,
                   net::Stream& socket);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  ClientConnection(ClientConnection&&) = delete;
  ClientConnection& operator=(ClientConnection&&) = delete;

  [[nodiscard]] http::ServerConnection& connection() { return *connection_; }
  [[nodiscard]] net::Stream& socket() { return socket_; }
  [[nodiscard]] bool gone() const { return is_disconnected_ || connection_->gone(); }
  // Closes the connection and ends the wait, because the server stops.
  void disconnect();

  // Remembers what delivery needs to know of the request.
  void set_request(const http::RequestHead& head);
  [[nodiscard]] bool is_head_request() const { return is_head_request_; }
  [[nodiscard]] bool keeps_alive() const { return keeps_alive_; }
  [[nodiscard]] int version() const { return version_; }

  // Sets the function that is called when the client leaves.
  void on_leave(std::function<void()> call) { on_leave_ = std::move(call); }

  // Waits; returns false when the client left meanwhile. With 0 it only lets other work run.
  [[nodiscard]] Task<bool> wait(Milliseconds time);

 private:
  std::shared_ptr<http::ServerConnection> connection_;
  net::Stream& socket_;
  net::Event wake_up_;
  net::Deadline timer_;
  std::function<void()> on_leave_;
  bool has_expired_ = false;
  bool is_disconnected_ = false;
  bool is_head_request_ = false;
  bool keeps_alive_ = true;
  int version_ = 11;
};

}  // namespace ccproxy::mock
