// What goes upstream as proof of who asks. Plain values.
#pragma once

#include <string>

namespace ccproxy::auth {

enum class CredentialKind {
  kNone,    // nothing to send: model routes answer 401
  kApiKey,  // sent as x-api-key
  kBearer,  // sent as Authorization: Bearer
  kOauth,   // the same, with the beta that OAuth tokens need; this program is the client then
  kClient,  // the client's own header goes through
};

struct Credential {
  CredentialKind kind = CredentialKind::kNone;
  std::string secret{};
};

}  // namespace ccproxy::auth
