#include "auth/token_endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "config/base_url.hpp"
#include "http/client.hpp"
#include "http/fetch.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "net/cancellation.hpp"
#include "net/tls.hpp"

namespace ccproxy::auth {
namespace {

using json::Document;

constexpr std::size_t kMaxResponseBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxErrorCodeLength = 64;  // of an OAuth error such as invalid_grant

std::string text_at(const Document& root, const char* name) {
  const auto found = root.is_object() ? root.find(name) : root.end();
  return root.is_object() && found != root.end() && found->is_string() ? found->get<std::string>()
                                                                       : "";
}

std::string text_at(const Document& root, const char* outer, const char* inner) {
  const auto found = root.find(outer);
  return found == root.end() ? "" : text_at(*found, inner);
}

// Returns the OAuth error code of a response without a grant, or "". Nothing else of the server's
// text is shown, since it could repeat what was sent.
std::string code_of(const Document& root) {
  std::string code = text_at(root, "error");
  if (code.empty() && root.is_object() && root.contains("error"))
    code = text_at(root, "error", "type");
  const bool is_code = code.size() <= kMaxErrorCodeLength &&
                       std::all_of(code.begin(), code.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return is_code ? code : "";
}

tl::unexpected<Error> refusal(const http::ResponseHead& head, const Document& body) {
  const std::string code = code_of(body);
  const std::string message =
      fmt::format("the sign-in server answered {}{}{}", head.status, code.empty() ? "" : " ", code);
  if (code == "invalid_grant" || head.status == 404) return fail(ErrorKind::kUnauthorized, message);
  Error error{head.status == 429 ? ErrorKind::kBusy : ErrorKind::kUpstreamBroke, message};
  if (const auto wait = parse_decimal(head.get("retry-after")))
    error.retry_after = std::chrono::seconds(*wait);
  return fail(std::move(error));
}

// A token is sent in a header field.
bool is_token(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

Result<Grant> grant_of(const http::Fetched& response) {
  const auto body = json::parse_document(response.body);
  if (response.head.status != 200) return refusal(response.head, body ? *body : Document());
  Grant grant;
  if (body && body->is_object()) {
    grant.access = text_at(*body, "access_token");
    grant.refresh = text_at(*body, "refresh_token");
    grant.scope = text_at(*body, "scope");
    grant.account_uuid = text_at(*body, "account", "uuid");
    grant.account_email = text_at(*body, "account", "email_address");
    grant.organization_uuid = text_at(*body, "organization", "uuid");
    grant.organization_name = text_at(*body, "organization", "name");
    const auto expires = body->find("expires_in");
    constexpr std::int64_t kYears = 315'360'000;  // seconds, ten years
    if (expires != body->end() && expires->is_number_integer() && *expires > 0 && *expires < kYears)
      grant.expires_in = std::chrono::seconds(expires->get<std::int64_t>());
  }
  if (!is_token(grant.access) || (!grant.refresh.empty() && !is_token(grant.refresh)))
    return fail(ErrorKind::kUpstreamBroke, "the sign-in server's answer holds no token");
  return grant;
}

}  // namespace

TokenEndpoint::TokenEndpoint(net::Runtime& runtime, const config::Config& config,
                             std::string user_agent)
    : runtime_(runtime),
      oauth_(config.oauth),
      ca_file_(config.upstream.ca_file),
      user_agent_(std::move(user_agent)) {}

Task<Result<Grant>> TokenEndpoint::redeem(std::string code, PkceSession session) {
  std::string body;
  json::Writer(body)
      .begin_object()
      .member("grant_type", "authorization_code")
      .member("code", code)
      .member("state", session.state)
      .member("client_id", oauth_.client_id)
      .member("redirect_uri", session.redirect_uri)
      .member("code_verifier", session.verifier)
      .end_object();
  co_return co_await post(std::move(body));
}

Task<Result<Grant>> TokenEndpoint::renew(std::string refresh_token) {
  std::string body;
  json::Writer(body)
      .begin_object()
      .member("grant_type", "refresh_token")
      .member("refresh_token", refresh_token)
      .member("client_id", oauth_.client_id)
      .end_object();
  co_return co_await post(std::move(body));
}

Task<Result<Grant>> TokenEndpoint::post(std::string body) {
  auto url = config::parse_base_url(oauth_.token_url);
  if (!url) co_return fail(ErrorKind::kConfiguration, "oauth.tokenUrl is no http or https address");
  std::unique_ptr<net::TlsContext> tls;
  if (url->tls) {
    auto context = net::TlsContext::client(ca_file_);
    if (!context) co_return fail(context.error());
    tls = std::move(*context);
  }
  http::ClientLimits limits;
  limits.first_byte = limits.idle = kGrantTimeout;
  http::Origin origin{url->tls, url->host, url->port, url->host_header};
  http::Client client(runtime_, std::move(origin), tls.get(), limits);
  net::Cancellation cancellation;
  net::Deadline limit(runtime_, [&cancellation] { cancellation.cancel(); });
  limit.expires_after(kGrantTimeout);
  const std::vector<http::Field> fields = {{"content-type", "application/json"},
                                           {"accept", "application/json"},
                                           {"accept-encoding", "identity"},
                                           {"user-agent", user_agent_}};
  const http::OutgoingRequest request{"POST", url->path_prefix, fields, body.size()};
  auto response = co_await http::fetch(client, request, body, kMaxResponseBytes, cancellation);
  if (!response && cancellation.cancelled())
    co_return fail(
        ErrorKind::kTimedOut,
        fmt::format("the sign-in server did not answer within {} s", kGrantTimeout.count()));
  if (!response) co_return fail(response.error());
  co_return grant_of(*response);
}

}  // namespace ccproxy::auth
