// The interface through which an encoder records the events of a response beside sending them to
// the client. A store implements it; neither knows the other.
#pragma once

#include <cstdint>
#include <string_view>

namespace ccproxy::dialect {

// Receives every event of a response, for clients that read them later.
class EventLog {
 public:
  EventLog() = default;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  virtual ~EventLog() = default;

  // `number` is the event's sequence_number; `sse` is the event as it is sent, with its blank line.
  virtual void add(std::int64_t number, std::string_view sse) = 0;
  // Adds the last event. It may be called again with the same number, if the event has changed.
  virtual void end(std::int64_t number, std::string_view sse) = 0;
};

}  // namespace ccproxy::dialect
