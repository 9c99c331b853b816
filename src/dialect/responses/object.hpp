// The response object: what a response is and what it repeats of its request (rule B.4).
// Every member is always there, since clients rely on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/reply/usage.hpp"

namespace ccproxy::dialect {

enum class ResponseStatus { kQueued, kInProgress, kCompleted, kIncomplete, kFailed, kCancelled };

[[nodiscard]] std::string_view status_name(ResponseStatus status);

struct ResponseState {
  std::string id;
  std::int64_t created = 0;  // seconds since 1970
  std::string model{};       // as the client knows it
  ResponseStatus status = ResponseStatus::kInProgress;
  std::int64_t completed = 0;            // when it is
  std::string error{};                   // JSON; empty without
  std::string_view incomplete_reason{};  // empty unless it is incomplete
  std::optional<Tokens> tokens{};
  std::string_view service_tier{};  // empty until it is known
};

// Appends the object. `output` are elements of a JSON array; `echo` members, each with a comma
// before it (echo.hpp).
void append_response(std::string& out, const ResponseState& state, std::string_view output,
                     std::string_view echo);

// Appends the object of a summary that was asked for by itself: `kept` are the items beside it,
// elements of a JSON array.
void append_compaction(std::string& out, const ResponseState& state, std::string_view kept,
                       std::string_view summary);

// The items that these events tell to be done, as elements of a list.
void append_done_items(std::string& list, std::string_view events);
// The object of a response that was cut off with the program that ran it: as it stood, but failed,
// with the items that were done by then.
[[nodiscard]] std::string interrupted_response(std::string_view object, std::string_view output);
// What stands behind number `after` of its stream, when the events up to `last` were kept: the end,
// and the beginning where none was. `object` is how it ended.
[[nodiscard]] std::string interrupted_events(std::int64_t after, std::int64_t last,
                                             std::string_view object);
// The same for one whose events cannot be had any more: it was erased, or has expired. `object` is
// how it stood.
[[nodiscard]] std::string erased_events(std::int64_t after, std::string_view object);

// {"code","message"}
[[nodiscard]] std::string response_error(std::string_view code, std::string_view message);

}  // namespace ccproxy::dialect
