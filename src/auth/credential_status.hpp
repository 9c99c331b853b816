// The status of the credential at one moment: which source is in use and why, when it expires, and
// what is wrong with it. A plain value, computed from the candidates; nothing here reads a file or
// a clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/credential.hpp"
#include "auth/sources.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::auth {

enum class State {
  kReady,
  kMissing,        // no source was found
  kLoginRequired,  // the sign-in is over: only a person can begin another
  kUnusable,       // the source exists, but cannot be read or used
};

struct CredentialStatus {
  State state = State::kMissing;
  config::CredentialSource source = config::CredentialSource::kAuto;
  Credential credential{};
  std::optional<WallClock::time_point> expires{};
  bool renewable = false;                            // CCProxy renews it
  std::optional<WallClock::time_point> renew_at{};   // when it is to be renewed
  std::vector<config::CredentialSource> shadowed{};  // sources that exist and are not in use
  std::string account{}, organization{};             // empty where they are not known
  bool is_stored_token = false;                      // auth.json holds a long-lived token
  bool unsaved = false;   // it was renewed, but not written: it is lost with this process
  std::string problem{};  // what is wrong, for the person at this machine; it may name paths
  std::string failure{};  // why the last renewal failed; empty once one succeeded
};

// Returns when a token is to be renewed: five minutes before it expires, or a quarter of its life
// when that is less.
[[nodiscard]] WallClock::time_point renewal_time(const StoredCredential& stored);

// Returns the status for the configured source `wanted`. `refused` says that the refresh token of
// auth.json was refused by the server.
[[nodiscard]] CredentialStatus choose(config::CredentialSource wanted,
                                      const std::vector<CredentialCandidate>& candidates,
                                      bool refused);

// Whether the credential has expired at `now`.
[[nodiscard]] bool has_expired(const CredentialStatus& status, WallClock::time_point now);

// The error for a client while the credential cannot be used: kUnauthorized, with what to do and
// without paths.
[[nodiscard]] Error error_of(const CredentialStatus& status);

// The kind for /health, the log and people: "oauth", "token", "api-key", "auth-token", "console",
// "client", "none".
[[nodiscard]] std::string_view kind_of(const CredentialStatus& status);
// "ready", "missing", "login_required", "unusable".
[[nodiscard]] std::string_view name_of(State state);
// Returns a tag that tells one account from another and reveals nothing about it. It stays the same
// as long as the account does, through renewals too.
[[nodiscard]] std::string tag_of(const CredentialStatus& status);
// Returns who pays for requests with it, in a few words; "" when that is not known here.
[[nodiscard]] std::string_view billing_of(const CredentialStatus& status);

}  // namespace ccproxy::auth
