// One line per request: what was asked, what came of it, what it cost. Never a body, a credential
// or a query. It refuses to know how a request is served.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::telemetry {

// Why an exchange is over.
enum class Ending {
  kComplete,       // everything was passed on
  kRefused,        // answered by this server with an error: nothing was sent upstream
  kClientGone,     // the client left first
  kClientStalled,  // the client stopped taking its answer
  kUpstreamBroke,  // no answer, or one that was cut
  kTimedOut,       // a limit ran out while waiting for the upstream
  kShutdown,       // this server ended
};

[[nodiscard]] std::string_view name_of(Ending ending);

// What is known of one exchange when it is over.
struct Receipt {
  std::string id;
  std::string method;
  std::string route;   // such as /v1/messages; never the query
  std::string client;  // the product its User-Agent names
  std::string key;     // name of the proxy key, if one was used
  std::string model_requested, model_sent;
  int status = 0;  // sent to the client; 0 when none was
  std::string upstream_request_id;
  Clock::time_point started = Clock::now();
  std::optional<Clock::time_point> first_byte;  // of the upstream's answer
  std::optional<std::int64_t> input_tokens, cached_tokens, cache_write_tokens, output_tokens;
  std::string stop_reason;
  bool resent = false;           // a dead connection was replaced
  bool reauthenticated = false;  // a 401 was answered with a renewed credential
  bool unsaved = false;          // the credential in use could not be written to its file
  int retries = 0;               // it was sent again because the upstream was busy or broken
  std::string ignored;           // what x-ccproxy-ignored says
  std::string warning;           // what x-ccproxy-warning says
  Ending ending = Ending::kComplete;
  std::string detail;  // a sentence, when something went wrong; never what a body says
  std::string peer;    // the address of a client that was refused at the door

  // Adds a token to `warning`, each once, in the order they came; `meaning` becomes the detail
  // where there is none.
  void warn(std::string_view token, std::string_view meaning);
};

void write_receipt(Log& log, const Receipt& receipt, Clock::time_point now);

}  // namespace ccproxy::telemetry
