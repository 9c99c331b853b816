#include "mock/script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "mock/script_reader.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

void read_match(const Place& place, Match& match) {
  place.knows({"method", "path", "model", "header", "body_contains", "stream"});
  match.method = place.text("method", match.method);
  match.path = place.text("path", match.path);
  match.model = place.text("model", "");
  match.body_contains = place.text("body_contains", "");
  match.stream = place.flag("stream");
  if (const auto headers = place.at("header")) match.headers = headers->pairs();
}

Step step_of(const Place& place) {
  place.knows({"event", "data", "comment", "raw", "wait_ms"});
  Step step;
  step.pause = Milliseconds(place.count("wait_ms", 0));
  if (const auto raw = place.at("raw")) {
    step.bytes = raw->text();
  } else if (const auto comment = place.at("comment")) {
    step.bytes = ": " + comment->text() + "\n\n";
  } else if (const auto data = place.at("data")) {
    Event event{place.text("event", ""), data->text_or_json()};
    if (event.name.empty() && !place.at("event") && data->node().is_object())
      event.name = data->node().value("type", "");
    append_event(step.bytes, event);
  } else if (!place.at("wait_ms")) {
    place.refuse("needs data, comment, raw or wait_ms");
  }
  step.is_event = !step.bytes.empty();
  return step;
}

Pace pace_of(const Place& place) {
  if (place.node().is_number_unsigned()) return {true, Milliseconds(place.count())};
  const auto pace = place.node().is_string() ? pace_named(place.text()) : std::nullopt;
  if (!pace) place.refuse("must be \"none\", \"events\", \"human\" or milliseconds");
  return pace.value_or(Pace{});
}

void read_error(const Place& place, ScriptedReply& reply, ScriptedError& error) {
  error.type = error_type_of(reply.status);
  if (place.node().is_string()) {
    error.type = place.text();
  } else {
    place.knows({"type", "message"});
    error.type = place.text("type", error.type);
    error.message = place.text("message", "");
  }
  if (error.message.empty())
    error.message = error.type == "overloaded_error" ? "Overloaded" : "A scripted error.";
}

void read_message(const Place& place, ScriptedMessage& message) {
  if (const auto text = place.at("text"))
    message.content.emplace_back(TextBlock{words_of(text->text())});
  if (const auto blocks = place.at("blocks"))
    blocks->each([&](const Place& block) { append_blocks(block, message.content); });
  message.stop_reason = place.text("stop_reason", "");
  if (place.at("stop_sequence")) message.stop_sequence = place.text("stop_sequence", "");
  for (const char* name : {"stop_details", "container"})
    if (const auto given = place.at(name)) message.extra[name] = given->node();
}

// What is answered: the first of these keys that stands there; two of them contradict each other.
void read_answer(const Place& place, ScriptedReply& reply) {
  int ways = 0;
  for (const char* way : {"blocks", "text", "events", "raw", "body", "error"})
    if (place.at(way)) ++ways;
  if (ways > 1) place.refuse("has more than one of text, blocks, events, raw, body and error");
  if (place.at("text") || place.at("blocks")) {
    read_message(place, reply.answer.emplace<ScriptedMessage>());
  } else if (const auto events = place.at("events")) {
    auto& steps = reply.answer.emplace<ScriptedStream>().steps;
    events->each([&](const Place& event) { steps.push_back(step_of(event)); });
  } else if (const auto raw = place.at("raw")) {
    reply.answer.emplace<ScriptedStream>().steps.push_back(Step{raw->text()});
  } else if (const auto body = place.at("body")) {
    reply.answer.emplace<ScriptedBody>().body = body->text_or_json();
  } else if (const auto error = place.at("error")) {
    read_error(*error, reply, reply.answer.emplace<ScriptedError>());
  } else if (reply.status >= 400) {
    reply.answer.emplace<ScriptedError>(
        ScriptedError{std::string(error_type_of(reply.status)), "A scripted error."});
  }
  const bool is_message = std::holds_alternative<ScriptedMessage>(reply.answer);
  for (const char* key : {"stop_reason", "stop_sequence", "stop_details", "container"})
    if (!is_message && place.at(key))
      place.refuse(fmt::format("has {} without text or blocks", key));
}

ScriptedReply reply_of(const Place& place) {
  place.knows({"match", "times", "text", "blocks", "stop_reason", "stop_sequence", "stop_details",
               "container", "usage", "events", "raw", "body", "status", "headers", "error", "fault",
               "pace", "delay_ms"});
  ScriptedReply reply;
  if (const auto match = place.at("match")) read_match(*match, reply.match);
  if (const auto times = place.at("times")) reply.times = times->count();
  reply.status = static_cast<int>(place.count("status", 200));
  if (reply.status < 200 || reply.status > 599) place.refuse("has a status outside 200 to 599");
  if (const auto headers = place.at("headers")) reply.headers = headers->pairs();
  if (const auto usage = place.at("usage")) reply.usage = usage->object();
  if (const auto pace = place.at("pace")) reply.pace = pace_of(*pace);
  reply.delay = Milliseconds(place.count("delay_ms", 0));
  if (const auto fault = place.at("fault")) {
    auto parsed = parse_fault(fault->text());
    if (!parsed) fault->refuse(parsed.error().message);
    if (parsed) reply.fault = *parsed;
  }
  read_answer(place, reply);
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
  std::string complaint;
  const Place root(*document, "script", complaint);
  root.knows({"replies"});
  if (const auto replies = root.at("replies")) {
    Place(replies->node(), "replies", complaint).each([&](const Place& reply) {
      script.replies.push_back(reply_of(reply));
    });
  } else {
    root.refuse("needs replies, a list");
  }
  if (!complaint.empty()) return fail(ErrorKind::kConfiguration, complaint);
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
