// auth.json: the one credential that `ccproxy login` stores. It is read strictly, and written so
// that a crash leaves either the old or the new one. Unknown fields are preserved. This file
// refuses to know when a token is renewed, and by whom.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/credential.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "json/document.hpp"

namespace ccproxy::auth {

enum class StoredKind {
  kOauth,   // "oauth": signed in with a Claude account; CCProxy renews it
  kToken,   // "token": long-lived, from `claude setup-token`; it cannot be renewed
  kApiKey,  // "api_key"
};

struct StoredCredential {
  StoredKind kind = StoredKind::kOauth;
  std::string secret{};   // `access`, or `key` of an API key
  std::string refresh{};  // single-use: the token response brings the next one
  std::optional<WallClock::time_point> expires{};
  std::string scope{};
  std::string account{};                               // e-mail address
  std::string organization{};                          // name of the organization
  json::Document document = json::Document::object();  // the whole file
};

// Reads the file; returns nothing when there is none. Fails with kConfiguration for a file that
// cannot be understood and kIo for one that cannot be read; no message holds a byte of a secret.
[[nodiscard]] Result<std::optional<StoredCredential>> read_stored(const std::string& path);

// Parses the text of such a file. Fails with kConfiguration.
[[nodiscard]] Result<StoredCredential> parse_stored(std::string_view text);

// Returns the text to write: `stored.document` with the other members laid over it.
[[nodiscard]] std::string text_of(const StoredCredential& stored);

// Returns the path of the lock that a writer of the file holds while it reads and writes it.
[[nodiscard]] std::string lock_path(const std::string& path);

// Returns the path of the file with the digest of the refresh token that the server refused.
[[nodiscard]] std::string refusal_path(const std::string& path);

// Cleans up after a writer that was killed; to be called by the holder of the lock. A leftover that
// is whole, belongs to the account of the file and expires later is a renewed sign-in whose old
// token is spent: it replaces the file. All others are removed. Returns whether the file was
// replaced.
bool adopt_left_over(const std::string& path);

// Makes the file readable by its owner only, and its folder as well where that is `.ccproxy`; any
// other folder is its owner's to close. Returns a sentence on what it found when others could read
// it, and else "".
[[nodiscard]] std::string fix_permissions(const std::string& path);

[[nodiscard]] Credential credential_of(const StoredCredential& stored);

}  // namespace ccproxy::auth
