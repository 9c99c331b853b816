#include "mock/oauth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "mock/oauth_page.hpp"
#include "mock/script.hpp"
#include "net/crypto.hpp"

namespace ccproxy::mock {
namespace {

using json::Document;

constexpr std::string_view kAuthorize = "/oauth/authorize";
constexpr std::string_view kManual = "/oauth/code/callback";
constexpr std::string_view kToken = "/v1/oauth/token";
constexpr std::string_view kRealManual = "https://platform.claude.com/oauth/code/callback";
constexpr std::string_view kIssued = "sk-ant-oat01-mock-";
constexpr std::chrono::minutes kCodeLife{10};
constexpr std::size_t kEntropy = 16;

std::string text_at(const Document& root, const char* name) {
  const auto found = root.find(name);
  return found != root.end() && found->is_string() ? found->get<std::string>() : "";
}

// http://localhost:PORT and `path`, or the same on a loopback address.
bool is_loopback_uri(std::string_view uri, std::string_view path) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (uri.starts_with(scheme)) uri.remove_prefix(scheme.size());
  for (const std::string_view host : {"localhost:", "127.0.0.1:", "[::1]:"}) {
    if (!uri.starts_with(host)) continue;
    const std::string_view rest = uri.substr(host.size());
    const auto slash = rest.find('/');
    return parse_decimal(rest.substr(0, slash)) && slash != std::string_view::npos &&
           rest.substr(slash) == path;
  }
  return false;
}

bool is_challenge(std::string_view text) {
  return text.size() >= 43 && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

// What is wrong with a request for authorization; "" when nothing is.
std::string wrong_with(Parameters& asked) {
  const std::string& redirect_uri = asked["redirect_uri"];
  const bool is_manual = redirect_uri == kRealManual || is_loopback_uri(redirect_uri, kManual);
  const bool is_loopback =
      redirect_uri.starts_with("http://") && is_loopback_uri(redirect_uri, "/callback");
  if (asked["response_type"] != "code") return "response_type must be code";
  if (asked["client_id"].empty()) return "client_id is missing";
  if (!is_manual && !is_loopback)
    return "redirect_uri must be http://localhost:PORT/callback or the page that shows codes";
  if (asked["code_challenge_method"] != "S256") return "code_challenge_method must be S256";
  if (!is_challenge(asked["code_challenge"]))
    return "code_challenge must be 43 to 128 characters of base64url";
  if (asked["state"].empty()) return "state is missing";
  if (asked["scope"].empty()) return "scope is missing";
  return {};
}

Reply shown_code(std::string_view query) {
  Parameters got = parameters_of(query);
  if (got.contains("error")) return page(200, "Not signed in", html_escaped(got["error"]));
  return page(200, "Paste this into the terminal",
              "<code>" + html_escaped(got["code"] + "#" + got["state"]) + "</code>");
}

Reply oauth_error(int status, const char* code, const char* description) {
  return json_reply(status, Document{{"error", code}, {"error_description", description}}.dump());
}

}  // namespace

bool OAuth::owns(std::string_view path) {
  return path == kAuthorize || path == kManual || path == kToken;
}

Reply OAuth::reply(const http::RequestHead& head, const std::string& body) {
  const bool is_token = head.path() == kToken;
  if (head.method != (is_token ? "POST" : "GET"))
    return oauth_error(405, "invalid_request", "Method Not Allowed");
  if (is_token) return token(head, body);
  if (head.path() == kManual) return shown_code(head.query());
  return authorize(head.query());
}

// First a page that asks; its links come back with the decision.
Reply OAuth::authorize(std::string_view query) {
  Parameters asked = parameters_of(query);
  if (const std::string wrong = wrong_with(asked); !wrong.empty())
    return page(400, "Invalid request", html_escaped(wrong));
  const std::string decision = asked["decision"];
  const std::string& uri = asked["redirect_uri"];
  const std::string state = percent_encoded(asked["state"]);
  if (decision == "deny")
    return redirect(fmt::format("{}?error=access_denied&state={}", uri, state));
  if (decision != "allow") {
    const std::string again = html_escaped(fmt::format("{}{}&decision=", kAuthorize, query));
    return page(
        200, "Sign in to the simulated Claude",
        fmt::format("<p>{} asks for: {}</p><p><a href=\"{}allow\">Allow</a> "
                    "<a href=\"{}deny\">Deny</a></p>",
                    html_escaped(asked["client_id"]), html_escaped(asked["scope"]), again, again));
  }
  ++counters_.authorized;
  const std::string code = "mock-code-" + net::random_hex(kEntropy);
  codes_[code] =
      Code{asked["client_id"],      uri, asked["code_challenge"], asked["state"], asked["scope"],
           Clock::now() + kCodeLife};
  return redirect(fmt::format("{}?code={}&state={}", uri, code, state));
}

Reply OAuth::token(const http::RequestHead& head, const std::string& body) {
  if (!starts_with_text(trim(head.get("content-type")), "application/json"))
    return oauth_error(415, "invalid_request", "The body must be JSON");
  const auto asked = json::parse_document(body);
  if (!asked || !asked->is_object())
    return oauth_error(400, "invalid_request", "The body must be a JSON object");
  const std::string type = text_at(*asked, "grant_type");
  Reply reply = type == "authorization_code" ? exchange(*asked)
                : type == "refresh_token"
                    ? refresh(*asked)
                    : oauth_error(400, "unsupported_grant_type", "Unknown grant_type");
  reply.delay = Milliseconds(settings_.token_delay_ms);
  http::append_field(reply.fields, "cache-control", "no-store");
  return reply;
}

Reply OAuth::exchange(const Document& asked) {
  const auto found = codes_.find(text_at(asked, "code"));
  if (found == codes_.end()) return refuse("invalid_grant", "Code not found or used");
  const Code code = std::move(found->second);
  codes_.erase(found);  // whatever comes of it
  const std::string challenge = base64url(net::sha256(text_at(asked, "code_verifier")));
  if (Clock::now() > code.until) return refuse("invalid_grant", "Code expired");
  if (text_at(asked, "client_id") != code.client_id)
    return refuse("invalid_grant", "The code is for another client_id");
  if (text_at(asked, "redirect_uri") != code.redirect_uri)
    return refuse("invalid_grant", "The code is for another redirect_uri");
  if (text_at(asked, "state") != code.state) return refuse("invalid_grant", "Wrong state");
  if (challenge != code.challenge) return refuse("invalid_grant", "Wrong code_verifier");
  ++counters_.exchanged;
  Family family;
  family.scope = code.scope;
  families_.push_back(std::move(family));
  return grant(families_.size() - 1);
}

Reply OAuth::refresh(const Document& asked) {
  const auto found = refresh_tokens_.find(text_at(asked, "refresh_token"));
  if (text_at(asked, "client_id").empty()) return refuse("invalid_request", "client_id is missing");
  if (found == refresh_tokens_.end())
    return refuse("invalid_grant", "Refresh token not found or invalid");
  Family& family = families_[found->second];
  if (!family.revoked && family.refresh != found->first) {
    ++counters_.reused;
    family.revoked = true;  // somebody has it who should not
  }
  if (family.revoked) return refuse("invalid_grant", "Refresh token not found or invalid");
  ++counters_.refreshed;
  ++family.rotations;
  return grant(found->second);
}

Reply OAuth::grant(std::size_t index) {
  Family& family = families_[index];
  const std::string access = std::string(kIssued) + net::random_hex(kEntropy);
  access_tokens_[access] = {index, Clock::now() + std::chrono::seconds(settings_.expires_in)};
  Document answer = {{"token_type", "Bearer"},
                     {"access_token", access},
                     {"expires_in", settings_.expires_in},
                     {"scope", family.scope}};
  if (!settings_.omit_refresh_token) {
    family.refresh = "sk-ant-ort01-mock-" + net::random_hex(kEntropy);
    refresh_tokens_[family.refresh] = index;
    answer["refresh_token"] = family.refresh;
  }
  if (!settings_.omit_account) {
    answer["organization"] = {{"uuid", "00000000-0000-4000-8000-000000000000"},
                              {"name", "Mock Organization"}};
    answer["account"] = {{"uuid", "00000000-0000-4000-8000-000000000001"},
                         {"email_address", "person@example.com"}};
  }
  return json_reply(200, answer.dump());
}

Reply OAuth::refuse(const char* code, const char* description) {
  ++counters_.refused;
  return oauth_error(400, code, description);
}

bool OAuth::refuses(std::string_view token) const {
  if (!settings_.check_tokens || !token.starts_with(kIssued)) return false;
  const auto found = access_tokens_.find(token);
  return found == access_tokens_.end() || Clock::now() >= found->second.until ||
         families_[found->second.family].revoked;
}

Reply OAuth::control(std::string_view method, std::string_view path, const std::string& body) {
  if (path == "/mock/oauth" && method == "GET") return json_reply(200, shown().dump());
  if (path == "/mock/oauth" && method == "PUT") return set(body);
  if (path == "/mock/oauth/expire" && method == "POST") {
    for (auto& [token, access] : access_tokens_) access.until = Clock::now();
    return json_reply(200, "{}");
  }
  if (path == "/mock/oauth/revoke" && method == "POST") {
    for (Family& family : families_) family.revoked = true;
    return json_reply(200, "{}");
  }
  return error_reply(404, error_type_of(404), "There is no such control; docs/mock.md lists them",
                     "");
}

// What is left out stays. A misspelt name is an error, as in scripts.
Reply OAuth::set(const std::string& body) {
  const auto wanted = json::parse_document(body);
  if (!wanted || !wanted->is_object())
    return error_reply(400, error_type_of(400), "the settings must be a JSON object", "");
  Settings next = settings_;
  for (const auto& item : wanted->items()) {
    const std::string& name = item.key();
    const Document& value = item.value();
    const auto flag = [&](bool& into) {
      if (value.is_boolean()) into = value.get<bool>();
      return value.is_boolean();
    };
    const auto number = [&](std::int64_t& into) {
      const bool is_one = value.is_number_integer() && value >= 0 && value <= 1'000'000'000;
      if (is_one) into = value.get<std::int64_t>();
      return is_one;
    };
    const bool good = name == "expires_in"           ? number(next.expires_in)
                      : name == "check_tokens"       ? flag(next.check_tokens)
                      : name == "token_delay_ms"     ? number(next.token_delay_ms)
                      : name == "omit_refresh_token" ? flag(next.omit_refresh_token)
                      : name == "omit_account"       ? flag(next.omit_account)
                                                     : false;
    if (!good)
      return error_reply(400, error_type_of(400), name + " is no setting, or not of that kind", "");
  }
  settings_ = next;
  return json_reply(200, shown().dump());
}

Document OAuth::shown() const {
  Document root = {{"expires_in", settings_.expires_in},
                   {"check_tokens", settings_.check_tokens},
                   {"token_delay_ms", settings_.token_delay_ms},
                   {"omit_refresh_token", settings_.omit_refresh_token},
                   {"omit_account", settings_.omit_account},
                   {"authorized", counters_.authorized},
                   {"exchanged", counters_.exchanged},
                   {"refreshed", counters_.refreshed},
                   {"refused", counters_.refused},
                   {"reused", counters_.reused},
                   {"families", Document::array()}};
  for (const Family& family : families_)
    root["families"].push_back({{"revoked", family.revoked}, {"rotations", family.rotations}});
  return root;
}

}  // namespace ccproxy::mock
