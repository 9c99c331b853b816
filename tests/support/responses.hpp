// What a client of the Responses API sends and reads back: bodies, events whose grammar is checked
// as they are read, what the upstream was sent for them, and an upstream told event by event.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/chat.hpp"
#include "support/raw_upstream.hpp"
#include "support/road.hpp"

namespace ccproxy::test {

inline constexpr const char* kResponses = "/v1/responses";

// Strict: a test's own text is JSON.
[[nodiscard]] Document json_of(std::string_view text);

// A request with the input "hi" on claude-sonnet-5, with `more` laid over it.
[[nodiscard]] Document response_body(const Document& more = Document::object());

// Sends it on a connection of its own.
[[nodiscard]] Reply respond(const ProxyFixture& fixture, const Document& body,
                            std::string_view fields = kOpenAiFields);

struct ResponseEvents {
  std::vector<Document> events{};
  int comments = 0;
  std::string fault{};  // why a strict client would refuse it; only of a stream from its beginning

  // Types without "response.", one after another: "created in_progress ...".
  [[nodiscard]] std::string names() const;
  // How many events end a response, and the response that the last event tells, null without one.
  [[nodiscard]] int ends() const;
  [[nodiscard]] Document response() const;
  [[nodiscard]] std::string id() const;  // of the response, from its first event
  // The first event of that type, null without one.
  [[nodiscard]] Document event(std::string_view name) const;
  [[nodiscard]] std::string text() const;  // of all output_text deltas
};

// Of a whole stream: from its first event to its end.
[[nodiscard]] ResponseEvents read_events(std::string_view body);
// Of a stream that begins later, or was cut: the numbers follow each other from `first`.
[[nodiscard]] ResponseEvents read_some_events(std::string_view body, std::int64_t first = 0);

// Asks, and expects a stream that is fine from its head to its end, or a whole response.
[[nodiscard]] ResponseEvents stream_response(const ProxyFixture& fixture,
                                             Document more = Document::object(),
                                             std::string_view fields = kOpenAiFields);
[[nodiscard]] Document whole_response(const ProxyFixture& fixture,
                                      const Document& more = Document::object(),
                                      std::string_view fields = kOpenAiFields);

// The status and the error object of an answer.
[[nodiscard]] Document error_in(const Reply& reply);

// GET, DELETE or POST of what stands below /v1/responses/.
[[nodiscard]] Reply ask_stored(const ProxyFixture& fixture, std::string_view method,
                               const std::string& rest, std::string_view fields = kOpenAiFields);
// The response as it stands; null where there is none.
[[nodiscard]] Document stored_response(const ProxyFixture& fixture, const std::string& id,
                                       std::string_view fields = kOpenAiFields);
// The id of the only response that is kept, as soon as there is one: whoever asked for a whole
// answer is told it at the end.
[[nodiscard]] std::string only_kept(const ProxyFixture& fixture);
// Polls until it has ended.
[[nodiscard]] Document ended_response(const ProxyFixture& fixture, const std::string& id);

// The bodies that the mock was sent to /v1/messages, oldest first, and the last of them.
[[nodiscard]] std::vector<Document> sent_bodies(ProxyFixture& fixture);
[[nodiscard]] Document sent_body(ProxyFixture& fixture);

// An upstream that is told what to say: the head of a stream, and pieces of it.
inline constexpr const char* kEventStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
[[nodiscard]] std::string chunked(std::string_view bytes);
// The next request to /v1/messages, wholly received; other questions are answered with 404.
[[nodiscard]] std::unique_ptr<RawClient> next_message(const RawUpstream& upstream);

}  // namespace ccproxy::test
