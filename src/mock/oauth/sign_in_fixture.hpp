// Test support: a person's browser and a program that sign in at the simulated authorization server
// over real loopback connections.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/encoding.hpp"
#include "mock/loopback_fixture.hpp"

namespace ccproxy::mock {

inline const std::string kVerifier(64, 'v');
inline constexpr const char* kRedirect = "http://localhost:54321/callback";

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string challenge() { return base64url(sha256(kVerifier)); }

// The parameters of a sound authorize request.
inline Fields sound() {
  return {{"code", "true"},
          {"response_type", "code"},
          {"client_id", "client-1"},
          {"redirect_uri", kRedirect},
          {"scope", "user:profile user:inference"},
          {"code_challenge", challenge()},
          {"code_challenge_method", "S256"},
          {"state", "state&1"}};
}

inline Fields with(const std::string& name, const std::string& value) {
  Fields fields = sound();
  for (auto& [known, content] : fields)
    if (known == name) content = value;
  return fields;
}

inline std::string target_of(const Fields& fields) {
  std::string target = "/oauth/authorize";
  for (const auto& [name, value] : fields)
    target +=
        (target.find('?') == std::string::npos ? "?" : "&") + name + "=" + percent_encoded(value);
  return target;
}

inline std::string location_of(const Seen& seen) {
  const auto at = seen.head.find("location: ");
  if (at == std::string::npos) return "nowhere";
  return seen.head.substr(at + 10, seen.head.find('\r', at) - at - 10);
}

class SigningIn : public Loopback {
 protected:
  Seen visit(const std::string& target) { return ask({"GET", target, ""}); }

  std::string allowed_code() {
    const std::string location = location_of(visit(target_of(sound()) + "&decision=allow"));
    const auto begin = location.find("code=") + 5;
    return location.substr(begin, location.find('&') - begin);
  }
  Seen token(const std::string& body) {
    return ask({"POST", "/v1/oauth/token", body, {{"content-type", "application/json"}}});
  }
  Seen token(const Document& body) { return token(body.dump()); }

  static Document redemption(const std::string& code) {
    return {{"grant_type", "authorization_code"},
            {"code", code},
            {"state", "state&1"},
            {"client_id", "client-1"},
            {"redirect_uri", kRedirect},
            {"code_verifier", kVerifier}};
  }
  static Document renewal(const Document& tokens) {
    return {{"grant_type", "refresh_token"},
            {"refresh_token", tokens.at("refresh_token")},
            {"client_id", "client-1"}};
  }
  static Document parsed(const Seen& seen) {
    EXPECT_EQ(seen.status, 200) << seen.body;
    return json::parse_document(seen.body).value_or(Document());
  }
  Document sign_in() { return parsed(token(redemption(allowed_code()))); }

  void set(const std::string& settings) {
    const Seen seen = ask({"PUT", "/mock/oauth", settings});
    ASSERT_EQ(seen.status, 200) << seen.body;
  }
  int message_under(const std::string& access) { return ask(message(access)).status; }
  static Ask message(const std::string& access) {
    return {"POST",
            "/v1/messages",
            kBody,
            {{"authorization", "Bearer " + access}, {"anthropic-beta", "oauth-2025-04-20"}}};
  }
  int message_with(const Document& tokens) {
    return message_under(tokens.at("access_token").get<std::string>());
  }
};

inline void expect_refused(const Seen& seen, int status, const std::string& code,
                           const std::string& description) {
  EXPECT_EQ(seen.status, status) << seen.body;
  const Document body = json::parse_document(seen.body).value_or(Document::object());
  EXPECT_EQ(body.value("error", ""), code) << seen.body;
  EXPECT_TRUE(contains(body.value("error_description", ""), description)) << seen.body;
}

}  // namespace ccproxy::mock
