// Everything that can go wrong, in one list. An error carries the message for the client and the
// name of the wrong field. It refuses to know the dialect in which it is sent, and the HTTP status.
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
  kUnsupportedCoding,    // a Content-Encoding that this program cannot decode
  kUnauthorized,         // no credential, or an unknown proxy key
  kForbidden,            // a Host or Origin that this server does not serve
  kNotFound,             // no such route or object
  kMethodNotAllowed,     // the route exists, but not for this method
  kBusy,                 // a limit of this server is reached; `retry_after` says when to retry
  kUpstreamUnreachable,  // no connection: nothing was sent, so a resend is safe
  kUpstreamBroke,        // the response stopped in the middle or violated HTTP
  kTimedOut,             // a timeout of docs/configuration.md expired while waiting for upstream
  kClosed,               // the peer closed the connection, or it was closed on this side
  kClientStalled,        // the client took too long to send its request or to read its reply
  kClientGone,           // the client has left: nobody receives this error
  kShutdown,             // this server is shutting down, and its grace period is over
  kConfiguration,        // a configuration file, flag or environment value that cannot be used
  kIo,                   // a file or socket operation that the system refused
  kInternal,             // a bug of this program: logged with its place, sent as a plain 500
};

struct Error {
  ErrorKind kind;
  std::string message;  // a sentence for the client, without secrets and paths of this machine
  std::string param{};  // the wrong field, such as messages[3].content[1].image_url.url
  std::string code{};   // an identifier finer than the kind, such as model_not_found
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
