// Errors of the Messages API (its documentation, "Errors"): reads and writes their bodies, and maps
// their types to HTTP statuses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccproxy::anthropic {

// Writes {"type":"error","error":{"type","message"},"request_id"}, without an empty request id.
[[nodiscard]] std::string error_body(std::string_view type, std::string_view message,
                                     std::string_view request_id);

// The error in the body of a response. Members that the body does not have are empty.
struct ApiError {
  std::string type, message;
};

// Reads the body of an error, which may be truncated.
[[nodiscard]] ApiError read_error(std::string_view body);

// The error type for an HTTP status.
[[nodiscard]] std::string_view error_type(int status);
// The HTTP status for an error type, which an event in a stream does not have; nothing for an
// unknown type.
[[nodiscard]] std::optional<int> status_of_type(std::string_view type);
// The error type and the HTTP status for an error of this program.
[[nodiscard]] std::string_view error_type(ErrorKind kind);
[[nodiscard]] int status_of(ErrorKind kind);

}  // namespace ccproxy::anthropic
