// The credential that a request carries upstream. A plain value.
#pragma once

#include <string>

namespace ccproxy::auth {

enum class CredentialKind {
  kNone,    // nothing to send: model routes fail with 401
  kApiKey,  // sent as x-api-key
  kBearer,  // sent as Authorization: Bearer
  kOauth,   // sent like kBearer, with the beta header that OAuth tokens need
  kClient,  // the client's own header passes through
};

struct Credential {
  CredentialKind kind = CredentialKind::kNone;
  std::string secret{};
};

}  // namespace ccproxy::auth
