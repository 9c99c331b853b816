// What an answer that passes by says of itself: tokens, why it ended, whether it is complete. Only
// the few events that tell it are read; the rest costs a comparison of names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json/reader.hpp"

namespace ccproxy::anthropic {

struct Usage {
  std::optional<std::int64_t> input, output, cache_read, cache_write;
  std::string stop_reason;
};

// The reason, as a log may show it: one that is not known may be any text, and is "other".
[[nodiscard]] std::string_view known_stop_reason(std::string_view reason);

// What UsageReader parses with: one reader per depth, since a reader cannot be used inside its own
// walk. A worker keeps one set for all its answers; nothing in it outlives a call.
struct UsageParsers {
  json::Reader outer, middle, inner;
};

class UsageReader {
 public:
  // `parsers` must outlive it.
  explicit UsageReader(UsageParsers& parsers) : parsers_(parsers) {}

  // One event of a stream. Numbers are cumulative: the later one counts, a missing or null one
  // leaves the earlier. Without a `name` the JSON's own "type" tells the kind.
  void on_event(std::string_view name, std::string_view data);
  // A whole message, not streamed.
  void on_body(std::string_view json);

  [[nodiscard]] const Usage& usage() const { return usage_; }
  [[nodiscard]] bool message_started() const { return started_; }
  [[nodiscard]] bool message_stopped() const { return stopped_; }
  [[nodiscard]] bool has_error() const { return error_; }
  [[nodiscard]] bool last_was_ping() const { return ping_; }

 private:
  void read_message(std::string_view message);
  void read_usage(std::string_view usage);

  UsageParsers& parsers_;
  Usage usage_;
  bool started_ = false, stopped_ = false, error_ = false, ping_ = false;
};

}  // namespace ccproxy::anthropic
