// Which credential goes upstream, and where it came from. It refuses to know routes and dialects.
// Sign-in, refresh and stored credentials join here.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::auth {

enum class CredentialKind {
  kNone,    // nothing to send: model routes answer 401
  kApiKey,  // sent as x-api-key
  kClient,  // the client's own header goes through
};

struct Credential {
  CredentialKind kind = CredentialKind::kNone;
  std::string secret;
  std::string_view source;  // for people: where it was found
};

// What the environment offers.
struct Sources {
  std::string api_key;  // ANTHROPIC_API_KEY
};

class Credentials {
 public:
  Credentials(config::CredentialSource wanted, Sources sources);

  // The one in use. Fails with kUnauthorized, saying how to sign in, when there is none.
  [[nodiscard]] Result<Credential> current() const;

  // For /health, the start banner and the log: "api-key", "client", "none".
  [[nodiscard]] std::string_view kind_name() const;
  [[nodiscard]] const Credential& in_use() const { return credential_; }

 private:
  Credential credential_;
  config::CredentialSource wanted_;
};

}  // namespace ccproxy::auth
