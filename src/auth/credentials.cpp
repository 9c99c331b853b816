#include "auth/credentials.hpp"

#include <utility>

namespace ccproxy::auth {
namespace {

Credential choose(config::CredentialSource wanted, Sources sources) {
  if (wanted == config::CredentialSource::kClient)
    return {CredentialKind::kClient, {}, "the client's own (credentials: client)"};
  if (!sources.api_key.empty())
    return {CredentialKind::kApiKey, std::move(sources.api_key), "ANTHROPIC_API_KEY"};
  return {};
}

}  // namespace

Credentials::Credentials(config::CredentialSource wanted, Sources sources)
    : credential_(choose(wanted, std::move(sources))), wanted_(wanted) {}

Result<Credential> Credentials::current() const {
  if (credential_.kind != CredentialKind::kNone) return credential_;
  Error error{ErrorKind::kUnauthorized,
              "CCProxy has no credential. Set ANTHROPIC_API_KEY and start ccproxy again, or set "
              "\"credentials\": \"client\" in config.json so that each client sends its own."};
  if (wanted_ == config::CredentialSource::kApiKeyEnv)
    error.message =
        "CCProxy has no credential: the configuration asks for an API key from the environment, "
        "but ANTHROPIC_API_KEY is not set. Set it and start ccproxy again.";
  error.code = "upstream_auth";  // ours is missing, not the client's
  return fail(std::move(error));
}

std::string_view Credentials::kind_name() const {
  switch (credential_.kind) {
    case CredentialKind::kApiKey: return "api-key";
    case CredentialKind::kClient: return "client";
    case CredentialKind::kNone: break;
  }
  return "none";
}

}  // namespace ccproxy::auth
