// Resolves names to addresses, with a cache: an entry is used for 60 seconds, and for up to 10
// minutes when a new look-up fails. Look-ups run on a thread of their own, where Asio's resolver
// calls getaddrinfo.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/runtime.hpp"

namespace ccproxy::net {

struct Address {
  std::string ip;  // numeric, IPv4 or IPv6
  bool is_v6 = false;
};

// The address that `host` is; empty when `host` is a name, which needs a look-up.
[[nodiscard]] std::vector<Address> numeric_address(const std::string& host);

class Resolver {
 public:
  explicit Resolver(Runtime& runtime);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  Resolver(Resolver&&) = delete;
  Resolver& operator=(Resolver&&) = delete;

  // Returns the addresses of `host` in the order in which to try them: families alternate, starting
  // with the system's first choice (RFC 8305, 4). Fails with kUpstreamUnreachable. The resolver may
  // be destroyed before the task is awaited or has ended.
  [[nodiscard]] Task<Result<std::vector<Address>>> resolve(std::string host);

 private:
  struct State;
  [[nodiscard]] static Task<Result<std::vector<Address>>> resolve_in(std::shared_ptr<State> state,
                                                                     std::string host);
  std::shared_ptr<State> state_;
};

// Exposed for its test.
[[nodiscard]] std::vector<Address> interleave(const std::vector<Address>& addresses);

}  // namespace ccproxy::net
