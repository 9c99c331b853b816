// What every part of one exchange works with.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"
#include "http/head.hpp"
#include "proxy/state/worker_state.hpp"
#include "proxy/translation/reply_sink.hpp"
#include "proxy/upstream/call.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

// Owned by the exchange; outlives all that it is given to.
struct ExchangeContext {
  WorkerState& worker;
  const config::Config& config;
  ReplySink& sink;
  const http::RequestHead& head;
  UpstreamCall& upstream;
  telemetry::Receipt& receipt;
  std::string_view cors_fields;
};

}  // namespace ccproxy::proxy
