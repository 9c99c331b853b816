// Asio's types as the sources of this room use them: the typed executor and its completion tokens.
// Only sources of net/ and their private headers include it.
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
// Returns (error_code, ...) instead of throwing.
inline constexpr auto kUseResult = boost::asio::as_tuple(kUseTask);
using SteadyTimer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace ccproxy::net
