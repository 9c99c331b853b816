#include "proxy/state/ending.hpp"

#include <fmt/format.h>

#include <utility>

namespace ccproxy::proxy {
namespace {

using telemetry::Ending;

constexpr std::size_t kMaxParam = 128;  // bytes: a param has names from the client's body

Ending ending_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kClientGone: return Ending::kClientGone;
    case ErrorKind::kClientStalled: return Ending::kClientStalled;
    case ErrorKind::kTimedOut: return Ending::kTimedOut;
    case ErrorKind::kShutdown: return Ending::kShutdown;
    case ErrorKind::kUpstreamBroke:
    case ErrorKind::kUpstreamUnreachable: return Ending::kUpstreamBroke;
    default: return Ending::kRefused;
  }
}

// The log must hold no text of a client's: a body, or the id of a missing object, may be anything.
// It gets what is wrong with a body, and where.
std::string detail_of(const Error& error) {
  const bool is_missing = error.kind == ErrorKind::kNotFound;
  if (error.param.empty()) return is_missing ? "there is no such object" : error.message;
  const std::string_view default_code = is_missing ? "not_found" : "invalid_request";
  return fmt::format("{} at {}", error.code.empty() ? default_code : error.code,
                     std::string_view(error.param).substr(0, kMaxParam));
}

}  // namespace

Error shutting_down() { return {ErrorKind::kShutdown, "CCProxy is shutting down"}; }

// The path of the request may be anything, too.
void note_unknown_route(telemetry::Receipt& receipt) {
  receipt.ending = Ending::kRefused;
  receipt.detail = "there is no such route";
}

void note_ending(telemetry::Receipt& receipt, const Error& error) {
  const Ending ending = ending_of(error.kind);
  if (std::exchange(receipt.ending, ending) != ending) receipt.detail = detail_of(error);
}

tl::unexpected<Error> fail_quoting(telemetry::Receipt& receipt, ErrorKind kind,
                                   std::string sentence, std::string_view quoted) {
  Error error{kind, std::move(sentence)};
  note_ending(receipt, error);
  error.message += quoted;
  return fail(std::move(error));
}

}  // namespace ccproxy::proxy
