// Listens to an answer that passes by: token counts, why it ended, whether it is whole. It reads a
// copy and never holds a byte back.
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
  // `parsers` must outlive it. `is_message` says that an event stream here is that of one message.
  // `hold` counts what is kept of the answer; where there is no room, it passes unread.
  Tap(const http::ResponseHead& answer, anthropic::UsageParsers& parsers, bool is_message = false,
      MemoryReservation hold = {});

  void see(std::string_view bytes);
  // Nothing more comes: reads what a JSON body says, or an event that lacks only its end.
  void finish();

  [[nodiscard]] const anthropic::UsageReader& usage() const { return usage_; }

  // True for an event stream in plain text, into which an event can be written.
  [[nodiscard]] bool is_open_stream() const {
    return kind_ == Kind::kEvents && coding_ == http::Coding::kIdentity;
  }
  // What must be written to stand at the start of an event: a cut line is ended with a blank line.
  [[nodiscard]] std::string_view to_border() const;
  // True once the stream of a message has begun, with its whole first event.
  [[nodiscard]] bool has_begun() const { return usage_.message_started(); }
  // True once the end of a message or an error event has come: nothing belongs behind it.
  [[nodiscard]] bool is_over() const {
    return kind_ == Kind::kEvents && (usage_.message_stopped() || usage_.has_error());
  }
  [[nodiscard]] bool is_over_message() const { return is_message_ && is_over(); }
  // True when only finish() has found that, and the client needs to_border() to see it.
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
  std::optional<http::Decoder> decoder_;  // for an answer that is coded though nobody asked
  std::string decoded_;
  http::SseReader events_;
  std::string body_;  // of a JSON answer
  MemoryReservation hold_;
  anthropic::UsageReader usage_;
  Clock::time_point last_content_ = Clock::now();
};

}  // namespace ccproxy::proxy
