#include "mock/oauth/oauth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "http/query.hpp"
#include "mock/oauth/pages.hpp"
#include "mock/script_value.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::string_view kAuthorizePath = "/oauth/authorize";
constexpr std::string_view kManualPath = "/oauth/code/callback";
constexpr std::string_view kTokenPath = "/v1/oauth/token";
constexpr std::string_view kRealManualRedirect = "https://platform.claude.com/oauth/code/callback";
constexpr std::string_view kAccessPrefix = "sk-ant-oat01-mock";
constexpr std::int64_t kMaxLifetime = 315'360'000;  // ten years, in seconds
constexpr std::int64_t kMaxDelay = 600'000;         // ten minutes, in milliseconds

using Parameters = std::map<std::string, std::string, std::less<>>;

// A verifier and a challenge have 43 to 128 characters (RFC 7636, 4.1 and 4.2). `marks` are those
// allowed beside letters and digits; a challenge has no '.' and no '~'.
bool is_pkce_text(std::string_view text, std::string_view marks) {
  return text.size() >= 43 && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  marks.find(c) != std::string_view::npos;
         });
}

tl::unexpected<Error> invalid(std::string_view code, std::string what) {
  return fail(Error{ErrorKind::kInvalidRequest, std::move(what), "", std::string(code)});
}

Result<Parameters> parameters_of(std::string_view query) {
  Parameters all;
  http::QueryReader reader(query);
  while (const auto parameter = reader.next()) {
    std::string name = percent_decoded(parameter->name);
    if (all.contains(name)) return invalid("", name + " is given twice");
    all.emplace(std::move(name), percent_decoded(parameter->value));
  }
  return all;
}

std::string parameter(const Parameters& all, std::string_view name) {
  const auto found = all.find(name);
  return found == all.end() ? std::string() : found->second;
}

// Returns true for a URI of a program on the same machine: http://localhost:PORT and `path`.
bool is_loopback(std::string_view uri, std::string_view path) {
  for (const std::string_view begin : {"http://localhost:", "http://127.0.0.1:", "http://[::1]:"}) {
    if (!uri.starts_with(begin) || !uri.ends_with(path)) continue;
    if (uri.size() < begin.size() + path.size()) continue;
    uri.remove_prefix(begin.size());
    uri.remove_suffix(path.size());
    const auto port = parse_decimal(uri);
    return port && *port >= 1 && *port <= 65'535;
  }
  return false;
}

// Returns true for a URI that a browser may be sent to: the program that signs in, or a page that
// shows the code. This server has such a page too, and a client may know it by several host names.
bool is_redirect(std::string_view uri, const HttpRequest& request) {
  return uri == kRealManualRedirect || is_loopback(uri, "/callback") ||
         is_loopback(uri, kManualPath) ||
         uri == fmt::format("{}://{}{}", request.scheme, request.head.get("host"), kManualPath);
}

// Returns what is wrong with an authorization request; "" when it is valid.
std::string authorization_error(const Parameters& parameters, const HttpRequest& request) {
  const auto is = [&](std::string_view name, std::string_view value) {
    return parameter(parameters, name) == value;
  };
  if (!is("code", "true")) return "code must be true";
  if (!is("response_type", "code")) return "response_type must be code";
  for (const char* name : {"client_id", "scope", "state"})
    if (is(name, "")) return fmt::format("{} is missing", name);
  if (!is_redirect(parameter(parameters, "redirect_uri"), request))
    return "redirect_uri must be http://localhost:PORT/callback or the page that shows the code";
  if (!is("code_challenge_method", "S256")) return "code_challenge_method must be S256";
  if (!is_pkce_text(parameter(parameters, "code_challenge"), "-_"))
    return "code_challenge must have 43 to 128 characters of base64url";
  if (parameters.contains("decision") && !is("decision", "allow") && !is("decision", "deny"))
    return "decision must be allow or deny";
  return {};
}

Reply redirect(std::string_view to, std::string_view name, std::string_view value,
               std::string_view state) {
  Reply reply{302};
  std::string location(to);
  http::append_query(location, {{name, value}, {"state", state}});
  http::append_field(reply.fields, "location", location);
  http::append_field(reply.fields, "cache-control", "no-store");
  return reply;
}

// Serves the target of the manual redirect: a page that shows the code.
Reply manual_page(std::string_view query) {
  const auto parameters = parameters_of(query);
  if (!parameters) return refusal_page(400, parameters.error().message);
  const std::string code = parameter(*parameters, "code"), state = parameter(*parameters, "state");
  if (parameters->contains("error")) return refusal_page(200, parameter(*parameters, "error"));
  if (code.empty() || state.empty()) return refusal_page(400, "code or state is missing");
  return code_page(code + "#" + state);
}

Reply oauth_error(int status, std::string_view code, std::string_view description) {
  return json_reply(
      status, text_of(Document{{"error", code}, {"error_description", std::string(description)}}));
}

std::string string_member(const Document& body, const char* name) {
  const auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Fails for the first member that is absent, empty or not a string.
Result<void> require_members(const Document& body, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (string_member(body, name).empty())
      return invalid("invalid_request", fmt::format("{}: Field required", name));
  return {};
}

// Returns the request with every string masked that is not known to be public.
Document without_secrets(const Document& body) {
  constexpr std::string_view kOpen[] = {"grant_type", "client_id", "redirect_uri", "scope",
                                        "state"};
  Document shown = Document::object();
  for (const auto& [name, content] : body.items()) {
    const bool is_open = std::find(std::begin(kOpen), std::end(kOpen), name) != std::end(kOpen);
    if (content.is_string() && !is_open) {
      shown[name] = std::string(content.get<std::string>().size(), '*');
    } else {
      shown[name] = content.is_structured() ? Document("...") : content;
    }
  }
  return shown;
}

}  // namespace

bool Oauth::has_route(std::string_view path) {
  return path == kAuthorizePath || path == kManualPath || path == kTokenPath;
}

Reply Oauth::reply(const HttpRequest& request) {
  const std::string_view path = request.head.path();
  if (path == kTokenPath) {
    Reply reply = token(request);
    http::append_field(reply.fields, "cache-control", "no-store");
    if (reply.status != 200) ++refused_;
    reply.delay = settings_.delay;
    return reply;
  }
  if (request.head.method != "GET") return refusal_page(405, "Only GET is allowed here");
  return path == kAuthorizePath ? authorize(request) : manual_page(request.head.query());
}

Reply Oauth::authorize(const HttpRequest& request) {
  const auto parameters = parameters_of(request.head.query());
  if (!parameters) return refusal_page(400, parameters.error().message);
  const std::string error = authorization_error(*parameters, request);
  if (!error.empty()) return refusal_page(400, error);
  Consent consent{parameter(*parameters, "client_id"), parameter(*parameters, "redirect_uri"),
                  parameter(*parameters, "scope"), parameter(*parameters, "state"),
                  parameter(*parameters, "code_challenge")};
  const std::string to = consent.redirect_uri, state = consent.state;
  const std::string decision = parameter(*parameters, "decision");
  if (decision.empty())
    return consent_page(consent.client_id, consent.scope, to, request.head.target);
  if (decision == "deny") return redirect(to, "error", "access_denied", state);
  ++authorized_;
  return redirect(to, "code", grants_.issue_code(std::move(consent), Clock::now()), state);
}

Reply Oauth::token(const HttpRequest& request) {
  if (request.head.method != "POST")
    return oauth_error(405, "invalid_request", "Only POST is allowed here");
  std::string_view type = request.head.get("content-type");
  if (!same_text(take_item(type, ';'), "application/json"))
    return oauth_error(415, "invalid_request",
                       "The body must be JSON, with the content-type application/json");
  const auto body = json::parse_document(request.body);
  if (!body || !body->is_object())
    return oauth_error(400, "invalid_request", "The body must be a JSON object");
  const auto tokens = grant(*body);
  if (!tokens) return oauth_error(400, tokens.error().code, tokens.error().message);
  return json_reply(200, token_response(*tokens));
}

Result<Tokens> Oauth::grant(const Document& body) {
  if (const auto whole = require_members(body, {"grant_type", "client_id"}); !whole)
    return fail(whole.error());
  const std::string type = string_member(body, "grant_type");
  if (type == "authorization_code") return exchange_code(body);
  if (type == "refresh_token") return refresh(body);
  return invalid("unsupported_grant_type",
                 "grant_type must be authorization_code or refresh_token");
}

Result<Tokens> Oauth::exchange_code(const Document& body) {
  if (const auto whole = require_members(body, {"code", "redirect_uri", "state", "code_verifier"});
      !whole)
    return fail(whole.error());
  const CodeExchange parameters{string_member(body, "code"), string_member(body, "client_id"),
                                string_member(body, "redirect_uri"), string_member(body, "state"),
                                string_member(body, "code_verifier")};
  if (!is_pkce_text(parameters.verifier, "-._~"))
    return invalid("invalid_request",
                   "code_verifier must have 43 to 128 letters, digits, '-', '.', '_' or '~'");
  auto tokens = grants_.exchange_code(parameters, settings_.policy, Clock::now());
  if (tokens) ++exchanged_;
  return tokens;
}

Result<Tokens> Oauth::refresh(const Document& body) {
  if (const auto whole = require_members(body, {"refresh_token"}); !whole)
    return fail(whole.error());
  auto tokens = grants_.refresh(string_member(body, "refresh_token"),
                                string_member(body, "client_id"), settings_.policy, Clock::now());
  if (tokens) ++refreshed_;
  return tokens;
}

std::string Oauth::token_response(const Tokens& tokens) const {
  Document response = {{"token_type", "Bearer"},
                       {"access_token", tokens.access},
                       {"expires_in", settings_.policy.lifetime.count()}};
  if (!tokens.refresh.empty()) response["refresh_token"] = tokens.refresh;
  response["scope"] = tokens.scope;
  if (!settings_.omit_account) {
    response["organization"] = {{"uuid", "00000000-0000-4000-8000-000000000000"},
                                {"name", "Mock Organization"}};
    response["account"] = {{"uuid", "00000000-0000-4000-8000-000000000001"},
                           {"email_address", "person@example.com"}};
  }
  return text_of(response);
}

void Oauth::record_request(const HttpRequest& request) {
  if (request.head.path() != kTokenPath) return;
  const auto body = json::parse_document(request.body);
  last_request_ = body && body->is_object() ? without_secrets(*body) : Document(nullptr);
}

Milliseconds Oauth::delay_before_request(std::string_view path) const {
  return path == kTokenPath ? settings_.delay_before : Milliseconds(0);
}

bool Oauth::accepts_token(std::string_view token) const {
  if (!settings_.check_tokens || !token.starts_with(kAccessPrefix)) return true;
  return grants_.is_valid(token, Clock::now());
}

std::optional<Reply> Oauth::control(std::string_view method, std::string_view path,
                                    std::string_view body) {
  if (path == "/mock/oauth" && method == "GET") return json_reply(200, status());
  if (path == "/mock/oauth" && method == "PUT") {
    const auto changed = change_settings(body);
    if (!changed) return error_reply(400, error_type_of(400), changed.error().message, "");
    return json_reply(200, "{}");
  }
  if (path == "/mock/oauth/expire" && method == "POST") {
    grants_.expire_all();
    return json_reply(200, "{}");
  }
  if (path == "/mock/oauth/revoke" && method == "POST") {
    grants_.revoke_all();
    return json_reply(200, "{}");
  }
  return std::nullopt;
}

// Applies all settings, or none when one of them is invalid.
Result<void> Oauth::change_settings(std::string_view body) {
  auto document = json::parse_document(body);
  if (!document) return fail(ErrorKind::kConfiguration, "oauth: " + document.error().message);
  std::string error;
  const ScriptValue root(*document, "oauth", error);
  root.allow_keys({"expires_in", "check_tokens", "token_delay_ms", "token_delay_before_ms",
                   "omit_refresh_token", "omit_account"});
  const auto number = [&](std::string_view key, std::int64_t otherwise, std::int64_t most) {
    const std::int64_t count = root.count(key, otherwise);
    if (count < 0 || count > most) root.report(fmt::format("has {} above {}", key, most));
    return count;
  };
  Settings changed = settings_;
  TokenPolicy& policy = changed.policy;
  policy.lifetime =
      std::chrono::seconds(number("expires_in", policy.lifetime.count(), kMaxLifetime));
  policy.omits_refresh_token = root.flag("omit_refresh_token").value_or(policy.omits_refresh_token);
  changed.check_tokens = root.flag("check_tokens").value_or(changed.check_tokens);
  changed.omit_account = root.flag("omit_account").value_or(changed.omit_account);
  changed.delay = Milliseconds(number("token_delay_ms", changed.delay.count(), kMaxDelay));
  changed.delay_before =
      Milliseconds(number("token_delay_before_ms", changed.delay_before.count(), kMaxDelay));
  if (!error.empty()) return fail(ErrorKind::kConfiguration, error);
  settings_ = changed;
  return {};
}

std::string Oauth::status() const {
  Document families = Document::array();
  for (const Grants::Family& family : grants_.families())
    families.push_back({{"revoked", family.revoked}, {"rotations", family.rotations}});
  return text_of(Document{{"expires_in", settings_.policy.lifetime.count()},
                          {"check_tokens", settings_.check_tokens},
                          {"token_delay_ms", settings_.delay.count()},
                          {"token_delay_before_ms", settings_.delay_before.count()},
                          {"omit_refresh_token", settings_.policy.omits_refresh_token},
                          {"omit_account", settings_.omit_account},
                          {"authorized", authorized_},
                          {"exchanged", exchanged_},
                          {"refreshed", refreshed_},
                          {"refused", refused_},
                          {"reused", grants_.reused()},
                          {"families", std::move(families)},
                          {"last_request", last_request_}});
}

}  // namespace ccproxy::mock
