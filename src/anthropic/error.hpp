// Errors in Anthropic's shape (its API documentation, "Errors").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy::anthropic {

// {"type":"error","error":{"type","message"},"request_id"}; an empty id is left out.
[[nodiscard]] std::string error_body(std::string_view type, std::string_view message,
                                     std::string_view request_id);

// What an error's body says; empty where it says nothing.
struct SaidError {
  std::string type, message;
};

// `body` is that of an error as it came, perhaps cut.
[[nodiscard]] SaidError read_error(std::string_view body);

// The error type that goes with an HTTP status.
[[nodiscard]] std::string_view error_type(int status);
// The HTTP status that goes with an error type, which an event in a stream does not say; nothing
// for a type that is not known.
[[nodiscard]] std::optional<int> status_of_type(std::string_view type);
// The error type and the HTTP status for an error that this program made.
[[nodiscard]] std::string_view error_type(ErrorKind kind);
[[nodiscard]] int status_of(ErrorKind kind);

}  // namespace ccproxy::anthropic
