// What a client of the Responses API sends and reads back: bodies, events whose grammar is checked,
// the bodies that the upstream received, and an upstream that sends event by event.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/chat.hpp"
#include "support/proxy_fixture.hpp"
#include "support/raw_upstream.hpp"

namespace ccproxy::test {

inline constexpr const char* kResponses = "/v1/responses";

// Parses JSON. Throws when it is invalid, because it is the test's own.
[[nodiscard]] Document json_of(std::string_view text);

// Returns a request with the input "hi" for claude-sonnet-5, updated with `more`.
[[nodiscard]] Document response_body(const Document& more = Document::object());

// Posts `body` on a new connection.
[[nodiscard]] Reply post_response(const ProxyFixture& fixture, const Document& body,
                                  std::string_view fields = kOpenAiFields);

struct ResponseEvents {
  std::vector<Document> events{};
  int comments = 0;
  std::string fault{};  // why a strict client would reject the stream; "" when it is valid

  // Returns the types without "response.", separated by spaces: "created in_progress ...".
  [[nodiscard]] std::string names() const;
  // Return the number of events that end a response, and the response of the last event, null
  // without one.
  [[nodiscard]] int ends() const;
  [[nodiscard]] Document response() const;
  [[nodiscard]] std::string id() const;  // of the response in the first event
  // Returns the first event of that type; null without one.
  [[nodiscard]] Document event(std::string_view name) const;
  [[nodiscard]] std::string text() const;  // of all output_text deltas
};

// Reads a whole stream, from its first event to its end.
[[nodiscard]] ResponseEvents read_events(std::string_view body);
// Reads a part of a stream. Sequence numbers must follow each other, beginning with `first`.
[[nodiscard]] ResponseEvents read_some_events(std::string_view body, std::int64_t first = 0);

// Send a request, and expect a valid stream from its first event to its last, or a whole response.
[[nodiscard]] ResponseEvents stream_response(const ProxyFixture& fixture,
                                             Document more = Document::object(),
                                             std::string_view fields = kOpenAiFields);
[[nodiscard]] Document whole_response(const ProxyFixture& fixture,
                                      const Document& more = Document::object(),
                                      std::string_view fields = kOpenAiFields);

// Returns the error object of a reply, with its HTTP status as the member `status`.
[[nodiscard]] Document error_in(const Reply& reply);

// Sends a request with that method for `rest` below /v1/responses/.
[[nodiscard]] Reply request_stored(const ProxyFixture& fixture, std::string_view method,
                                   const std::string& rest,
                                   std::string_view fields = kOpenAiFields);
// Returns the stored response; null when there is none.
[[nodiscard]] Document stored_response(const ProxyFixture& fixture, const std::string& id,
                                       std::string_view fields = kOpenAiFields);
// Waits for the only stored response and returns its id. A client that does not stream learns the
// id only with the end.
[[nodiscard]] std::string only_stored_id(const ProxyFixture& fixture);
// Polls until the response has ended.
[[nodiscard]] Document ended_response(const ProxyFixture& fixture, const std::string& id);

// Return the bodies that the mock received at /v1/messages, oldest first, and the last of them.
[[nodiscard]] std::vector<Document> sent_bodies(ProxyFixture& fixture);
[[nodiscard]] Document sent_body(ProxyFixture& fixture);

// Returns an upstream's event stream up to a text delta, and the rest of it: a delta "lo" and the
// end of the message.
[[nodiscard]] std::string half_stream(const std::string& text = "Hel");
[[nodiscard]] std::string rest_of_stream();

}  // namespace ccproxy::test
