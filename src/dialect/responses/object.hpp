// The response object: the state of a response and what it echoes of its request (rule B.4). Every
// member is always there, since clients rely on it.
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
  std::int64_t completed = 0;            // seconds since 1970; of a completed response
  std::string error{};                   // JSON; empty without an error
  std::string_view incomplete_reason{};  // empty unless it is incomplete
  std::optional<Tokens> tokens{};
  std::string_view service_tier{};  // empty until it is known
};

// Appends the object. `output` holds elements of a JSON array, `echo` members with a comma before
// each (echo.hpp).
void append_response(std::string& out, const ResponseState& state, std::string_view output,
                     std::string_view echo);

// Appends the object of a compaction. `messages` are the items before the summary, elements of a
// JSON array.
void append_compaction(std::string& out, const ResponseState& state, std::string_view messages,
                       std::string_view summary);

// Appends the items of the output_item.done events among `events` to `list`, elements of a JSON
// array.
void append_done_items(std::string& list, std::string_view events);

// Returns the object of a response whose process ended before it did: `object` with the status
// failed and with `output`, the items that were done by then.
[[nodiscard]] std::string interrupted_response(std::string_view object, std::string_view output);

// Returns the events of such a response whose number is above `after` and that were not stored. The
// stored events end with the number `last`; it is negative when none was stored, and then the
// beginning is made, too. `object` is the object that interrupted_response() returned.
[[nodiscard]] std::string interrupted_events(std::int64_t after, std::int64_t last,
                                             std::string_view object);

// Returns the end of a stream whose events after the number `after` were deleted or have expired.
// `object` is the last object of the response.
[[nodiscard]] std::string erased_events(std::int64_t after, std::string_view object);

// Returns {"code","message"}.
[[nodiscard]] std::string response_error(std::string_view code, std::string_view message);

}  // namespace ccproxy::dialect
