#include "proxy/state/ending.hpp"

#include <fmt/format.h>

#include <utility>

namespace ccproxy::proxy {
namespace {

using telemetry::Ending;

constexpr std::size_t kMaxPlace = 128;  // of the place in a body: names in it are the client's

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

// A path that is not known may hold anything, and so may what a body says, or the id of what is not
// there: the log is to hold none of it. Of a body it gets what is wrong there, and where.
std::string detail_of(const Error& error) {
  const bool is_missing = error.kind == ErrorKind::kNotFound;
  if (error.code == kUnknownUrl) return "there is no such route";
  if (error.param.empty()) return is_missing ? "there is no such object" : error.message;
  const std::string_view otherwise = is_missing ? "not_found" : "invalid_request";
  return fmt::format("{} at {}", error.code.empty() ? otherwise : error.code,
                     std::string_view(error.param).substr(0, kMaxPlace));
}

}  // namespace

Error shutting_down() { return {ErrorKind::kShutdown, "CCProxy is shutting down"}; }

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
