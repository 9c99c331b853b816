// The places where a credential can be found, and which of those found is in use (precedence:
// auth.json, ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN, CLAUDE_CODE_OAUTH_TOKEN, Console profile). It
// reads and never writes: what another program owns is renewed by its owner.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/credential.hpp"
#include "auth/stored.hpp"
#include "base/clock.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"

namespace ccproxy::auth {

// Where to look.
struct Sources {
  std::string auth_path{};        // auth.json
  std::string api_key{};          // ANTHROPIC_API_KEY
  std::string auth_token{};       // ANTHROPIC_AUTH_TOKEN
  std::string oauth_token{};      // CLAUDE_CODE_OAUTH_TOKEN
  std::string console_folder{};   // where `ant` keeps its profiles
  std::string console_profile{};  // the one to take; "": the active one
};

[[nodiscard]] Sources sources_of(const config::Environment& environment);

// A source that exists.
struct CredentialCandidate {
  config::CredentialSource source = config::CredentialSource::kAuto;
  Credential credential{};
  std::optional<WallClock::time_point> expires{};
  std::optional<Stored> stored{};  // of kLogin, where it can be understood
  std::string trouble{};           // why it cannot be used, as a sentence
};

// All that exist, in the order of precedence.
[[nodiscard]] std::vector<CredentialCandidate> find_candidates(const Sources& sources);

// The files that find_candidates() reads, for whoever waits for changes.
[[nodiscard]] std::vector<std::string> files_of(const Sources& sources);

// For people and for `credentials` in config.json: "login", "api-key-env", ...
[[nodiscard]] std::string_view name_of(config::CredentialSource source);
// For people: "ANTHROPIC_API_KEY", "auth.json (ccproxy login)", ...
[[nodiscard]] std::string_view place_of(config::CredentialSource source);

}  // namespace ccproxy::auth
