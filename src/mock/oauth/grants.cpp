#include "mock/oauth/grants.hpp"

#include <algorithm>
#include <utility>

#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "net/crypto.hpp"

namespace ccproxy::mock {
namespace {

constexpr std::chrono::minutes kCodeLifetime{10};
constexpr std::size_t kMaxCodes = 1000;
constexpr std::size_t kMaxFamilies = 1000;
constexpr std::size_t kSecretBytes = 40;  // about the length of the real ones

tl::unexpected<Error> invalid_grant(std::string description) {
  return fail(Error{ErrorKind::kInvalidRequest, std::move(description), "", "invalid_grant"});
}

tl::unexpected<Error> no_such_refresh_token() {
  return invalid_grant("Refresh token not found or invalid");
}

// Returns what does not match the consent; "" when everything does.
std::string_view mismatch(const CodeExchange& exchange, const Consent& consent) {
  if (exchange.client_id != consent.client_id) return "client_id does not match the authorization";
  if (exchange.redirect_uri != consent.redirect_uri)
    return "redirect_uri does not match the authorization";
  if (exchange.state != consent.state) return "state does not match the authorization";
  if (base64url(sha256(exchange.verifier)) != consent.challenge)
    return "code_verifier does not match the code_challenge";
  return {};
}

}  // namespace

std::string Grants::issue_code(Consent consent, Clock::time_point now) {
  std::erase_if(codes_, [&](const auto& one) { return one.second.until <= now; });
  if (codes_.size() >= kMaxCodes) codes_.erase(codes_.begin());
  std::string code = "mock_code_" + net::random_hex(24);
  codes_.emplace(code, PendingCode{std::move(consent), now + kCodeLifetime});
  return code;
}

Result<Tokens> Grants::exchange_code(const CodeExchange& exchange, const TokenPolicy& policy,
                                     Clock::time_point now) {
  auto found = codes_.extract(exchange.code);
  if (!found || found.mapped().until <= now)
    return invalid_grant("The code is unknown, expired or was used before");
  Consent& consent = found.mapped().consent;
  if (const auto wrong = mismatch(exchange, consent); !wrong.empty())
    return invalid_grant(std::string(wrong));
  if (families_.size() >= kMaxFamilies) families_.pop_front();
  families_.push_back(Family{std::move(consent.client_id), std::move(consent.scope)});
  return issue_tokens(families_.back(), policy, now);
}

Result<Tokens> Grants::refresh(std::string_view refresh_token, std::string_view client_id,
                               const TokenPolicy& policy, Clock::time_point now) {
  const std::string token(refresh_token);
  for (Family& family : families_) {
    if (family.spent.contains(token)) {
      ++reused_;
      family.revoked = true;
      return no_such_refresh_token();
    }
    if (family.refresh != token || token.empty()) continue;
    if (family.revoked || family.client_id != client_id) return no_such_refresh_token();
    if (!policy.omits_refresh_token) {
      ++family.rotations;
      family.spent.insert(token);
    }
    return issue_tokens(family, policy, now);
  }
  return no_such_refresh_token();
}

Tokens Grants::issue_tokens(Family& family, const TokenPolicy& policy, Clock::time_point now) {
  std::erase_if(family.access, [&](const auto& one) { return one.second <= now; });
  Tokens tokens{"sk-ant-oat01-mock-" + net::random_hex(kSecretBytes), "", family.scope};
  family.access.emplace(tokens.access, now + policy.lifetime);
  if (policy.omits_refresh_token) return tokens;
  tokens.refresh = "sk-ant-ort01-mock-" + net::random_hex(kSecretBytes);
  family.refresh = tokens.refresh;
  return tokens;
}

bool Grants::is_valid(std::string_view access, Clock::time_point now) const {
  return std::any_of(families_.begin(), families_.end(), [&](const Family& family) {
    const auto found = family.access.find(access);
    return found != family.access.end() && now < found->second && !family.revoked;
  });
}

void Grants::expire_all() {
  for (Family& family : families_) family.access.clear();
}

void Grants::revoke_all() {
  for (Family& family : families_) family.revoked = true;
}

}  // namespace ccproxy::mock
