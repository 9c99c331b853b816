// One request and its whole answer, for what is small and asked rarely: models, tokens, a running
// server's health.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/client.hpp"
#include "http/head.hpp"
#include "net/cancellation.hpp"

namespace ccproxy::http {

struct Fetched {
  ResponseHead head;
  std::string body;
};

// Fails as Call does, and with kTooLarge when the answer's body has more than `most` bytes.
// `request` and `body` must live until it returns.
[[nodiscard]] Task<Result<Fetched>> fetch(Client& client, const OutgoingRequest& request,
                                          std::string_view body, std::size_t most,
                                          net::Cancellation& cancellation);

}  // namespace ccproxy::http
