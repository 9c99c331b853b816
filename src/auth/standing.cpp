#include "auth/standing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/digest.hpp"
#include "base/encoding.hpp"

namespace ccproxy::auth {
namespace {

using config::CredentialSource;

constexpr std::chrono::minutes kEarly{5};

// When it was obtained, where the file says so.
std::optional<WallClock::time_point> obtained(const Stored& stored) {
  const auto found = stored.document.find("obtained");
  if (found == stored.document.end() || !found->is_number_integer()) return std::nullopt;
  return WallClock::time_point(std::chrono::milliseconds(found->get<std::int64_t>()));
}

void take_stored(CredentialStatus& credential_status, const Stored& stored, bool refused) {
  credential_status.account = stored.account;
  credential_status.organization = stored.organization;
  credential_status.is_stored_token = stored.kind == StoredKind::kToken;
  if (stored.kind != StoredKind::kOauth) return;
  if (refused) {
    credential_status.state = State::kLoginRequired;
    credential_status.trouble =
        "the sign-in is over (its refresh token is no longer taken): run `ccproxy "
        "login`";
    return;
  }
  credential_status.renewable = !stored.refresh.empty();
  if (credential_status.renewable && stored.expires)
    credential_status.renew_at = renewal_time(stored);
}

std::string missing(CredentialSource wanted) {
  if (wanted == CredentialSource::kAuto) return {};  // there is no more to say about it
  return fmt::format("the configuration asks for {} (credentials: {}), which is not there",
                     place_of(wanted), name_of(wanted));
}

}  // namespace

WallClock::time_point renewal_time(const Stored& stored) {
  const auto expires = stored.expires.value_or(WallClock::time_point::max());
  WallClock::duration early = kEarly;
  if (const auto begin = obtained(stored); begin && *begin < expires)
    early = std::min<WallClock::duration>(early, (expires - *begin) / 4);
  return expires - early;
}

CredentialStatus choose(CredentialSource wanted, const std::vector<CredentialCandidate>& offers,
                        bool refused) {
  CredentialStatus credential_status;
  const auto fits = [wanted](const CredentialCandidate& offer) {
    return wanted == CredentialSource::kAuto || offer.source == wanted;
  };
  const auto found = std::find_if(offers.begin(), offers.end(), fits);
  for (auto offer = offers.begin(); offer != offers.end(); ++offer)
    if (offer != found) credential_status.shadowed.push_back(offer->source);
  credential_status.source = wanted;
  if (wanted == CredentialSource::kClient) {
    credential_status.state = State::kReady;
    credential_status.credential.kind = CredentialKind::kClient;
    return credential_status;
  }
  if (found == offers.end()) {
    credential_status.trouble = missing(wanted);
    return credential_status;
  }
  credential_status.source = found->source;
  credential_status.trouble = found->trouble;
  credential_status.state = found->trouble.empty() ? State::kReady : State::kUnusable;
  if (credential_status.state == State::kUnusable) return credential_status;
  credential_status.credential = found->credential;
  credential_status.expires = found->expires;
  if (found->stored) take_stored(credential_status, *found->stored, refused);
  return credential_status;
}

bool has_expired(const CredentialStatus& credential_status, WallClock::time_point now) {
  return credential_status.expires && *credential_status.expires <= now;
}

Error error_of(const CredentialStatus& credential_status) {
  Error error{ErrorKind::kUnauthorized, ""};
  error.code = "upstream_auth";  // ours is missing, not the client's
  switch (credential_status.state) {
    case State::kReady:  // it has expired, and nobody here can renew it
      error.message =
          credential_status.source == CredentialSource::kConsoleProfile
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
          credential_status.trouble.empty() ? "" : ": ", credential_status.trouble);
      break;
    case State::kLoginRequired:
      error.message =
          "CCProxy's sign-in is over: login required. Run `ccproxy login` where CCProxy runs; "
          "it is taken up without a restart.";
      break;
    case State::kUnusable:
      error.message = fmt::format(
          "CCProxy's credential ({}) cannot be used: run `ccproxy status` where CCProxy runs, it "
          "says why.",
          place_of(credential_status.source));
      break;
  }
  return error;
}

std::string_view kind_of(const CredentialStatus& credential_status) {
  if (credential_status.state == State::kMissing) return "none";
  switch (credential_status.source) {
    case CredentialSource::kAuto: return "none";
    case CredentialSource::kClient: return "client";
    case CredentialSource::kApiKeyEnv: return "api-key";
    case CredentialSource::kAuthTokenEnv: return "auth-token";
    case CredentialSource::kOauthTokenEnv: return "token";
    case CredentialSource::kConsoleProfile: return "console";
    case CredentialSource::kLogin: break;
  }
  if (credential_status.credential.kind == CredentialKind::kApiKey) return "api-key";
  return credential_status.is_stored_token ? "token" : "oauth";
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

std::string_view billing_of(const CredentialStatus& credential_status) {
  const std::string_view kind = kind_of(credential_status);
  if (kind == "api-key") return "the API account of the key, by use";
  if (kind == "console") return "the Console organization, by use";
  if (kind == "oauth" || kind == "token")
    return "the Claude subscription's limits or its usage credits; the provider may refuse other "
           "programs than its own";
  if (kind == "auth-token") return "whatever stands behind the gateway";
  if (kind == "client") return "whoever each client's own credential belongs to";
  return "";
}

std::string tag_of(const CredentialStatus& credential_status) {
  std::string known = credential_status.account + '\0' + credential_status.organization;
  // A token that is renewed is another one: only its account stays.
  if (credential_status.account.empty() && credential_status.organization.empty() &&
      !credential_status.renewable)
    known = credential_status.credential.secret;
  return hex(sha256(known)).substr(0, 16);
}

}  // namespace ccproxy::auth
