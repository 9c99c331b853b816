#include "mock/script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "mock/script_value.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

void read_match(const ScriptValue& value, Match& match) {
  value.allow_keys({"method", "path", "model", "header", "body_contains", "stream"});
  match.method = value.text("method", match.method);
  match.path = value.text("path", match.path);
  match.model = value.text("model", "");
  match.body_contains = value.text("body_contains", "");
  match.stream = value.flag("stream");
  if (const auto headers = value.member("header")) match.headers = headers->pairs();
}

Step step_of(const ScriptValue& value) {
  value.allow_keys({"event", "data", "comment", "raw", "wait_ms"});
  Step step;
  step.pause = Milliseconds(value.count("wait_ms", 0));
  if (const auto raw = value.member("raw")) {
    step.bytes = raw->text();
  } else if (const auto comment = value.member("comment")) {
    step.bytes = ": " + comment->text() + "\n\n";
  } else if (const auto data = value.member("data")) {
    Event event{value.text("event", ""), data->text_or_json()};
    if (event.name.empty() && !value.member("event") && data->node().is_object())
      event.name = data->node().value("type", "");
    append_event(step.bytes, event);
  } else if (!value.member("wait_ms")) {
    value.report("needs data, comment, raw or wait_ms");
  }
  step.is_event = !step.bytes.empty();
  return step;
}

Pace pace_of(const ScriptValue& value) {
  if (value.node().is_number_unsigned()) return {true, Milliseconds(value.count())};
  const auto pace = value.node().is_string() ? pace_named(value.text()) : std::nullopt;
  if (!pace) value.report("must be \"none\", \"events\", \"human\" or milliseconds");
  return pace.value_or(Pace{});
}

void read_error(const ScriptValue& value, ScriptedReply& reply, ScriptedError& error) {
  error.type = error_type_of(reply.status);
  if (value.node().is_string()) {
    error.type = value.text();
  } else {
    value.allow_keys({"type", "message"});
    error.type = value.text("type", error.type);
    error.message = value.text("message", "");
  }
  if (error.message.empty())
    error.message = error.type == "overloaded_error" ? "Overloaded" : "A scripted error.";
}

void read_message(const ScriptValue& value, ScriptedMessage& message) {
  if (const auto text = value.member("text"))
    message.content.emplace_back(TextBlock{words_of(text->text())});
  if (const auto blocks = value.member("blocks"))
    blocks->for_each([&](const ScriptValue& block) { append_blocks(block, message.content); });
  message.stop_reason = value.text("stop_reason", "");
  if (value.member("stop_sequence")) message.stop_sequence = value.text("stop_sequence", "");
  for (const char* name : {"stop_details", "container"})
    if (const auto given = value.member(name)) message.extra[name] = given->node();
}

// Reads which reply the script wants. Two of these keys in one reply contradict each other.
void read_content(const ScriptValue& value, ScriptedReply& reply) {
  int ways = 0;
  for (const char* way : {"blocks", "text", "events", "raw", "body", "error"})
    if (value.member(way)) ++ways;
  if (ways > 1) value.report("has more than one of text, blocks, events, raw, body and error");
  if (value.member("text") || value.member("blocks")) {
    read_message(value, reply.content.emplace<ScriptedMessage>());
  } else if (const auto events = value.member("events")) {
    auto& steps = reply.content.emplace<ScriptedStream>().steps;
    events->for_each([&](const ScriptValue& event) { steps.push_back(step_of(event)); });
  } else if (const auto raw = value.member("raw")) {
    reply.content.emplace<ScriptedStream>().steps.push_back(Step{raw->text()});
  } else if (const auto body = value.member("body")) {
    reply.content.emplace<ScriptedBody>().body = body->text_or_json();
  } else if (const auto error = value.member("error")) {
    read_error(*error, reply, reply.content.emplace<ScriptedError>());
  } else if (reply.status >= 400) {
    reply.content.emplace<ScriptedError>(
        ScriptedError{std::string(error_type_of(reply.status)), "A scripted error."});
  }
  const bool is_message = std::holds_alternative<ScriptedMessage>(reply.content);
  for (const char* key : {"stop_reason", "stop_sequence", "stop_details", "container"})
    if (!is_message && value.member(key))
      value.report(fmt::format("has {} without text or blocks", key));
}

ScriptedReply reply_of(const ScriptValue& value) {
  value.allow_keys({"match", "times", "text", "blocks", "stop_reason", "stop_sequence",
                    "stop_details", "container", "usage", "events", "raw", "body", "status",
                    "headers", "error", "fault", "pace", "delay_ms"});
  ScriptedReply reply;
  if (const auto match = value.member("match")) read_match(*match, reply.match);
  if (const auto times = value.member("times")) reply.times = times->count();
  reply.status = static_cast<int>(value.count("status", 200));
  if (reply.status < 200 || reply.status > 599) value.report("has a status outside 200 to 599");
  if (const auto headers = value.member("headers")) reply.headers = headers->pairs();
  if (const auto usage = value.member("usage")) reply.usage = usage->object();
  if (const auto pace = value.member("pace")) reply.pace = pace_of(*pace);
  reply.delay = Milliseconds(value.count("delay_ms", 0));
  if (const auto fault = value.member("fault")) {
    auto parsed = parse_fault(fault->text());
    if (!parsed) fault->report(parsed.error().message);
    if (parsed) reply.fault = *parsed;
  }
  read_content(value, reply);
  return reply;
}

}  // namespace

std::optional<Pace> pace_named(std::string_view name) {
  if (name == "none") return Pace::at_once();
  if (name == "events") return Pace{true, Milliseconds(0)};
  if (name == "human") return Pace::human();
  return std::nullopt;
}

Result<Script> parse_script(std::string_view text) {
  auto document = json::parse_document(text);
  if (!document) return fail(ErrorKind::kConfiguration, "script: " + document.error().message);
  Script script;
  std::string error;
  const ScriptValue root(*document, "script", error);
  root.allow_keys({"replies"});
  if (const auto replies = root.member("replies")) {
    ScriptValue(replies->node(), "replies", error).for_each([&](const ScriptValue& reply) {
      script.replies.push_back(reply_of(reply));
    });
  } else {
    root.report("needs replies, a list");
  }
  if (!error.empty()) return fail(ErrorKind::kConfiguration, error);
  return script;
}

bool is_like(std::string_view text, std::string_view pattern) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return text == pattern;
  const std::string_view before = pattern.substr(0, star);
  const std::string_view rest = pattern.substr(star + 1);
  if (!text.starts_with(before)) return false;
  if (rest.empty()) return true;
  for (std::size_t at = before.size(); at <= text.size(); ++at)
    if (is_like(text.substr(at), rest)) return true;
  return false;
}

std::string_view error_type_of(int status) {
  struct Row {
    int status;
    std::string_view type;
  };
  static constexpr std::array<Row, 11> kRows = {{{400, "invalid_request_error"},
                                                 {401, "authentication_error"},
                                                 {402, "billing_error"},
                                                 {403, "permission_error"},
                                                 {404, "not_found_error"},
                                                 {409, "conflict_error"},
                                                 {413, "request_too_large"},
                                                 {429, "rate_limit_error"},
                                                 {500, "api_error"},
                                                 {504, "timeout_error"},
                                                 {529, "overloaded_error"}}};
  for (const Row& row : kRows)
    if (row.status == status) return row.type;
  return status < 500 ? "invalid_request_error" : "api_error";
}

}  // namespace ccproxy::mock
