// Which model serves a request: the mapping first, or what a name means that is written another way
// than the provider's; then the successors of retired models.
#pragma once

#include <string>
#include <string_view>

#include "anthropic/models.hpp"
#include "base/timestamp.hpp"
#include "config/config.hpp"
#include "proxy/state/worker_state.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

// The id to send for the name that a client asked for. The receipt is told both, and a warning when
// a retired model was replaced or one that is to retire is asked. Names of the built-in mapping
// bring no warning: nobody chose what stands behind them.
[[nodiscard]] std::string resolve_model(Shared& shared, const config::Config& config,
                                        const std::string& asked, telemetry::Receipt& receipt);

// The upstream has answered 404, and `error_body` is what it said. When that means that the model
// has retired since this program was built (its date has passed, and the error names it), it counts
// as retired from now on; the id to ask instead is returned, and the receipt is told. Empty for
// every other error.
[[nodiscard]] std::string successor_of_missing(Shared& shared, const config::Config& config,
                                               std::string_view error_body, Instant now,
                                               telemetry::Receipt& receipt);

}  // namespace ccproxy::proxy
