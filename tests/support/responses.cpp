#include "support/responses.hpp"

#include <gtest/gtest.h>

#include "dialect/testing/grammar.hpp"
#include "store/database.hpp"

namespace ccproxy::test {
namespace {

constexpr std::string_view kPrefix = "response.";

bool is_end(std::string_view name) {
  return name == "response.completed" || name == "response.incomplete" || name == "response.failed";
}

}  // namespace

Document json_of(std::string_view text) { return Document::parse(text); }

Document response_body(const Document& more) {
  Document body = {{"model", "claude-sonnet-5"}, {"input", "hi"}};
  body.update(more);
  return body;
}

Reply post_response(const ProxyFixture& fixture, const Document& body, std::string_view fields) {
  return send_request(fixture.port(), "POST", kResponses, body.dump(), fields);
}

std::string ResponseEvents::names() const {
  std::string names;
  for (const Document& one : events) {
    const std::string type = one.at("type");
    if (!names.empty()) names += ' ';
    names += type.starts_with(kPrefix) ? type.substr(kPrefix.size()) : "(" + type + ")";
  }
  return names;
}

int ResponseEvents::ends() const {
  int ends = 0;
  for (const Document& one : events) ends += is_end(one.at("type").get<std::string>()) ? 1 : 0;
  return ends;
}

Document ResponseEvents::response() const {
  return events.empty() ? Document() : events.back().value("response", Document());
}

std::string ResponseEvents::id() const {
  if (events.empty() || !events.front().contains("response")) return "";
  return events.front()["response"].at("id");
}

Document ResponseEvents::event(std::string_view name) const {
  for (const Document& one : events)
    if (one.at("type") == std::string(kPrefix).append(name)) return one;
  return nullptr;
}

std::string ResponseEvents::text() const {
  std::string text;
  for (const Document& one : events)
    if (one.at("type") == "response.output_text.delta") text += one.at("delta").get<std::string>();
  return text;
}

ResponseEvents read_some_events(std::string_view body, std::int64_t first) {
  ResponseEvents read;
  while (!body.empty()) {
    const auto end = body.find("\n\n");
    if (end == std::string_view::npos) {
      read.fault = "an event without its blank line: " + std::string(body);
      break;
    }
    const std::string_view frame = body.substr(0, end);
    body.remove_prefix(end + 2);
    if (frame.starts_with(":")) {
      ++read.comments;
      continue;
    }
    const auto data = frame.find("\ndata: ");
    const Document event = data == std::string_view::npos
                               ? Document(Document::value_t::discarded)
                               : Document::parse(frame.substr(data + 7), nullptr, false);
    if (event.is_discarded() || !event.contains("type")) {
      read.fault = "not an event: " + std::string(frame);
      break;
    }
    const auto number = first + static_cast<std::int64_t>(read.events.size());
    if (event.value("sequence_number", std::int64_t{-1}) != number)
      read.fault = "a gap in the numbers before " + event.dump();
    read.events.push_back(event);
  }
  return read;
}

ResponseEvents read_events(std::string_view body) {
  ResponseEvents read = read_some_events(body);
  dialect::test::ResponseReader reader;
  reader.read(body);
  read.fault = reader.fault();
  return read;
}

ResponseEvents stream_response(const ProxyFixture& fixture, Document more,
                               std::string_view fields) {
  more["stream"] = true;
  const Reply reply = post_response(fixture, response_body(more), fields);
  EXPECT_EQ(reply.status, 200) << reply.raw;
  EXPECT_EQ(reply.field("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_TRUE(reply.complete);
  ResponseEvents read = read_events(reply.body);
  EXPECT_EQ(read.fault, "") << reply.body;
  EXPECT_EQ(read.ends(), 1) << reply.body;
  return read;
}

Document whole_response(const ProxyFixture& fixture, const Document& more,
                        std::string_view fields) {
  const Reply reply = post_response(fixture, response_body(more), fields);
  EXPECT_EQ(reply.status, 200) << reply.raw;
  EXPECT_EQ(reply.field("content-type"), "application/json");
  return Document::parse(reply.body, nullptr, false);
}

Document error_in(const Reply& reply) {
  Document read = Document::parse(reply.body, nullptr, false);
  const bool has_error = !read.is_discarded() && read.is_object() && read.contains("error");
  Document error = has_error ? read["error"] : Document::object();
  if (!error.is_object()) error = Document::object();
  error["status"] = reply.status;
  return error;
}

Reply request_stored(const ProxyFixture& fixture, std::string_view method, const std::string& rest,
                     std::string_view fields) {
  return send_request(fixture.port(), method, std::string(kResponses) + "/" + rest, {}, fields);
}

Document stored_response(const ProxyFixture& fixture, const std::string& id,
                         std::string_view fields) {
  const Reply reply = request_stored(fixture, "GET", id, fields);
  return reply.status == 200 ? Document::parse(reply.body, nullptr, false) : Document();
}

Document ended_response(const ProxyFixture& fixture, const std::string& id) {
  Document response;
  EXPECT_TRUE(wait_until([&] {
    response = stored_response(fixture, id);
    if (response.is_null()) return true;
    const std::string status = response.at("status");
    return status != "queued" && status != "in_progress";
  })) << response;
  return response;
}

std::string only_stored_id(const ProxyFixture& fixture) {
  auto database = store::Database::open(fixture.home() + "/responses.db");
  EXPECT_TRUE(database);
  std::string id;
  EXPECT_TRUE(wait_until([&] {
    auto statement = database->statement("SELECT id FROM responses");
    const auto row = statement.step();
    if (row && *row) id = statement.text(0);
    return !id.empty();
  }));
  return id;
}

std::vector<Document> sent_bodies(ProxyFixture& fixture) {
  std::vector<Document> bodies;
  for (const Document& request : fixture.requests())
    if (request.at("target") == "/v1/messages") bodies.push_back(json_of(body_of(request)));
  return bodies;
}

Document sent_body(ProxyFixture& fixture) {
  const std::vector<Document> bodies = sent_bodies(fixture);
  return bodies.empty() ? Document() : bodies.back();
}

std::string half_stream(const std::string& text) {
  return kEventStreamHead + chunked(message_start_event() + text_start_event() + text_event(text));
}

std::string rest_of_stream() { return chunked(text_event("lo") + stop_events()) + "0\r\n\r\n"; }

}  // namespace ccproxy::test
