// The events of one response: numbered without a gap, and framed as server-sent events. It knows no
// item and no order; a WebSocket would frame the same events its own way, here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "dialect/event_log.hpp"

namespace ccproxy::dialect {

// Of events that stand one behind another, the first with the number `first`, those behind the
// number `after`.
[[nodiscard]] std::string_view events_behind(std::string_view events, std::int64_t first,
                                             std::int64_t after);

class ResponseEvents {
 public:
  // `log` may be nullptr, else it must outlive this. Without `streams` only the log is told.
  ResponseEvents(bool streams, EventLog* log) : streams_(streams), log_(log) {}

  // Else nobody is told them, and they need not be put together.
  [[nodiscard]] bool are_heard() const { return streams_ || log_ != nullptr; }

  // Appends the event `response.<name>`. `members` are put together behind the members that every
  // event has; they begin with a comma. An event is one line of JSON: whoever copies text that
  // others wrote makes it compact.
  void add(std::string_view name, std::initializer_list<std::string_view> members,
           std::string& out);
  // The same for the last event. Once more, it takes the place of what it was, with which `out`
  // must end.
  void end(std::string_view name, std::initializer_list<std::string_view> members,
           std::string& out);

 private:
  std::string_view append(std::string_view name, std::initializer_list<std::string_view> members,
                          std::string& out);

  void forget_large();

  bool streams_;
  EventLog* log_;
  std::int64_t number_ = 0;
  std::size_t end_size_ = 0;  // of the last event in the stream
  std::string unheard_;       // an event that nobody but the log is told
};

}  // namespace ccproxy::dialect
