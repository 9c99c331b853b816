// Which model serves a request: the mapping first, then the successors of retired models.
#pragma once

#include <string>

#include "config/config.hpp"
#include "proxy/state.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

// The id to send for the name that a client asked for. The receipt is told both, and a warning when
// a retired model was replaced.
[[nodiscard]] std::string served_model(Shared& shared, const config::Config& config,
                                       const std::string& asked, telemetry::Receipt& receipt);

}  // namespace ccproxy::proxy
