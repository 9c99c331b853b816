// Reads the usage of a response that is passed through: tokens, the stop reason, and whether it is
// complete. Only the few events that have these are parsed; all others cost a comparison of names.
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

// The stop reason for logs: "other" for an unknown one, which could be any text.
[[nodiscard]] std::string_view known_stop_reason(std::string_view reason);

// The parsers of a UsageReader: one for each depth, since a parser cannot be used during its own
// walk. A worker uses one set for all responses.
struct UsageParsers {
  json::Reader outer, middle, inner;
};

class UsageReader {
 public:
  // `parsers` must outlive it.
  explicit UsageReader(UsageParsers& parsers) : parsers_(parsers) {}

  // Reads one event of a stream. A later count replaces an earlier one, unless it is missing or
  // null. An empty `name` is replaced by the "type" of the JSON.
  void on_event(std::string_view name, std::string_view data);
  // Reads a whole message that is not streamed.
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
