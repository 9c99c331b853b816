// Who keeps the events of a response beside the client that gets them: an encoder tells it, a store
// implements it, and neither knows the other.
#pragma once

#include <cstdint>
#include <string_view>

namespace ccproxy::dialect {

// Is given every event of a response, for whoever reads them later.
class EventLog {
 public:
  EventLog() = default;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  virtual ~EventLog() = default;

  // `sse` is the event as it is sent, with its blank line.
  virtual void add(std::int64_t number, std::string_view sse) = 0;
  // The last one. What it says may change: then it comes once more, with the same number.
  virtual void end(std::int64_t number, std::string_view sse) = 0;
};

}  // namespace ccproxy::dialect
