#include "proxy/upstream/request.hpp"

#include <fmt/format.h>

#include <array>
#include <span>
#include <utility>

#include "anthropic/headers.hpp"
#include "base/text.hpp"

namespace ccproxy::proxy {
namespace {

constexpr std::string_view kVersion = "2023-06-01";
constexpr std::array<std::string_view, 1> kOauthBetas = {"oauth-2025-04-20"};

// Fields that name the client's program. A sign-in of this program is used by this program alone.
bool names_a_program(std::string_view name) {
  return same_text(name, "user-agent") || same_text(name, "x-app");
}

}  // namespace

bool connection_names_fields(const http::Head& head) {
  for (const http::Field& field : head.fields)
    if (same_text(field.name, "connection") && !same_text(field.value, "keep-alive") &&
        !same_text(field.value, "close"))
      return true;
  return false;
}

UpstreamRequest::UpstreamRequest(const http::RequestHead& client, std::string target,
                                 const auth::Credential& credential, std::string_view version,
                                 bool decoded)
    : method_(client.method),
      target_(std::move(target)),
      is_ours_(credential.kind == auth::CredentialKind::kOauth) {
  fields_.reserve(client.fields.size() + 5);
  add_client_fields(client, decoded);
  add_credential(client, credential);
  // The event stream must be in plain text, so that an error event can be written into it.
  fields_.push_back({"accept-encoding", "identity"});
  if (!client.find("anthropic-version")) fields_.push_back({"anthropic-version", kVersion});
  if (is_ours_ || !client.find("user-agent")) {
    user_agent_ = fmt::format("ccproxy/{}", version);
    fields_.push_back({"user-agent", user_agent_});
  }
}

void UpstreamRequest::add_client_fields(const http::RequestHead& client, bool decoded) {
  std::vector<std::string_view> beta_lines;
  const bool names_fields = connection_names_fields(client);
  for (const http::Field& field : client.fields) {
    if (!anthropic::forwards_request_header(field.name)) continue;
    if (names_fields && client.lists("connection", field.name)) continue;
    if (decoded && same_text(field.name, "content-encoding")) continue;
    if (is_ours_ && names_a_program(field.name)) continue;
    if (same_text(field.name, "anthropic-beta")) {
      beta_lines.push_back(field.value);
      continue;
    }
    fields_.push_back(field);
  }
  const std::span<const std::string_view> ours =
      is_ours_ ? std::span<const std::string_view>(kOauthBetas)
               : std::span<const std::string_view>();
  if (beta_lines.empty() && ours.empty()) return;
  betas_ = anthropic::merge_betas(beta_lines, ours);
  fields_.push_back({"anthropic-beta", betas_});
}

void UpstreamRequest::add_credential(const http::RequestHead& client,
                                     const auth::Credential& credential) {
  switch (credential.kind) {
    case auth::CredentialKind::kNone: return;
    case auth::CredentialKind::kApiKey:
      secret_ = credential.secret;
      fields_.push_back({"x-api-key", secret_});
      return;
    case auth::CredentialKind::kBearer:
    case auth::CredentialKind::kOauth:
      secret_ = "Bearer " + credential.secret;
      fields_.push_back({"authorization", secret_});
      return;
    case auth::CredentialKind::kClient: break;
  }
  for (const http::Field& field : client.fields)  // the client's own, as it sent it
    if (same_text(field.name, "authorization") || same_text(field.name, "x-api-key"))
      fields_.push_back(field);
}

}  // namespace ccproxy::proxy
