// What ends a wait that is none for the upstream: the client leaves, or the server ends.
#pragma once

#include "net/cancellation.hpp"

namespace ccproxy::proxy {

class ClientWait {
 public:
  ClientWait() = default;
  ClientWait(const ClientWait&) = delete;
  ClientWait& operator=(const ClientWait&) = delete;
  virtual ~ClientWait() = default;

  // Call it when the wait begins: from then on the client is watched.
  [[nodiscard]] virtual net::Cancellation& while_client_waits() = 0;
};

}  // namespace ccproxy::proxy
