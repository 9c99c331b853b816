// The coroutine type of everything that waits: Asio's awaitable with its executor spelled out (the
// type-erased default costs a tenth of a request). The one header that shows Asio to other rooms.
//
// House rule: name it before you await it. The operand of co_await is a call whose arguments are
// names, literals, moves or plain temporaries; g++ 12 frees aggregates built in place twice.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace ccproxy {

template <class T = void>
using Task = boost::asio::awaitable<T, boost::asio::io_context::executor_type>;

}  // namespace ccproxy
