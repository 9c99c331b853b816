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

void take_stored(Standing& standing, const Stored& stored, bool refused) {
  standing.account = stored.account;
  standing.organization = stored.organization;
  standing.is_stored_token = stored.kind == StoredKind::kToken;
  if (stored.kind != StoredKind::kOauth) return;
  if (refused) {
    standing.state = State::kLoginRequired;
    standing.trouble =
        "the sign-in is over (its refresh token is no longer taken): run `ccproxy "
        "login`";
    return;
  }
  standing.renewable = !stored.refresh.empty();
  if (standing.renewable && stored.expires) standing.renew_at = renewal_time(stored);
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

Standing choose(CredentialSource wanted, const std::vector<Offer>& offers, bool refused) {
  Standing standing;
  const auto fits = [wanted](const Offer& offer) {
    return wanted == CredentialSource::kAuto || offer.source == wanted;
  };
  const auto found = std::find_if(offers.begin(), offers.end(), fits);
  for (auto offer = offers.begin(); offer != offers.end(); ++offer)
    if (offer != found) standing.shadowed.push_back(offer->source);
  standing.source = wanted;
  if (wanted == CredentialSource::kClient) {
    standing.state = State::kReady;
    standing.credential.kind = CredentialKind::kClient;
    return standing;
  }
  if (found == offers.end()) {
    standing.trouble = missing(wanted);
    return standing;
  }
  standing.source = found->source;
  standing.trouble = found->trouble;
  standing.state = found->trouble.empty() ? State::kReady : State::kUnusable;
  if (standing.state == State::kUnusable) return standing;
  standing.credential = found->credential;
  standing.expires = found->expires;
  if (found->stored) take_stored(standing, *found->stored, refused);
  return standing;
}

bool has_expired(const Standing& standing, WallClock::time_point now) {
  return standing.expires && *standing.expires <= now;
}

Error error_of(const Standing& standing) {
  Error error{ErrorKind::kUnauthorized, ""};
  error.code = "upstream_auth";  // ours is missing, not the client's
  switch (standing.state) {
    case State::kReady:  // it has expired, and nobody here can renew it
      error.message =
          standing.source == CredentialSource::kConsoleProfile
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
          standing.trouble.empty() ? "" : ": ", standing.trouble);
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
          place_of(standing.source));
      break;
  }
  return error;
}

std::string_view kind_of(const Standing& standing) {
  if (standing.state == State::kMissing) return "none";
  switch (standing.source) {
    case CredentialSource::kAuto: return "none";
    case CredentialSource::kClient: return "client";
    case CredentialSource::kApiKeyEnv: return "api-key";
    case CredentialSource::kAuthTokenEnv: return "auth-token";
    case CredentialSource::kOauthTokenEnv: return "token";
    case CredentialSource::kConsoleProfile: return "console";
    case CredentialSource::kLogin: break;
  }
  if (standing.credential.kind == CredentialKind::kApiKey) return "api-key";
  return standing.is_stored_token ? "token" : "oauth";
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

std::string_view billing_of(const Standing& standing) {
  const std::string_view kind = kind_of(standing);
  if (kind == "api-key") return "the API account of the key, by use";
  if (kind == "console") return "the Console organization, by use";
  if (kind == "oauth" || kind == "token")
    return "the Claude subscription's limits or its usage credits; the provider may refuse other "
           "programs than its own";
  if (kind == "auth-token") return "whatever stands behind the gateway";
  if (kind == "client") return "whoever each client's own credential belongs to";
  return "";
}

std::string tag_of(const Standing& standing) {
  std::string known = standing.account + '\0' + standing.organization;
  // A token that is renewed is another one: only its account stays.
  if (standing.account.empty() && standing.organization.empty() && !standing.renewable)
    known = standing.credential.secret;
  return hex(sha256(known)).substr(0, 16);
}

}  // namespace ccproxy::auth
