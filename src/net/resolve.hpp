// Names to addresses, with a short memory: an answer serves for 60 seconds, and up to 10 minutes
// when the name server fails meanwhile. The look-up runs on a thread of its own (Asio's resolver
// calls getaddrinfo there).
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

// Numeric addresses and names that mean an address: nothing when `host` needs a look-up.
[[nodiscard]] std::vector<Address> numeric_address(const std::string& host);

class Resolver {
 public:
  explicit Resolver(Runtime& runtime);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  Resolver(Resolver&&) = delete;
  Resolver& operator=(Resolver&&) = delete;

  // The addresses of `host` in the order to try them: families interleaved, the system's first
  // choice first (RFC 8305, 4). Fails with kUpstreamUnreachable. The task may outlive the resolver,
  // even before it is first awaited.
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
