// The access log: one line per request with what was requested, how it ended and what it cost.
// Never a body, a credential or a query. It refuses to know how a request is served.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::telemetry {

// How an exchange ended.
enum class Ending {
  kComplete,       // everything was passed on
  kRefused,        // this server replied with an error: nothing was sent upstream
  kClientGone,     // the client closed first
  kClientStalled,  // the client stopped taking its reply
  kUpstreamBroke,  // the upstream sent no response, or a cut one
  kTimedOut,       // a limit ran out while waiting for the upstream
  kShutdown,       // this server was shutting down
};

[[nodiscard]] std::string_view name_of(Ending ending);

// What is known of an exchange when it is over.
struct Receipt {
  std::string id;
  std::string method;
  std::string route;   // such as /v1/messages; never the query
  std::string client;  // the product that its User-Agent names
  std::string key;     // name of the proxy key, if one was used
  std::string model_requested, model_sent;
  int status = 0;  // sent to the client; 0 if none was sent
  std::string upstream_request_id;
  Clock::time_point started = Clock::now();
  std::optional<Clock::time_point> first_byte;  // of the upstream's response
  std::optional<std::int64_t> input_tokens, cached_tokens, cache_write_tokens, output_tokens;
  std::string stop_reason;
  bool resent = false;           // the request went again because its connection was dead
  bool reauthenticated = false;  // the request went again with a renewed credential after a 401
  bool unsaved = false;          // the credential in use could not be written to its file
  int retries = 0;               // resends because the upstream was busy or broken
  std::string ignored;           // the value of x-ccproxy-ignored
  std::string warning;           // the value of x-ccproxy-warning
  Ending ending = Ending::kComplete;
  std::string detail;  // a sentence on what went wrong; never a text of a body
  std::string peer;    // the address of a client without a valid proxy key

  // Appends a token to `warning` unless it is there already; `meaning` becomes the detail if there
  // is none yet.
  void warn(std::string_view token, std::string_view meaning);
};

void write_receipt(Log& log, const Receipt& receipt, Clock::time_point now);

}  // namespace ccproxy::telemetry
