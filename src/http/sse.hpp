// Server-sent events: lines to events (WHATWG HTML, 9.2.6 "Interpreting an event stream").
// This room knows lines. It refuses to know JSON and what an event means.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ccproxy::http {

struct SseEvent {
  std::string_view name;  // empty when the stream names none
  std::string_view data;  // data lines joined by '\n', without the last one
  bool cut = false;       // it outgrew the limit: what stood behind is missing
};

// Cuts a byte stream into events. Feed it what arrives, in pieces of any size; LF, CR and CRLF
// all end a line, a UTF-8 byte order mark at the very start is skipped, comments are dropped.
class SseReader {
 public:
  // `max_event` bounds the bytes that are kept of one event: name and data each.
  explicit SseReader(std::size_t max_event) : max_event_(max_event) {}

  // Takes the bytes; they must stay where they are until next() has returned nothing.
  void feed(std::string_view bytes) {
    input_ = bytes;
    next_lf_ = nullptr;
  }

  // The next whole event, or nothing until more is fed. Views live until the next call of next().
  [[nodiscard]] std::optional<SseEvent> next();

  // Nothing more is fed: the event whose end is missing, as a blank line would end it now.
  [[nodiscard]] std::optional<SseEvent> cut_event();

  // About how many bytes are kept of an event that is not whole yet.
  [[nodiscard]] std::size_t kept() const { return line_.size() + data_.size(); }

  // True when the stream stands between two events: an end anywhere else means it was cut.
  [[nodiscard]] bool at_border() const { return border_ && line_.empty() && input_.empty(); }
  // True when the last byte ended a line.
  [[nodiscard]] bool at_line_start() const { return line_.empty() && !in_long_line_; }
  // True when that was a CR: a LF that follows is the rest of that line's end.
  [[nodiscard]] bool behind_cr() const { return saw_cr_; }

 private:
  enum class Line { kMore, kComplete, kBlank };
  [[nodiscard]] Line take_line();
  void take_field(std::string_view line);
  void keep(std::string_view bytes);

  std::size_t max_event_;
  std::string_view input_;
  const char* next_lf_ = nullptr;  // the first one in input_, or its end; before input_: not known
  std::string line_;               // the beginning of a line whose end has not come
  std::string_view complete_;      // the line take_line() found
  std::string name_, data_;
  bool has_data_ = false;
  bool cut_ = false;
  bool border_ = true;
  bool in_long_line_ = false;  // what is left of this line is dropped
  bool saw_cr_ = false;        // a LF that follows belongs to the same line end
  bool at_start_ = true;       // a byte order mark may still come
  bool event_shown_ = false;
};

}  // namespace ccproxy::http
