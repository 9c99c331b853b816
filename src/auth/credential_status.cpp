#include "auth/credential_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/digest.hpp"
#include "base/encoding.hpp"

namespace ccproxy::auth {
namespace {

using config::CredentialSource;

constexpr std::chrono::minutes kRenewalLead{5};

// When the token was obtained, where the file says so.
std::optional<WallClock::time_point> obtained(const StoredCredential& stored) {
  const auto found = stored.document.find("obtained");
  if (found == stored.document.end() || !found->is_number_integer()) return std::nullopt;
  return WallClock::time_point(std::chrono::milliseconds(found->get<std::int64_t>()));
}

void apply_stored(CredentialStatus& status, const StoredCredential& stored, bool refused) {
  status.account = stored.account;
  status.organization = stored.organization;
  status.is_stored_token = stored.kind == StoredKind::kToken;
  if (stored.kind != StoredKind::kOauth) return;
  if (refused) {
    status.state = State::kLoginRequired;
    status.problem =
        "the sign-in is over (its refresh token is no longer accepted): run `ccproxy "
        "login`";
    return;
  }
  status.renewable = !stored.refresh.empty();
  if (status.renewable && stored.expires) status.renew_at = renewal_time(stored);
}

std::string missing(CredentialSource wanted) {
  if (wanted == CredentialSource::kAuto) return {};  // error_of() says it all
  return fmt::format("the configuration wants {} (credentials: {}), which is not there",
                     place_of(wanted), name_of(wanted));
}

}  // namespace

WallClock::time_point renewal_time(const StoredCredential& stored) {
  const auto expires = stored.expires.value_or(WallClock::time_point::max());
  WallClock::duration early = kRenewalLead;
  if (const auto begin = obtained(stored); begin && *begin < expires)
    early = std::min<WallClock::duration>(early, (expires - *begin) / 4);
  return expires - early;
}

CredentialStatus choose(CredentialSource wanted, const std::vector<CredentialCandidate>& candidates,
                        bool refused) {
  CredentialStatus status;
  const auto fits = [wanted](const CredentialCandidate& candidate) {
    return wanted == CredentialSource::kAuto || candidate.source == wanted;
  };
  const auto found = std::find_if(candidates.begin(), candidates.end(), fits);
  for (auto candidate = candidates.begin(); candidate != candidates.end(); ++candidate)
    if (candidate != found) status.shadowed.push_back(candidate->source);
  status.source = wanted;
  if (wanted == CredentialSource::kClient) {
    status.state = State::kReady;
    status.credential.kind = CredentialKind::kClient;
    return status;
  }
  if (found == candidates.end()) {
    status.problem = missing(wanted);
    return status;
  }
  status.source = found->source;
  status.problem = found->problem;
  status.state = found->problem.empty() ? State::kReady : State::kUnusable;
  if (status.state == State::kUnusable) return status;
  status.credential = found->credential;
  status.expires = found->expires;
  if (found->stored) apply_stored(status, *found->stored, refused);
  return status;
}

bool has_expired(const CredentialStatus& status, WallClock::time_point now) {
  return status.expires && *status.expires <= now;
}

Error error_of(const CredentialStatus& status) {
  Error error{ErrorKind::kUnauthorized, ""};
  error.code = "upstream_auth";  // CCProxy's credential is missing, not the client's
  switch (status.state) {
    case State::kReady:  // it has expired, and CCProxy cannot renew it
      error.message =
          status.source == CredentialSource::kConsoleProfile
              ? "The Console profile's token has expired, and its owner renews it: run an `ant` "
                "command where CCProxy runs."
              : "CCProxy's token has expired and cannot be renewed: run `ccproxy login` where "
                "CCProxy runs.";
      break;
    case State::kMissing:
      error.message = fmt::format(
          "CCProxy has no credential{}{}. Run `ccproxy login`, or set ANTHROPIC_API_KEY and start "
          "ccproxy again, or set \"credentials\": \"client\" in config.json so that each client "
          "sends its own.",
          status.problem.empty() ? "" : ": ", status.problem);
      break;
    case State::kLoginRequired:
      error.message =
          "CCProxy's sign-in is over: login required. Run `ccproxy login` where CCProxy runs; "
          "no restart is needed.";
      break;
    case State::kUnusable:
      error.message = fmt::format(
          "CCProxy's credential ({}) cannot be used: run `ccproxy status` where CCProxy runs to "
          "see "
          "why.",
          place_of(status.source));
      break;
  }
  return error;
}

std::string_view kind_of(const CredentialStatus& status) {
  if (status.state == State::kMissing) return "none";
  switch (status.source) {
    case CredentialSource::kAuto: return "none";
    case CredentialSource::kClient: return "client";
    case CredentialSource::kApiKeyEnv: return "api-key";
    case CredentialSource::kAuthTokenEnv: return "auth-token";
    case CredentialSource::kOauthTokenEnv: return "token";
    case CredentialSource::kConsoleProfile: return "console";
    case CredentialSource::kLogin: break;
  }
  if (status.credential.kind == CredentialKind::kApiKey) return "api-key";
  return status.is_stored_token ? "token" : "oauth";
}

std::string_view name_of(State state) {
  switch (state) {
    case State::kReady: return "ready";
    case State::kMissing: return "missing";
    case State::kLoginRequired: return "login_required";
    case State::kUnusable: return "unusable";
  }
  return "unusable";
}

std::string_view billing_of(const CredentialStatus& status) {
  const std::string_view kind = kind_of(status);
  if (kind == "api-key") return "the API account of the key, by use";
  if (kind == "console") return "the Console organization, by use";
  if (kind == "oauth" || kind == "token")
    return "the Claude subscription's limits or its usage credits; the provider may refuse other "
           "programs than its own";
  if (kind == "auth-token") return "the account behind the gateway";
  if (kind == "client") return "the owner of each client's own credential";
  return "";
}

std::string tag_of(const CredentialStatus& status) {
  std::string known = status.account + '\0' + status.organization;
  // A renewal replaces the token, so only the account identifies a renewable sign-in.
  if (status.account.empty() && status.organization.empty() && !status.renewable)
    known = status.credential.secret;
  return hex(sha256(known)).substr(0, 16);
}

}  // namespace ccproxy::auth
