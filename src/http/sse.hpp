// Reads server-sent events (WHATWG HTML, 9.2.6 "Interpreting an event stream"). It refuses to know
// JSON and what an event means.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ccproxy::http {

// True when a Content-Type names text/event-stream, whatever its parameters and the case of its
// letters.
[[nodiscard]] bool is_event_stream(std::string_view content_type);

struct SseEvent {
  std::string_view name;  // empty when the event has none
  std::string_view data;  // the data lines, joined by '\n'
  bool cut = false;       // it was larger than the limit, so that its end is missing
};

// Splits a byte stream into events. It takes the bytes in pieces of any size. LF, CR and CRLF end a
// line, a UTF-8 byte order mark at the start is skipped, comments are dropped.
class SseReader {
 public:
  // `max_event` limits the bytes that are stored of an event: of its name and of its data.
  explicit SseReader(std::size_t max_event) : max_event_(max_event) {}

  // `bytes` must stay valid until next() has returned nothing.
  void feed(std::string_view bytes) {
    input_ = bytes;
    next_lf_ = nullptr;
  }

  // Returns the next complete event; nothing until more bytes are fed. Its views are valid until
  // the next call of next().
  [[nodiscard]] std::optional<SseEvent> next();

  // Call it at the end of the stream. Returns the incomplete event, as if a blank line had ended
  // it; nothing when there is none.
  [[nodiscard]] std::optional<SseEvent> cut_event();

  // About how many bytes are stored of the incomplete event.
  [[nodiscard]] std::size_t stored_bytes() const { return line_.size() + data_.size(); }

  // True when the bytes so far end between two events. A stream that ends elsewhere was truncated.
  [[nodiscard]] bool at_border() const { return border_ && line_.empty() && input_.empty(); }
  // True when the bytes so far end with the end of a line.
  [[nodiscard]] bool at_line_start() const { return line_.empty() && !in_long_line_; }
  // True when the last line ended in CR, so that a LF may still follow as a part of that line end.
  [[nodiscard]] bool behind_cr() const { return saw_cr_; }

 private:
  enum class Line { kMore, kComplete, kBlank };
  [[nodiscard]] Line take_line();
  void take_field(std::string_view line);
  void store(std::string_view bytes);

  std::size_t max_event_;
  std::string_view input_;
  const char* next_lf_ = nullptr;  // the first LF in input_, or its end; unknown if before input_
  std::string line_;               // the beginning of a line whose end has not arrived
  std::string_view complete_;      // the line that take_line() has found
  std::string name_, data_;
  bool has_data_ = false;
  bool cut_ = false;
  bool border_ = true;
  bool in_long_line_ = false;  // the rest of this line is dropped
  bool saw_cr_ = false;        // a LF that follows belongs to the same line end
  bool at_start_ = true;       // a byte order mark may still come
  bool event_returned_ = false;
};

}  // namespace ccproxy::http
