#include "mock/rate_limits.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string_view>

#include "http/head.hpp"
#include "mock/files.hpp"

namespace ccproxy::mock {

std::string api_key_rate_limits() {
  const std::string reset = time_text(WallClock::now() + std::chrono::minutes(1));
  std::string fields;
  for (const char* what : {"requests", "tokens", "input-tokens", "output-tokens"}) {
    const std::string name = fmt::format("anthropic-ratelimit-{}-", what);
    http::append_field(fields, name + "limit", "4000");
    http::append_field(fields, name + "remaining", "3999");
    http::append_field(fields, name + "reset", reset);
  }
  return fields;
}

std::string subscription_rate_limits() {
  const auto in = [](std::chrono::hours time) {
    return std::to_string(WallClock::to_time_t(WallClock::now() + time));
  };
  std::string fields;
  const auto add = [&](const char* name, std::string_view value) {
    http::append_field(fields, std::string("anthropic-ratelimit-unified-") + name, value);
  };
  add("status", "allowed");
  add("reset", in(std::chrono::hours(5)));
  add("representative-claim", "five_hour");
  add("5h-status", "allowed");
  add("5h-reset", in(std::chrono::hours(5)));
  add("5h-utilization", "0.12");
  add("7d-status", "allowed");
  add("7d-reset", in(std::chrono::hours(168)));
  add("7d-utilization", "0.03");
  return fields;
}

}  // namespace ccproxy::mock
