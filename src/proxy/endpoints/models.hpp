// GET /v1/models and /v1/models/{id}, in the shape the caller reads.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/head.hpp"
#include "net/cancellation.hpp"
#include "net/task.hpp"
#include "proxy/state/worker_state.hpp"

namespace ccproxy::proxy {

// Asks the upstream for its list when an API key is in use and the one in hand is old. Gives up
// after two seconds, since clients want the list within three, and when `cancellation` says so.
// Failures leave the list as it is.
[[nodiscard]] Task<void> refresh_models(WorkerState& worker, net::Cancellation& cancellation);

// The list: Codex's shape with ?client_version=, Anthropic's (with limit, after_id, before_id) for
// callers that speak it, else OpenAI's.
[[nodiscard]] Result<std::string> list_models(const Shared& shared, const http::RequestHead& head);

// One model; `path` ends with its id. Fails with kNotFound.
[[nodiscard]] Result<std::string> show_model(const Shared& shared, const http::RequestHead& head,
                                             std::string_view path);

}  // namespace ccproxy::proxy
