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

namespace ccproxy::proxy {

class Tap {
 public:
  // `parsers` must outlive it.
  Tap(const http::ResponseHead& answer, anthropic::UsageParsers& parsers);

  void see(std::string_view bytes);
  // The answer is complete: reads what a JSON body says.
  void finish();

  [[nodiscard]] const anthropic::UsageReader& usage() const { return usage_; }

  // True for an event stream in plain text, into which an event can be written.
  [[nodiscard]] bool is_open_stream() const {
    return kind_ == Kind::kEvents && coding_ == http::Coding::kIdentity;
  }
  // What must be written to stand at the start of an event: a cut line is ended with a blank line.
  [[nodiscard]] std::string_view to_border() const;
  // True when a message began in the stream and neither its end nor an error event came.
  [[nodiscard]] bool is_unfinished() const;
  // When the last event that was not a ping came, or the stream began.
  [[nodiscard]] Clock::time_point last_content() const { return last_content_; }

 private:
  enum class Kind { kEvents, kJson, kOther };
  void see_plain(std::string_view bytes);

  Kind kind_ = Kind::kOther;
  http::Coding coding_ = http::Coding::kIdentity;
  std::optional<http::Decoder> decoder_;  // for an answer that is coded though nobody asked
  std::string decoded_;
  http::SseReader events_;
  std::string body_;  // of a JSON answer
  anthropic::UsageReader usage_;
  Clock::time_point last_content_ = Clock::now();
};

}  // namespace ccproxy::proxy
