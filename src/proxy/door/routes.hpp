// From the path of a request to its route. Pure; it refuses to know how a route is served.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "dialect/dialect.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

enum class RouteKind {
  kMessage,         // a JSON body with a model: read whole, the model mapped, the response relayed
  kRelay,           // passed on in both directions: files, existing batches, later APIs
  kBatches,         // the list of batches, passed on; or a new batch, whose models are mapped
  kChat,            // a Chat Completions request, or the list of stored ones, which is empty
  kStoredChat,      // a stored chat completion, of which there is none
  kCompletion,      // a legacy text completion
  kResponses,       // a Responses request
  kCompaction,      // a Responses request for a summary
  kInputTokens,     // a Responses request whose tokens are counted
  kStoredResponse,  // a stored response: retrieve, delete, cancel, list its input
  kConversation,    // the conversations API, which CCProxy does not have
  kModels,          // the list of models
  kModel,           // one model
  kHealth,
  kProbe,  // HEAD / and the like: 200 and at most a line of text
};

// True for requests in the format of the Responses API.
[[nodiscard]] constexpr bool is_responses(RouteKind kind) {
  return kind == RouteKind::kResponses || kind == RouteKind::kCompaction ||
         kind == RouteKind::kInputTokens;
}

struct Route {
  RouteKind kind = RouteKind::kProbe;
  dialect::Dialect dialect = dialect::Dialect::kMessages;  // of error bodies
  std::string path{};                                      // to send upstream, without the query
  std::string model{};                                     // named by the path, as Azure's do
  std::string_view name;                                   // for the log: the path without its ids
  std::string_view allow;  // the methods, as the Allow field lists them
};

// Finds the route of a request. A path counts without `/v1` and with a doubled `/v1/v1`, too.
// Empty segments and needless percent escapes do not matter, and do not go upstream. An unknown
// path under /v1/ is relayed when the request carries anthropic-version, so that new endpoints of
// the provider work. Fails with kNotFound, and with kInvalidRequest for a path with dot
// segments or the like, which a server behind this one might take for another path. Does not check
// the method.
[[nodiscard]] Result<Route> find_route(const http::RequestHead& head);

[[nodiscard]] bool allows(const Route& route, std::string_view method);

// True where the response may be a file that somebody uploaded: below a file's path, and wherever a
// path ends in /content, also as a server reads it that decodes the path more often than this one.
[[nodiscard]] bool is_file_content(const Route& route);

// The dialect of error bodies where no route was found.
[[nodiscard]] dialect::Dialect dialect_of(const http::RequestHead& head);

}  // namespace ccproxy::proxy
