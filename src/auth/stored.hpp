// auth.json: the one credential that `ccproxy login` keeps. Read strictly, written so that a crash
// leaves the old one or the new one. Fields that are not known here are kept. It refuses to know
// when a token is renewed, and by whom.
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
  kOauth,   // "oauth": signed in with a Claude account; renewed by us
  kToken,   // "token": long-lived, made by `claude setup-token`; nobody can renew it
  kApiKey,  // "api_key"
};

struct Stored {
  StoredKind kind = StoredKind::kOauth;
  std::string secret{};   // `access`, or `key` of an API key
  std::string refresh{};  // single use: the next one comes with its answer
  std::optional<WallClock::time_point> expires{};
  std::string scope{};
  std::string account{};                               // e-mail address
  std::string organization{};                          // its name
  json::Document document = json::Document::object();  // as it stands in the file
};

// The file's content. Nothing when there is no file. Fails with kConfiguration for one that cannot
// be understood, kIo for one that cannot be read; no message holds a byte of a secret.
[[nodiscard]] Result<std::optional<Stored>> read_stored(const std::string& path);

// The same for a text.
[[nodiscard]] Result<Stored> parse_stored(std::string_view text);

// The text to write: `stored.document` with the values laid over it.
[[nodiscard]] std::string text_of(const Stored& stored);

// The lock that whoever writes the file holds from before it reads until after it has written.
[[nodiscard]] std::string lock_path(const std::string& path);

// Where a digest stands of the refresh token that the server takes no more.
[[nodiscard]] std::string refusal_path(const std::string& path);

// Mends what a writer of the file left that was killed: whoever holds the lock calls it. A
// left-over that is whole, of the same account as the file and expires later is the renewed sign-in
// whose old token is spent: it takes the file's place. Every other is removed. True when one was
// taken over.
bool adopt_left_over(const std::string& path);

// Makes the file, if it is one, readable by its owner only, and its folder as well where that is
// `.ccproxy` (one that somebody chose for other things, too, is theirs to close). What it found, as
// a sentence, when others could read it before; "" otherwise.
[[nodiscard]] std::string fix_permissions(const std::string& path);

[[nodiscard]] Credential credential_of(const Stored& stored);

}  // namespace ccproxy::auth
