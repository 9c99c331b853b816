// Reads a response while it is passed on: token counts, why it ended, whether it is whole. It never
// changes a byte and never holds one back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "anthropic/usage.hpp"
#include "base/clock.hpp"
#include "http/coding.hpp"
#include "http/head.hpp"
#include "http/sse.hpp"
#include "proxy/state/memory_budget.hpp"

namespace ccproxy::proxy {

class Tap {
 public:
  // `parsers` must outlive it. With `is_message`, an event stream is that of one message. `hold`
  // counts what is stored of the response; where there is no room, the response is not read.
  Tap(const http::ResponseHead& response, anthropic::UsageParsers& parsers, bool is_message = false,
      MemoryReservation hold = {});

  // Takes the next bytes of the body. They may be freed when this returns.
  void see(std::string_view bytes);
  // Nothing more comes: reads a JSON body, or the last event where only its blank line is missing.
  void finish();

  [[nodiscard]] const anthropic::UsageReader& usage() const { return usage_; }

  // True for an event stream in plain text, into which an event can be written.
  [[nodiscard]] bool is_open_stream() const {
    return kind_ == Kind::kEvents && coding_ == http::Coding::kIdentity;
  }
  // What must be written before another event: the end of a line and of an event that were cut.
  [[nodiscard]] std::string_view to_border() const;
  // True once the stream of a message has begun, with its whole first event.
  [[nodiscard]] bool has_begun() const { return usage_.message_started(); }
  // True once the end of a message or an error event has come: no event may follow.
  [[nodiscard]] bool is_over() const {
    return kind_ == Kind::kEvents && (usage_.message_stopped() || usage_.has_error());
  }
  [[nodiscard]] bool is_over_message() const { return is_message_ && is_over(); }
  // True when only finish() has found that: the client needs to_border() to see the last event.
  [[nodiscard]] bool is_over_but_border() const { return lacks_border_; }
  // True for the stream of a message that is not over, whether it has begun or not.
  [[nodiscard]] bool is_unfinished() const {
    return kind_ == Kind::kEvents && (is_message_ || usage_.message_started()) && !is_over();
  }
  // When the last event that was not a ping came, or the stream began.
  [[nodiscard]] Clock::time_point last_content() const { return last_content_; }

 private:
  enum class Kind { kEvents, kJson, kOther };
  void see_plain(std::string_view bytes);

  Kind kind_ = Kind::kOther;
  bool is_message_;
  bool lacks_border_ = false;
  http::Coding coding_ = http::Coding::kIdentity;
  std::optional<http::Decoder> decoder_;  // of a coded response, which was not requested
  std::string decoded_;
  http::SseReader events_;
  std::string body_;  // of a JSON response
  MemoryReservation hold_;
  anthropic::UsageReader usage_;
  Clock::time_point last_content_ = Clock::now();
};

}  // namespace ccproxy::proxy
