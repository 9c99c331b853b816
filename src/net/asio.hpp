// What the sources of this room share of Asio: the typed executor and its completion tokens. Only
// .cpp files of net/ include it.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace ccproxy::net {

using Executor = boost::asio::io_context::executor_type;
using UseTask = boost::asio::use_awaitable_t<Executor>;
inline constexpr UseTask kUseTask;
inline constexpr auto kUseResult = boost::asio::as_tuple(kUseTask);  // (error_code, ...), no throw
using SteadyTimer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace ccproxy::net
