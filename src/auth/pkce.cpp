#include "auth/pkce.hpp"

#include <cstddef>
#include <utility>

#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "net/crypto.hpp"

namespace ccproxy::auth {
namespace {

constexpr std::size_t kEntropy = 32;  // bytes: 43 characters of base64url

}  // namespace

std::string challenge_of(std::string_view verifier) { return base64url(sha256(verifier)); }

PkceSession begin_pkce_session(std::string redirect_uri) {
  return {std::move(redirect_uri), base64url(net::random_bytes(kEntropy)),
          base64url(net::random_bytes(kEntropy))};
}

}  // namespace ccproxy::auth
