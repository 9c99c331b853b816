// The HTTP status codes that code branches on, by name (RFC 9110, 15). It stands in `base`, since
// rooms that know no HTTP messages compare statuses, too.
#pragma once

namespace ccproxy::status {

inline constexpr int kOk = 200;
inline constexpr int kBadRequest = 400;
inline constexpr int kUnauthorized = 401;
inline constexpr int kNotFound = 404;
inline constexpr int kMisdirectedRequest = 421;
inline constexpr int kUpgradeRequired = 426;
inline constexpr int kTooManyRequests = 429;

inline constexpr int kFirstError = 400;        // 4xx are errors of the client
inline constexpr int kFirstServerError = 500;  // 5xx are errors of the server

}  // namespace ccproxy::status
