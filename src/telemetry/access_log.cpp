#include "telemetry/access_log.hpp"

#include <exception>
#include <utility>

#include "base/text.hpp"

namespace ccproxy::telemetry {

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::kComplete: return "complete";
    case Ending::kRefused: return "refused";
    case Ending::kClientGone: return "client_gone";
    case Ending::kClientStalled: return "client_stalled";
    case Ending::kUpstreamBroke: return "upstream_broke";
    case Ending::kTimedOut: return "timed_out";
    case Ending::kShutdown: return "shutdown";
  }
  return "unknown";
}

void Receipt::warn(std::string_view token, std::string_view meaning) {
  if (list_names(warning, token)) return;
  if (!warning.empty()) warning += ", ";
  warning += token;
  if (detail.empty()) detail = meaning;
}

namespace {

void write(Log& log, Level level, const Receipt& receipt, Clock::time_point now) {
  Line line = log.line(level, "request");
  const auto text = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) line.add(key, value);
  };
  const auto count = [&](std::string_view key, const std::optional<std::int64_t>& value) {
    if (value) line.add(key, *value);
  };
  text("id", receipt.id);
  text("method", receipt.method);
  text("route", receipt.route);
  text("client", receipt.client);
  text("key", receipt.key);
  text("model", receipt.model_requested);
  if (receipt.model_sent != receipt.model_requested) text("model_sent", receipt.model_sent);
  line.add("status", receipt.status);
  text("upstream_request_id", receipt.upstream_request_id);
  if (receipt.first_byte) line.add("first_byte_ms", *receipt.first_byte - receipt.started);
  line.add("duration_ms", now - receipt.started);
  count("input_tokens", receipt.input_tokens);
  count("cached_tokens", receipt.cached_tokens);
  count("cache_write_tokens", receipt.cache_write_tokens);
  count("output_tokens", receipt.output_tokens);
  text("stop_reason", receipt.stop_reason);
  if (receipt.resent) line.add("resent", 1);
  if (receipt.reauthenticated) line.add("signed_again", 1);
  if (receipt.retries > 0) line.add("retries", receipt.retries);
  if (receipt.unsaved) line.add("credential", "not saved: auth.json cannot be written");
  text("ignored", receipt.ignored);
  text("warning", receipt.warning);
  line.add("ended", name_of(receipt.ending));
  text("detail", receipt.detail);
  text("peer", receipt.peer);
  log.write(level, std::move(line));
}

}  // namespace

void write_receipt(Log& log, const Receipt& receipt, Clock::time_point now) {
  const bool good = receipt.ending == Ending::kComplete || receipt.ending == Ending::kClientGone;
  const Level level = good ? Level::kInfo : Level::kWarn;
  if (!log.wants(level)) return;
  try {
    write(log, level, receipt, now);
  } catch (const std::exception&) {
    log.count_lost_line();  // there was no memory, as a rule
  }
}

}  // namespace ccproxy::telemetry
