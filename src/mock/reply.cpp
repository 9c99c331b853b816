#include "mock/reply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "http/coding.hpp"
#include "http/head.hpp"
#include "json/document.hpp"

namespace ccproxy::mock {
namespace {

bool is_stream(const Reply& reply) { return !reply.has_length; }

// Keeps the first `fault.value` steps of a stream, by default half of them; of a body in one step
// the first half of its bytes.
void truncate_steps(Reply& reply, const Fault& fault) {
  auto& steps = reply.steps;
  if (!is_stream(reply) || steps.size() == 1) {
    if (steps.empty()) return;
    const std::size_t size = steps[0].bytes.size();
    steps[0].bytes.resize(size / 2);
    reply.length_error = static_cast<std::int64_t>(size - size / 2);
    return;
  }
  const auto half = static_cast<std::int64_t>(steps.size() / 2);
  const auto keep = static_cast<std::size_t>(std::max<std::int64_t>(fault.value.value_or(half), 0));
  if (keep < steps.size()) steps.resize(keep);
}

void change_line_ends(Reply& reply, std::string_view end) {
  for (Step& step : reply.steps) {
    std::string changed;
    for (const char c : step.bytes) {
      if (c == '\n') {
        changed += end;
      } else {
        changed += c;
      }
    }
    step.bytes = std::move(changed);
  }
}

void drop_last_blank_line(Reply& reply) {
  if (reply.steps.empty()) return;
  std::string& last = reply.steps.back().bytes;
  if (last.ends_with("\n\n")) last.pop_back();
}

void compress(Reply& reply) {
  std::string body;
  for (const Step& step : reply.steps) body += step.bytes;
  reply.steps.assign(1, Step{http::gzip(body)});
  http::append_field(reply.fields, "content-encoding", "gzip");
}

void replace_with_error(Reply& reply, const Fault& fault, std::string_view request_id) {
  const int status = static_cast<int>(fault.value.value_or(500));
  const std::string_view type = error_type_of(status);
  const std::string_view message =
      type == "overloaded_error" ? "Overloaded" : "This error was requested.";
  const Milliseconds delay = reply.delay;
  reply = error_reply(status, type, message, request_id);
  reply.delay = delay;
  if (fault.second || status == 429 || status == 529)
    http::append_field(reply.fields, "retry-after", std::to_string(fault.second.value_or(1)));
}

void end_with_error(Reply& reply, const Fault& fault) {
  truncate_steps(reply, fault);
  Step error;
  append_event(
      error.bytes,
      {"error", R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"});
  reply.steps.push_back(std::move(error));
}

void send_nothing(Reply& reply, Ending ending) {
  reply.ending = ending;
  reply.sends_nothing = true;
  reply.steps.clear();
}

void cut(Reply& reply, const Fault& fault, Ending ending) {
  truncate_steps(reply, fault);
  reply.ending = ending;
}

void slice(Reply& reply, std::size_t size, std::int64_t beat_ms) {
  reply.slice = std::max<std::size_t>(size, 1);
  reply.interval = Milliseconds(beat_ms);
}

void send_only_pings(Reply& reply, const Fault& fault) {
  if (!is_stream(reply)) return send_nothing(reply, Ending::kStall);
  truncate_steps(reply, Fault{FaultKind::kPingsOnly, 1});
  reply.ending = Ending::kPings;
  reply.interval = Milliseconds(std::max<std::int64_t>(fault.value.value_or(1000), 1));
}

}  // namespace

Reply json_reply(int status, std::string body) {
  Reply reply{status};
  http::append_field(reply.fields, "content-type", "application/json");
  reply.steps.push_back(Step{std::move(body)});
  return reply;
}

Reply error_reply(int status, std::string_view type, std::string_view message,
                  std::string_view request_id) {
  const json::Document body = {{"type", "error"},
                               {"error", {{"type", type}, {"message", message}}},
                               {"request_id", request_id}};
  return json_reply(status, text_of(body));
}

Reply stream_reply(std::vector<Step> steps) {
  Reply reply;
  http::append_field(reply.fields, "content-type", "text/event-stream; charset=utf-8");
  http::append_field(reply.fields, "cache-control", "no-cache");
  reply.has_length = false;
  reply.steps = std::move(steps);
  return reply;
}

std::vector<Step> steps_of(const std::vector<Event>& events, const Pace& pace) {
  std::vector<Step> steps;
  steps.reserve(events.size());
  for (const Event& event : events) {
    Step& step = steps.emplace_back();
    append_event(step.bytes, event);
    if (event.name == "content_block_delta") step.pause = pace.pause;
  }
  return steps;
}

void apply_fault(Reply& reply, const Fault& fault, std::string_view request_id) {
  switch (fault.kind) {
    case FaultKind::kStatus: return replace_with_error(reply, fault, request_id);
    case FaultKind::kReset: return send_nothing(reply, Ending::kReset);
    case FaultKind::kStall:
      if (fault.value) reply.stall_limit = std::chrono::seconds(*fault.value);
      return send_nothing(reply, Ending::kStall);
    case FaultKind::kResetMid: return cut(reply, fault, Ending::kReset);
    case FaultKind::kCloseMid: return cut(reply, fault, Ending::kClose);
    case FaultKind::kStallMid: return cut(reply, fault, Ending::kStall);
    case FaultKind::kEndMid:
      truncate_steps(reply, fault);
      reply.has_length = false;  // a length would reveal that the body is cut
      return;
    case FaultKind::kErrorMid:
      if (!is_stream(reply))
        return replace_with_error(reply, Fault{FaultKind::kStatus, 529}, request_id);
      return end_with_error(reply, fault);
    case FaultKind::kDrip: return slice(reply, 1, fault.value.value_or(0));
    case FaultKind::kSplit:
      return slice(reply, static_cast<std::size_t>(fault.value.value_or(7)),
                   fault.second.value_or(0));
    case FaultKind::kCrlf: return change_line_ends(reply, "\r\n");
    case FaultKind::kCr: return change_line_ends(reply, "\r");
    case FaultKind::kNoBlankEnd: return drop_last_blank_line(reply);
    case FaultKind::kGzip: return compress(reply);
    case FaultKind::kHttp10: reply.framing = Framing::kUntilClose; return;
    case FaultKind::kInterim: reply.interim = true; return;
    case FaultKind::kCloseAfter: reply.after_reply = AfterReply::kClose; return;
    case FaultKind::kDeadKeepalive:
      reply.after_reply =
          fault.word == "late" ? AfterReply::kCloseAtNextRequest : AfterReply::kCloseSilently;
      return;
    case FaultKind::kBadLength:
      reply.has_length = true;
      reply.length_error = fault.value.value_or(10);
      reply.after_reply = AfterReply::kCloseSilently;
      return;
    case FaultKind::kTwoLengths:
      reply.framing = fault.word == "te" ? Framing::kLengthAndChunks : Framing::kTwoLengths;
      return;
    case FaultKind::kTlsAbort:
      reply.framing = Framing::kUntilClose;
      return cut(reply, fault, Ending::kAbort);
    case FaultKind::kSlowHead: reply.delay = Milliseconds(fault.value.value_or(1000)); return;
    case FaultKind::kPingsOnly: return send_only_pings(reply, fault);
    case FaultKind::kHugeEvent:
    case FaultKind::kEarly: return;
  }
}

void join_steps(Reply& reply) {
  std::vector<Step> joined;
  for (Step& step : reply.steps) {
    if (joined.empty() || step.pause.count() > 0) {
      joined.push_back(std::move(step));
    } else {
      joined.back().bytes += step.bytes;
    }
  }
  reply.steps = std::move(joined);
}

std::size_t body_size(const Reply& reply) {
  std::size_t size = 0;
  for (const Step& step : reply.steps) size += step.bytes.size();
  return size;
}

}  // namespace ccproxy::mock
