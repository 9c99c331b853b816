// TCP and Unix sockets as streams. Only files of net/ include this.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>

#include "net/asio.hpp"
#include "net/runtime.hpp"
#include "net/stream.hpp"

namespace ccproxy::net {

// One socket type for both families: a TCP or Unix socket moves into it.
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Executor>;

// `socket` must be connected.
[[nodiscard]] std::unique_ptr<Stream> make_socket_stream(Runtime& runtime, Socket socket);

}  // namespace ccproxy::net
