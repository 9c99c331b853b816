// Sends one request and reads its whole response, for small and rare ones: lists of models, tokens,
// the health of a running server.
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

// Fails as Call does, and with kTooLarge when the body of the response has more than `max_bytes`.
// `request` and `body` must stay valid until it returns.
[[nodiscard]] Task<Result<Fetched>> fetch(Client& client, const OutgoingRequest& request,
                                          std::string_view body, std::size_t max_bytes,
                                          net::Cancellation& cancellation);

}  // namespace ccproxy::http
