// The type of all coroutines: Asio's awaitable with a typed executor, since the type-erased default
// costs a tenth of a request. It is the only header that shows Asio to other rooms.
//
// Name it before you await it: the operand of co_await is a call whose arguments are names,
// literals, moves or plain temporaries. g++ 12 frees an aggregate that is built there twice.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace ccproxy {

template <class T = void>
using Task = boost::asio::awaitable<T, boost::asio::io_context::executor_type>;

}  // namespace ccproxy
