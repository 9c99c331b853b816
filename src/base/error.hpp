// Everything that can go wrong, in one list. An error knows what to tell the client and which
// field was wrong. It refuses to know the dialect it will be told in and the HTTP status.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace ccproxy {

enum class ErrorKind {
  kInvalidRequest,       // the client's bytes or body break a rule; `param` names the place
  kTooLarge,             // a body above its limit
  kHeadTooLarge,         // a request head above its limit
  kUnsupportedCoding,    // a Content-Encoding nobody here can read
  kUnauthorized,         // no credential, or a proxy key that is not known
  kForbidden,            // the Host or Origin is not one this server answers
  kNotFound,             // no such route or object
  kMethodNotAllowed,     // the route exists, not for this method
  kBusy,                 // a limit of this server is reached; `retry_after` says when to come back
  kUpstreamUnreachable,  // no connection: nothing was sent, a resend is safe
  kUpstreamBroke,        // the answer stopped in the middle or broke HTTP
  kTimedOut,             // a limit of docs/configuration.md ran out while waiting for the upstream
  kClosed,               // the peer closed, or the connection was closed on this side
  kClientStalled,        // the client took too long to send its request or take its answer
  kClientGone,           // nobody is left to tell
  kShutdown,             // this server is ending and the time to finish is over
  kConfiguration,        // a configuration file, flag or environment value that cannot be used
  kIo,                   // a file or socket operation that the system refused
  kInternal,             // a bug of ours: logged with its place, told as a plain 500
};

struct Error {
  ErrorKind kind;
  std::string message;  // one sentence for the client: no secret, no path of this machine
  std::string param{};  // such as messages[3].content[1].image_url.url
  std::string code{};   // where a dialect has a finer word than the kind, such as model_not_found
  std::optional<std::chrono::seconds> retry_after{};
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(message)});
}

}  // namespace ccproxy
