// What every part of a translated exchange works with.
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

// Owned by whoever serves the exchange; outlives everything that it is given to.
struct ExchangeContext {
  WorkerState& worker;
  const config::Config& config;
  ReplySink& sink;
  const http::RequestHead& head;  // the client's
  UpstreamCall& upstream;
  telemetry::Receipt& receipt;
  std::string_view cors_fields;  // lines for the reply's head
};

}  // namespace ccproxy::proxy
