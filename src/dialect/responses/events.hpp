// The events of one response, numbered without a gap and framed as server-sent events. It refuses
// to know items and the order of events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "dialect/event_log.hpp"

namespace ccproxy::dialect {

// Returns the events whose number is above `after`. `events` are whole events in their order, the
// first of which has the number `first`.
[[nodiscard]] std::string_view events_after_number(std::string_view events, std::int64_t first,
                                                   std::int64_t after);

class ResponseEvents {
 public:
  // `log` may be nullptr, else it must outlive this. Without `streams` only the log gets the
  // events.
  ResponseEvents(bool streams, EventLog* log) : streams_(streams), log_(log) {}

  // False when neither the client nor a log gets the events: they need not be made.
  [[nodiscard]] bool are_needed() const { return streams_ || log_ != nullptr; }

  // Appends the event `response.<name>`. `members` are concatenated after the members that every
  // event has, and begin with a comma. The data of an event is one line of JSON: JSON that the
  // model or the client wrote must be made compact first.
  void add(std::string_view name, std::initializer_list<std::string_view> members,
           std::string& out);
  // Appends the last event. A second call replaces it: `out` must then end with the event that the
  // first call appended.
  void end(std::string_view name, std::initializer_list<std::string_view> members,
           std::string& out);

 private:
  std::string_view append(std::string_view name, std::initializer_list<std::string_view> members,
                          std::string& out);
  void release_large_buffer();

  bool streams_;
  EventLog* log_;
  std::int64_t number_ = 0;
  std::size_t end_size_ = 0;  // bytes of the last event in the stream
  std::string log_only_;      // an event that only the log gets
};

}  // namespace ccproxy::dialect
