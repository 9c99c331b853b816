#include "dialect/responses/object.hpp"

#include <algorithm>

#include "dialect/error.hpp"
#include "json/outline.hpp"
#include "json/writer.hpp"

namespace ccproxy::dialect {

std::string_view status_name(ResponseStatus status) {
  switch (status) {
    case ResponseStatus::kQueued: return "queued";
    case ResponseStatus::kInProgress: return "in_progress";
    case ResponseStatus::kCompleted: return "completed";
    case ResponseStatus::kIncomplete: return "incomplete";
    case ResponseStatus::kFailed: return "failed";
    case ResponseStatus::kCancelled: break;
  }
  return "cancelled";
}

std::string response_error(std::string_view code, std::string_view message) {
  std::string json;
  json::Writer(json).begin_object().member("code", code).member("message", message).end_object();
  return json;
}

void append_response(std::string& out, const ResponseState& state, std::string_view output,
                     std::string_view echo) {
  json::Writer writer(out);
  writer.begin_object().member("id", state.id).member("object", "response");
  writer.member("created_at", state.created).member("status", status_name(state.status));
  writer.key("completed_at");
  if (state.status == ResponseStatus::kCompleted)
    writer.value(state.completed);
  else
    writer.value(nullptr);
  writer.key("error").raw(state.error.empty() ? "null" : state.error);
  writer.key("incomplete_details");
  if (state.incomplete_reason.empty())
    writer.value(nullptr);
  else
    writer.begin_object().member("reason", state.incomplete_reason).end_object();
  writer.member("model", state.model);
  out.append(R"(,"output":[)").append(output).append("]");
  out += R"(,"usage":)";
  if (state.tokens)
    append_usage(out, *state.tokens);
  else
    out += "null";
  writer.key("service_tier");
  if (state.service_tier.empty())
    writer.value(nullptr);
  else
    writer.value(state.service_tier);
  out += echo;
  writer.end_object();
}

namespace {

// Returns `object` with this status, error and output.
std::string with_state(std::string_view object, ResponseStatus status, std::string_view error,
                       std::string_view output) {
  json::Outline outline;
  std::string out;
  if (!outline.read(object, 1)) return std::string(object);
  json::Writer writer(out);
  writer.begin_object();
  for (const json::Value member : outline.root().children()) {
    writer.key(member.name());
    if (member.name() == "status")
      writer.value(status_name(status));
    else if (member.name() == "output")
      writer.begin_array().compact(output).end_array();
    else
      writer.compact(member.name() == "error" ? error : member.raw());
  }
  writer.end_object();
  return out;
}

void append_state(std::string& out, std::string_view type, std::int64_t number,
                  std::string_view object) {
  std::string json;
  json::Writer writer(json);
  writer.begin_object().member("type", type).member("sequence_number", number);
  writer.key("response").compact(object).end_object();
  out.append("event: ").append(type).append("\ndata: ").append(json).append("\n\n");
}

}  // namespace

void append_done_items(std::string& list, std::string_view events) {
  constexpr std::string_view kDone = "event: response.output_item.done\ndata: ";
  while (!events.empty()) {
    const std::string_view event = events.substr(0, events.find("\n\n"));
    events.remove_prefix(std::min(event.size() + 2, events.size()));
    json::Outline outline;
    if (!event.starts_with(kDone) || !outline.read(event.substr(kDone.size()), 2)) continue;
    if (!list.empty()) list += ',';
    list += outline.root()["item"].raw();
  }
}

std::string interrupted_response(std::string_view object, std::string_view output) {
  const std::string message =
      error_message({ErrorKind::kShutdown, "CCProxy ended before this response did."});
  return with_state(object, ResponseStatus::kFailed, response_error("server_error", message),
                    output);
}

std::string interrupted_events(std::int64_t after, std::int64_t last, std::string_view object) {
  std::string out;
  if (last < 0) {
    const std::string begun = with_state(object, ResponseStatus::kInProgress, "null", "");
    for (const char* type : {"response.created", "response.in_progress"})
      if (after < ++last) append_state(out, type, last, begun);
  }
  append_state(out, "response.failed", std::max(after, last) + 1, object);
  return out;
}

std::string erased_events(std::int64_t after, std::string_view object) {
  constexpr std::string_view kWhy =
      "The rest of this response is not available: it was deleted, or is not stored any more.";
  const std::string ended =
      with_state(object, ResponseStatus::kFailed, response_error("server_error", kWhy), "");
  return interrupted_events(after, after, ended);
}

void append_compaction(std::string& out, const ResponseState& state, std::string_view messages,
                       std::string_view summary) {
  json::Writer writer(out);
  writer.begin_object().member("id", state.id).member("object", "response.compaction");
  writer.member("created_at", state.created);
  out.append(R"(,"output":[)").append(messages);
  out.append(messages.empty() || summary.empty() ? "" : ",").append(summary).append("]");
  out += R"(,"usage":)";
  append_usage(out, state.tokens.value_or(Tokens{}));
  writer.end_object();
}

}  // namespace ccproxy::dialect
