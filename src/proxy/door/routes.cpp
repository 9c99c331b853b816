#include "proxy/door/routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "json/text.hpp"
#include "proxy/state/ending.hpp"

namespace ccproxy::proxy {
namespace {

using dialect::Dialect;

constexpr std::string_view kRead = "GET, HEAD";
constexpr std::string_view kEverything = "GET, HEAD, POST, PUT, PATCH, DELETE";

struct Row {
  std::string_view path;
  bool with_below;  // whatever stands below it, too
  RouteKind kind;
  std::string_view name;
  std::string_view allow;
};

// The first row that matches counts.
constexpr std::array<Row, 20> kRows = {{
    {"/", false, RouteKind::kProbe, "/", kRead},
    {"/api/hello", false, RouteKind::kProbe, "/api/hello", kRead},
    {"/health", false, RouteKind::kHealth, "/health", kRead},
    {"/v1/messages", false, RouteKind::kMessage, "/v1/messages", "POST"},
    {"/v1/messages/count_tokens", false, RouteKind::kMessage, "/v1/messages/count_tokens", "POST"},
    {"/v1/messages/batches", false, RouteKind::kBatches, "/v1/messages/batches", "GET, HEAD, POST"},
    {"/v1/messages/batches", true, RouteKind::kRelay, "/v1/messages/batches",
     "GET, HEAD, POST, DELETE"},
    {"/v1/files", true, RouteKind::kRelay, "/v1/files", "GET, HEAD, POST, DELETE"},
    {"/v1/skills", true, RouteKind::kRelay, "/v1/skills", kEverything},
    {"/v1/chat/completions", false, RouteKind::kChat, "/v1/chat/completions", "GET, HEAD, POST"},
    {"/v1/chat/completions/", true, RouteKind::kStoredChat, "/v1/chat/completions/{id}",
     "GET, HEAD, POST, DELETE"},
    {"/v1/completions", false, RouteKind::kCompletion, "/v1/completions", "POST"},
    {"/v1/responses", false, RouteKind::kResponses, "/v1/responses", "POST"},
    {"/v1/responses/compact", false, RouteKind::kCompaction, "/v1/responses/compact", "POST"},
    {"/v1/responses/input_tokens", false, RouteKind::kInputTokens, "/v1/responses/input_tokens",
     "POST"},
    {"/v1/responses/", true, RouteKind::kStoredResponse, "/v1/responses/{id}", "GET, HEAD, DELETE"},
    {"/v1/conversations", true, RouteKind::kConversation, "/v1/conversations", kEverything},
    {"/v1/models", false, RouteKind::kModels, "/v1/models", kRead},
    {"/v1/models/", true, RouteKind::kModel, "/v1/models/{id}", kRead},
    {"/v1/", true, RouteKind::kRelay, "/v1/...", kEverything},
}};

// OpenAI's routes: errors on them are told in its shape.
constexpr std::array<std::string_view, 10> kOpenAi = {
    "/v1/chat/",  "/v1/completions", "/v1/responses",     "/v1/embeddings", "/v1/audio",
    "/v1/images", "/v1/moderations", "/v1/conversations", "/v1/assistants", "/v1/threads"};

// Where Codex looks for its own service.
constexpr std::string_view kCodex = "/backend-api/codex/";

// What can be asked of a stored response, and how.
struct Question {
  std::string_view path, allow;  // behind its id
};
constexpr std::array<Question, 3> kQuestions = {
    {{"", "GET, HEAD, DELETE"}, {"/cancel", "POST"}, {"/input_items", "GET, HEAD"}}};

constexpr std::string_view kAzure = "/openai/deployments/";

// Segments that are known without their /v1.
constexpr std::array<std::string_view, 14> kShort = {
    "messages",   "models", "files",  "skills",        "chat",        "completions", "responses",
    "embeddings", "audio",  "images", "conversations", "moderations", "assistants",  "threads"};

// Where Azure's clients put the model: /openai/deployments/{model}/chat/completions.
struct AzurePath {
  std::string_view model, path;  // the path with its slash
};

std::optional<AzurePath> azure_path(std::string_view path) {
  if (!path.starts_with(kAzure)) return std::nullopt;
  path.remove_prefix(kAzure.size());
  const auto slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
  return AzurePath{path.substr(0, slash), path.substr(slash)};
}

// Without its empty segments, a slash at the end among them: base addresses are written with one
// and without.
std::string without_empty_segments(std::string_view path) {
  std::string full;
  while (!path.empty())
    if (const std::string_view segment = take_item(path, '/'); !segment.empty())
      full.append("/").append(segment);
  return full.empty() ? "/" : full;
}

std::string normal_path(std::string_view path) {
  if (const auto azure = azure_path(path)) path = azure->path;
  if (path.starts_with(kCodex)) path.remove_prefix(kCodex.size() - 1);
  if (path.starts_with("/openai/v1/") || path.starts_with("/openai/responses"))
    path.remove_prefix(std::string_view("/openai").size());
  while (path.starts_with("/v1/v1/")) path.remove_prefix(3);
  const std::string_view first = path.substr(1, path.find('/', 1) - 1);
  if (std::find(kShort.begin(), kShort.end(), first) != kShort.end())
    return fmt::format("/v1{}", path);
  return std::string(path);
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// The escape of a character that needs none means that character (RFC 3986, 6.2.2.2), and a server
// behind may undo it: so it is undone before anything is decided, and what becomes an escape by
// that, too.
std::string without_needless_escapes(std::string_view path) {
  constexpr std::size_t kEscape = 3;
  std::string plain;
  for (const char c : path) {
    plain += c;
    while (plain.size() >= kEscape && plain[plain.size() - kEscape] == '%') {
      const std::string meant = percent_decoded(plain.substr(plain.size() - kEscape), Plus::kPlus);
      if (meant.size() != 1 || !is_unreserved(meant.front())) break;
      plain.replace(plain.size() - kEscape, kEscape, meant);
    }
  }
  return plain;
}

// What is decided about, and goes upstream.
std::string plain_path(const http::RequestHead& head) {
  return without_empty_segments(without_needless_escapes(head.path()));
}

// Without a parameter, which some servers cut off.
std::string_view without_parameter(std::string_view segment) {
  return segment.substr(0, segment.find(';'));
}

bool is_dots(std::string_view segment) {
  segment = without_parameter(segment);
  return segment == "." || segment == "..";
}

// What a server behind might take for another path than the one that was admitted: "." and "..",
// with parameters, too; another separator; a control character; text that is no UTF-8.
bool is_ambiguous(std::string_view path) {
  const auto is_odd = [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\\' || c == '\x7f';
  };
  if (std::any_of(path.begin(), path.end(), is_odd) || !json::is_utf8(path)) return true;
  while (!path.empty())
    if (is_dots(take_item(path, '/'))) return true;
  return false;
}

// The path as whoever decodes it most often on its way sees it. Nothing when it may lead elsewhere
// on that way.
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
  return std::any_of(kOpenAi.begin(), kOpenAi.end(),
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

// False when there is nothing of that kind.
bool find_question(Route& route) {
  constexpr std::size_t kBefore = std::string_view("/v1/responses/").size();
  const std::string_view rest = std::string_view(route.path).substr(kBefore);
  const std::string_view asked = rest.substr(std::min(rest.find('/'), rest.size()));
  const auto* const question = std::find_if(kQuestions.begin(), kQuestions.end(),
                                            [&](const auto& one) { return one.path == asked; });
  if (question == kQuestions.end() || rest.size() == asked.size()) return false;
  route.allow = question->allow;
  return true;
}

bool matches(const Row& row, std::string_view path) {
  if (path == row.path) return true;
  if (!row.with_below || !path.starts_with(row.path)) return false;
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
    const bool catch_all = row.path == "/v1/";
    if (catch_all && (is_openai(path) || !head.find("anthropic-version"))) break;
    Route route{row.kind, dialect_of(head), std::move(path), {}, row.name, row.allow};
    if (const auto azure = azure_path(sent)) route.model = azure->model;
    if (route.kind == RouteKind::kStoredResponse && !find_question(route))
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

// However the path is read behind: decoded more than once, in any case, without parameters.
bool is_file_content(const Route& route) {
  const auto decoded = decoded_path(route.path);
  if (!decoded) return true;  // find_route() has refused it
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
