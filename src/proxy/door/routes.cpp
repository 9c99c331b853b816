#include "proxy/door/routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "json/text.hpp"

namespace ccproxy::proxy {
namespace {

using dialect::Dialect;

constexpr const char* kUnknownUrl = "unknown_url";  // code of the error, as OpenAI's API has it

constexpr std::string_view kReadMethods = "GET, HEAD";
constexpr std::string_view kAllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";

struct Row {
  std::string_view path;
  bool matches_below;  // paths below `path` match, too
  RouteKind kind;
  std::string_view name;
  std::string_view allow;
};

// The first row that matches counts.
constexpr std::array<Row, 20> kRows = {{
    {"/", false, RouteKind::kProbe, "/", kReadMethods},
    {"/api/hello", false, RouteKind::kProbe, "/api/hello", kReadMethods},
    {"/health", false, RouteKind::kHealth, "/health", kReadMethods},
    {"/v1/messages", false, RouteKind::kMessage, "/v1/messages", "POST"},
    {"/v1/messages/count_tokens", false, RouteKind::kMessage, "/v1/messages/count_tokens", "POST"},
    {"/v1/messages/batches", false, RouteKind::kBatches, "/v1/messages/batches", "GET, HEAD, POST"},
    {"/v1/messages/batches", true, RouteKind::kRelay, "/v1/messages/batches",
     "GET, HEAD, POST, DELETE"},
    {"/v1/files", true, RouteKind::kRelay, "/v1/files", "GET, HEAD, POST, DELETE"},
    {"/v1/skills", true, RouteKind::kRelay, "/v1/skills", kAllMethods},
    {"/v1/chat/completions", false, RouteKind::kChat, "/v1/chat/completions", "GET, HEAD, POST"},
    {"/v1/chat/completions/", true, RouteKind::kStoredChat, "/v1/chat/completions/{id}",
     "GET, HEAD, POST, DELETE"},
    {"/v1/completions", false, RouteKind::kCompletion, "/v1/completions", "POST"},
    {"/v1/responses", false, RouteKind::kResponses, "/v1/responses", "POST"},
    {"/v1/responses/compact", false, RouteKind::kCompaction, "/v1/responses/compact", "POST"},
    {"/v1/responses/input_tokens", false, RouteKind::kInputTokens, "/v1/responses/input_tokens",
     "POST"},
    {"/v1/responses/", true, RouteKind::kStoredResponse, "/v1/responses/{id}", "GET, HEAD, DELETE"},
    {"/v1/conversations", true, RouteKind::kConversation, "/v1/conversations", kAllMethods},
    {"/v1/models", false, RouteKind::kModels, "/v1/models", kReadMethods},
    {"/v1/models/", true, RouteKind::kModel, "/v1/models/{id}", kReadMethods},
    {"/v1/", true, RouteKind::kRelay, "/v1/...", kAllMethods},
}};

// Paths of OpenAI's API: error bodies on them have its shape.
constexpr std::array<std::string_view, 10> kOpenAiPrefixes = {
    "/v1/chat/",  "/v1/completions", "/v1/responses",     "/v1/embeddings", "/v1/audio",
    "/v1/images", "/v1/moderations", "/v1/conversations", "/v1/assistants", "/v1/threads"};

// Where Codex expects the service of its own provider.
constexpr std::string_view kCodexPrefix = "/backend-api/codex/";

// The operations on a stored response.
struct Operation {
  std::string_view suffix;  // of the path, behind the id
  std::string_view allow;
};
constexpr std::array<Operation, 3> kStoredOperations = {
    {{"", "GET, HEAD, DELETE"}, {"/cancel", "POST"}, {"/input_items", "GET, HEAD"}}};

constexpr std::string_view kAzurePrefix = "/openai/deployments/";

// First segments of paths that are known without their /v1.
constexpr std::array<std::string_view, 14> kUnversioned = {
    "messages",   "models", "files",  "skills",        "chat",        "completions", "responses",
    "embeddings", "audio",  "images", "conversations", "moderations", "assistants",  "threads"};

// Azure's clients put the model into the path: /openai/deployments/{model}/chat/completions.
struct AzurePath {
  std::string_view model, path;  // `path` begins with its slash
};

std::optional<AzurePath> azure_path(std::string_view path) {
  if (!path.starts_with(kAzurePrefix)) return std::nullopt;
  path.remove_prefix(kAzurePrefix.size());
  const auto slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
  return AzurePath{path.substr(0, slash), path.substr(slash)};
}

// Empty segments come from base addresses that are written with a slash at the end, or with two.
std::string without_empty_segments(std::string_view path) {
  std::string full;
  while (!path.empty())
    if (const std::string_view segment = take_item(path, '/'); !segment.empty())
      full.append("/").append(segment);
  return full.empty() ? "/" : full;
}

std::string normal_path(std::string_view path) {
  if (const auto azure = azure_path(path)) path = azure->path;
  if (path.starts_with(kCodexPrefix)) path.remove_prefix(kCodexPrefix.size() - 1);
  if (path.starts_with("/openai/v1/") || path.starts_with("/openai/responses"))
    path.remove_prefix(std::string_view("/openai").size());
  while (path.starts_with("/v1/v1/")) path.remove_prefix(3);
  const std::string_view first = path.substr(1, path.find('/', 1) - 1);
  if (std::find(kUnversioned.begin(), kUnversioned.end(), first) != kUnversioned.end())
    return fmt::format("/v1{}", path);
  return std::string(path);
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// The escape of an unreserved character means that character (RFC 3986, 6.2.2.2), and the upstream
// may decode it: so it is decoded before a route is chosen, repeatedly where that makes a new one.
std::string without_needless_escapes(std::string_view path) {
  constexpr std::size_t kEscape = 3;
  std::string plain;
  for (const char c : path) {
    plain += c;
    while (plain.size() >= kEscape && plain[plain.size() - kEscape] == '%') {
      const std::string decoded =
          percent_decoded(plain.substr(plain.size() - kEscape), Plus::kPlus);
      if (decoded.size() != 1 || !is_unreserved(decoded.front())) break;
      plain.replace(plain.size() - kEscape, kEscape, decoded);
    }
  }
  return plain;
}

// The path by which the route is chosen, and which goes upstream.
std::string plain_path(const http::RequestHead& head) {
  return without_empty_segments(without_needless_escapes(head.path()));
}

// Some servers cut off the parameter of a segment (RFC 3986, 3.3).
std::string_view without_parameter(std::string_view segment) {
  return segment.substr(0, segment.find(';'));
}

bool is_dots(std::string_view segment) {
  segment = without_parameter(segment);
  return segment == "." || segment == "..";
}

// True for a path that a server behind this one might take for another: "." and "..", with
// parameters, too; another separator; a control character; text that is no UTF-8.
bool is_ambiguous(std::string_view path) {
  const auto is_odd = [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\\' || c == '\x7f';
  };
  if (std::any_of(path.begin(), path.end(), is_odd) || !json::is_utf8(path)) return true;
  while (!path.empty())
    if (is_dots(take_item(path, '/'))) return true;
  return false;
}

// The path as a server sees it that decodes it until nothing is left to decode. Nothing when it is
// ambiguous on the way there.
std::optional<std::string> decoded_path(std::string_view path) {
  constexpr int kMaxDecodings = 4;
  const auto slashes = std::count(path.begin(), path.end(), '/');
  std::string plain(path);
  for (int i = 0; i < kMaxDecodings; ++i) {
    if (is_ambiguous(plain) || std::count(plain.begin(), plain.end(), '/') != slashes)
      return std::nullopt;
    std::string decoded = percent_decoded(plain, Plus::kPlus);
    if (decoded == plain) return plain;
    plain = std::move(decoded);
  }
  return std::nullopt;
}

bool is_openai(std::string_view path) {
  return std::any_of(kOpenAiPrefixes.begin(), kOpenAiPrefixes.end(),
                     [&](std::string_view prefix) { return path.starts_with(prefix); });
}

bool is_anthropic(const http::RequestHead& head) {
  return head.find("anthropic-version") || (head.find("x-api-key") && !head.find("authorization"));
}

Error unknown_route(const http::RequestHead& head) {
  return {ErrorKind::kNotFound,
          fmt::format("Unknown request URL: {} {}. CCProxy has no such route.", head.method,
                      head.path()),
          "", kUnknownUrl};
}

// Sets the methods of an operation on a stored response. False when there is no such operation.
bool find_operation(Route& route) {
  constexpr std::size_t kPrefix = std::string_view("/v1/responses/").size();
  const std::string_view rest = std::string_view(route.path).substr(kPrefix);
  const std::string_view suffix = rest.substr(std::min(rest.find('/'), rest.size()));
  const auto* const operation =
      std::find_if(kStoredOperations.begin(), kStoredOperations.end(),
                   [&](const Operation& one) { return one.suffix == suffix; });
  if (operation == kStoredOperations.end() || rest.size() == suffix.size()) return false;
  route.allow = operation->allow;
  return true;
}

bool matches(const Row& row, std::string_view path) {
  if (path == row.path) return true;
  if (!row.matches_below || !path.starts_with(row.path)) return false;
  return row.path.ends_with('/') || path[row.path.size()] == '/';
}

}  // namespace

Dialect dialect_of(const http::RequestHead& head) {
  const std::string path = normal_path(plain_path(head));
  if (is_openai(path))
    return path.starts_with("/v1/responses") ? Dialect::kResponses : Dialect::kChat;
  if (path.starts_with("/v1/models") || path.starts_with("/v1/files"))
    return is_anthropic(head) ? Dialect::kMessages : Dialect::kChat;
  if (path.starts_with("/v1/messages") || path.starts_with("/v1/skills")) return Dialect::kMessages;
  return is_anthropic(head) || !path.starts_with("/v1/") ? Dialect::kMessages : Dialect::kChat;
}

Result<Route> find_route(const http::RequestHead& head) {
  if (!decoded_path(head.path()))
    return fail(ErrorKind::kInvalidRequest, "the path has segments that could lead elsewhere");
  const std::string sent = plain_path(head);
  std::string path = normal_path(sent);
  for (const Row& row : kRows) {
    if (!matches(row, path)) continue;
    const bool is_catch_all = row.path == "/v1/";
    if (is_catch_all && (is_openai(path) || !head.find("anthropic-version"))) break;
    Route route{row.kind, dialect_of(head), std::move(path), {}, row.name, row.allow};
    if (const auto azure = azure_path(sent)) route.model = azure->model;
    if (route.kind == RouteKind::kStoredResponse && !find_operation(route))
      return fail(unknown_route(head));
    return route;
  }
  if (path.starts_with("/v1/embeddings"))
    return fail({ErrorKind::kNotFound,
                 "Claude has no embeddings: ask another provider for these. CCProxy has no such "
                 "route.",
                 "", kUnknownUrl});
  return fail(unknown_route(head));
}

// The path counts decoded, in lower case and without parameters, as some server may read it.
bool is_file_content(const Route& route) {
  const auto decoded = decoded_path(route.path);
  if (!decoded) return true;  // find_route() refuses such a path
  std::string path;
  for (std::string_view rest = *decoded; !rest.empty();)
    path.append("/").append(without_parameter(take_item(rest, '/')));
  path = without_empty_segments(lowered(path));
  constexpr std::string_view kFiles = "/v1/files/";
  return path.ends_with("/content") ||
         (path.starts_with(kFiles) && path.find('/', kFiles.size()) != std::string::npos);
}

bool allows(const Route& route, std::string_view method) { return list_names(route.allow, method); }

}  // namespace ccproxy::proxy
