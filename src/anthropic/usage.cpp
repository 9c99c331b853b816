#include "anthropic/usage.hpp"

#include <algorithm>
#include <array>

namespace ccproxy::anthropic {
namespace {

void take(std::optional<std::int64_t>& place, std::string_view token) {
  if (const auto count = json::count_of(token)) place = count;
}

// The value of "type" in an event without a name.
std::string type_of(json::Reader& reader, std::string_view data) {
  std::string type;
  (void)reader.members_of_copy(data, [&](const json::Member& member) {
    if (member.key == "type") type = json::string_of(member.value).value_or("");
  });
  return type;
}

}  // namespace

std::string_view known_stop_reason(std::string_view reason) {
  static constexpr std::array<std::string_view, 8> kKnown = {
      "end_turn",   "max_tokens", "stop_sequence", "tool_use",
      "pause_turn", "refusal",    "compaction",    "model_context_window_exceeded"};
  if (reason.empty()) return {};
  const auto* const found = std::find(kKnown.begin(), kKnown.end(), reason);
  return found == kKnown.end() ? "other" : *found;
}

void UsageReader::on_event(std::string_view name, std::string_view data) {
  std::string type;
  if (name.empty()) {
    type = type_of(parsers_.outer, data);
    name = type;
  }
  ping_ = name == "ping";
  if (name == "message_start") {
    started_ = true;
    (void)parsers_.outer.members_of_copy(data, [&](const json::Member& member) {
      if (member.key == "message") read_message(member.value);
    });
  } else if (name == "message_delta") {
    (void)parsers_.outer.members_of_copy(data, [&](const json::Member& member) {
      if (member.key == "usage") read_usage(member.value);
      if (member.key == "delta") read_message(member.value);
    });
  } else if (name == "message_stop") {
    stopped_ = true;
  } else if (name == "error") {
    error_ = true;
  }
}

void UsageReader::on_body(std::string_view json) { read_message(json); }

void UsageReader::read_message(std::string_view message) {
  (void)parsers_.middle.members_of_copy(message, [&](const json::Member& member) {
    if (member.key == "usage") read_usage(member.value);
    if (member.key == "stop_reason")
      if (auto reason = json::string_of(member.value)) usage_.stop_reason = std::move(*reason);
  });
}

void UsageReader::read_usage(std::string_view usage) {
  (void)parsers_.inner.members_of_copy(usage, [&](const json::Member& member) {
    if (member.key == "input_tokens") take(usage_.input, member.value);
    if (member.key == "output_tokens") take(usage_.output, member.value);
    if (member.key == "cache_read_input_tokens") take(usage_.cache_read, member.value);
    if (member.key == "cache_creation_input_tokens") take(usage_.cache_write, member.value);
  });
}

}  // namespace ccproxy::anthropic
