#include "proxy/door/request_id.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdint>

#include "net/crypto.hpp"

namespace ccproxy::proxy {

std::string next_request_id() {
  static const std::string process = net::random_hex(5);
  static std::atomic<std::uint64_t> running = 0;
  return fmt::format("ccp_{}_{:x}", process, ++running);
}

}  // namespace ccproxy::proxy
