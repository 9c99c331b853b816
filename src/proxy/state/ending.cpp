#include "proxy/state/ending.hpp"

namespace ccproxy::proxy {

Error shutting_down() { return {ErrorKind::kShutdown, "CCProxy is shutting down"}; }

void note_ending(telemetry::Receipt& receipt, const Error& error) {
  using telemetry::Ending;
  switch (error.kind) {
    case ErrorKind::kClientGone: receipt.ending = Ending::kClientGone; break;
    case ErrorKind::kClientStalled: receipt.ending = Ending::kClientStalled; break;
    case ErrorKind::kTimedOut: receipt.ending = Ending::kTimedOut; break;
    case ErrorKind::kShutdown: receipt.ending = Ending::kShutdown; break;
    case ErrorKind::kUpstreamBroke:
    case ErrorKind::kUpstreamUnreachable: receipt.ending = Ending::kUpstreamBroke; break;
    default: receipt.ending = Ending::kRefused;
  }
  // A path that is not known may hold anything, and the log is not to hold it.
  receipt.detail = error.code == kUnknownUrl ? "there is no such route" : error.message;
}

}  // namespace ccproxy::proxy
