// Paths to what answers them. Pure. It refuses to know how a request is served.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "dialect/dialect.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

enum class RouteKind {
  kMessage,         // a JSON body with a model: read whole, the model mapped, the answer relayed
  kRelay,           // passed on as it comes, both ways: files, batches, and what a later API brings
  kBatches,         // the list, passed on, or a new batch: the models in it are mapped
  kChat,            // a Chat Completions request, or the list of those stored: none
  kStoredChat,      // one of them
  kCompletion,      // the legacy text completion
  kResponses,       // a Responses request
  kCompaction,      // one that asks for a summary
  kInputTokens,     // one that is only counted
  kStoredResponse,  // a response that was kept, and what can be asked of it
  kConversation,    // of the conversations API, which is not here
  kModels,          // the list
  kModel,           // one of it
  kHealth,
  kProbe,  // HEAD / and the like: 200 without a body
};

// The requests that are read, and answered, as Responses.
[[nodiscard]] constexpr bool is_responses(RouteKind kind) {
  return kind == RouteKind::kResponses || kind == RouteKind::kCompaction ||
         kind == RouteKind::kInputTokens;
}

struct Route {
  RouteKind kind = RouteKind::kProbe;
  dialect::Dialect dialect = dialect::Dialect::kMessages;  // of errors made here
  std::string path{};                                      // to send upstream, without the query
  std::string model{};                                     // that the path names, as Azure's do
  std::string_view name;   // for the log: the path with its ids left out
  std::string_view allow;  // methods, as the Allow field lists them
};

// Finds the route of a request. Paths count without `/v1` and with a doubled `/v1/v1` too, whatever
// empty segments they have, and however much in them is escaped that needs no escape: such escapes
// do not go upstream. An unknown path under /v1/ that carries anthropic-version is passed through,
// so that new endpoints of the provider work. Fails with kNotFound or kInvalidRequest (a path with
// dot segments, which could lead elsewhere upstream). Whether the method is allowed is the caller's
// question.
[[nodiscard]] Result<Route> find_route(const http::RequestHead& head);

[[nodiscard]] bool allows(const Route& route, std::string_view method);

// True where somebody's upload may come back as it is: below a file, and wherever a path ends in
// /content, also for a server behind that decodes it more often than this one.
[[nodiscard]] bool is_file_content(const Route& route);

// The dialect to tell an error in when no route was found.
[[nodiscard]] dialect::Dialect dialect_of(const http::RequestHead& head);

}  // namespace ccproxy::proxy
