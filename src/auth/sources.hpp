// The places where a credential can be found, in the order of their precedence: auth.json,
// ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN, CLAUDE_CODE_OAUTH_TOKEN, the Console profile. This file
// reads and never writes: what another program owns is renewed by its owner.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/credential.hpp"
#include "auth/stored_credential.hpp"
#include "base/clock.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"

namespace ccproxy::auth {

// Where credentials are looked for.
struct Sources {
  std::string auth_path{};        // auth.json
  std::string api_key{};          // ANTHROPIC_API_KEY
  std::string auth_token{};       // ANTHROPIC_AUTH_TOKEN
  std::string oauth_token{};      // CLAUDE_CODE_OAUTH_TOKEN
  std::string console_folder{};   // where `ant` keeps its profiles
  std::string console_profile{};  // name of the profile; empty means the active one
};

[[nodiscard]] Sources sources_of(const config::Environment& environment);

// A credential source that exists.
struct CredentialCandidate {
  config::CredentialSource source = config::CredentialSource::kAuto;
  Credential credential{};
  std::optional<WallClock::time_point> expires{};
  std::optional<StoredCredential> stored{};  // of auth.json, for kLogin where it could be read
  std::string problem{};                     // why it cannot be used, as a sentence
};

// Returns all sources that exist, in the order of precedence.
[[nodiscard]] std::vector<CredentialCandidate> find_candidates(const Sources& sources);

// Returns the files that find_candidates() reads, so that they can be watched.
[[nodiscard]] std::vector<std::string> files_of(const Sources& sources);

// The name for people and for `credentials` in config.json: "login", "api-key-env", ...
[[nodiscard]] std::string_view name_of(config::CredentialSource source);
// The place for people: "ANTHROPIC_API_KEY", "auth.json (ccproxy login)", ...
[[nodiscard]] std::string_view place_of(config::CredentialSource source);

}  // namespace ccproxy::auth
