// How things stand with the credential at one moment: which one is in use, why, until when, and
// what is wrong with it. A plain value, made from what was found; nothing here reads a file or a
// clock.
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
  kMissing,        // nothing was found
  kLoginRequired,  // the sign-in is over: only a person can begin another
  kUnusable,       // it exists, but cannot be read or used
};

struct CredentialStatus {
  State state = State::kMissing;
  config::CredentialSource source = config::CredentialSource::kAuto;
  Credential credential{};
  std::optional<WallClock::time_point> expires{};
  bool renewable = false;                            // it is ours to renew
  std::optional<WallClock::time_point> renew_at{};   // when that is best done
  std::vector<config::CredentialSource> shadowed{};  // exist, and are not in use
  std::string account{}, organization{};             // where they are known
  bool is_stored_token = false;                      // auth.json holds a long-lived token
  bool unsaved = false;   // renewed, and auth.json could not be written: a restart loses it
  std::string trouble{};  // for the person at this machine: what is wrong; it may name paths
  std::string failure{};  // why the last renewal failed, while it is still being tried
};

// How long before its end a token is renewed: five minutes, or a quarter of its life when that is
// less.
[[nodiscard]] WallClock::time_point renewal_time(const Stored& stored);

// Which of `offers` is in use when `wanted` is configured. `refused`: its refresh token was
// refused.
[[nodiscard]] CredentialStatus choose(config::CredentialSource wanted,
                                      const std::vector<CredentialCandidate>& offers, bool refused);

// True when its time is over at `now`.
[[nodiscard]] bool has_expired(const CredentialStatus& credential_status,
                               WallClock::time_point now);

// What a client is told while it cannot be used: kUnauthorized, how to mend it, no path.
[[nodiscard]] Error error_of(const CredentialStatus& credential_status);

// For /health, the log and people: "oauth", "token", "api-key", "auth-token", "console", "client",
// "none".
[[nodiscard]] std::string_view kind_of(const CredentialStatus& credential_status);
// "ready", "missing", "login_required", "unusable".
[[nodiscard]] std::string_view name_of(State state);
// Tells one account from another, and nothing about it: the same as long as the account is, through
// renewals too.
[[nodiscard]] std::string tag_of(const CredentialStatus& credential_status);
// Who pays for what is asked with it, in a few words; "" when that is not known here.
[[nodiscard]] std::string_view billing_of(const CredentialStatus& credential_status);

}  // namespace ccproxy::auth
