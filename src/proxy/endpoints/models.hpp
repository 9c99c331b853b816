// GET /v1/models and /v1/models/{id}, each in the shape that the client reads.
#pragma once

#include <string>
#include <string_view>

#include "anthropic/models.hpp"
#include "base/error.hpp"
#include "http/head.hpp"
#include "net/cancellation.hpp"
#include "net/task.hpp"
#include "proxy/state/model_catalog.hpp"

namespace ccproxy::proxy {

struct WorkerState;

// Fetches the upstream's list into the catalog when an API key is in use and the last list is old.
// Gives up after two seconds, since clients want the list within three, and when `cancellation`
// says so. After a failure the catalog stays as it is.
[[nodiscard]] Task<void> refresh_models(WorkerState& worker, net::Cancellation& cancellation);

// The list: in Codex's shape for ?client_version=, in Anthropic's (a page by limit, after_id and
// before_id) for clients that speak it, else in OpenAI's.
[[nodiscard]] std::string list_models(const ModelCatalog& catalog, const http::RequestHead& head);

// One model. `path` ends with its id, an alias or another spelling of it. Fails with kNotFound.
[[nodiscard]] Result<std::string> show_model(const ModelCatalog& catalog,
                                             const anthropic::ModelTable& models,
                                             const http::RequestHead& head, std::string_view path);

}  // namespace ccproxy::proxy
