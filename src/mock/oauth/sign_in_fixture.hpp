// Test support: a user's browser and a program that sign in at the simulated authorization server
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

inline std::string code_challenge() { return base64url(sha256(kVerifier)); }

// Returns the parameters of a valid authorization request.
inline Fields valid_parameters() {
  return {{"code", "true"},
          {"response_type", "code"},
          {"client_id", "client-1"},
          {"redirect_uri", kRedirect},
          {"scope", "user:profile user:inference"},
          {"code_challenge", code_challenge()},
          {"code_challenge_method", "S256"},
          {"state", "state&1"}};
}

inline Fields parameters_with(const std::string& name, const std::string& value) {
  Fields fields = valid_parameters();
  for (auto& [known, content] : fields)
    if (known == name) content = value;
  return fields;
}

inline std::string authorize_target(const Fields& fields) {
  std::string target = "/oauth/authorize";
  for (const auto& [name, value] : fields)
    target +=
        (target.find('?') == std::string::npos ? "?" : "&") + name + "=" + percent_encoded(value);
  return target;
}

inline std::string redirect_location(const ReceivedReply& reply) {
  const auto at = reply.head.find("location: ");
  if (at == std::string::npos) return "nowhere";
  return reply.head.substr(at + 10, reply.head.find('\r', at) - at - 10);
}

class SignInFixture : public LoopbackFixture {
 protected:
  ReceivedReply open_page(const std::string& target) { return send({"GET", target, ""}); }

  std::string authorization_code() {
    const std::string location =
        redirect_location(open_page(authorize_target(valid_parameters()) + "&decision=allow"));
    const auto begin = location.find("code=") + 5;
    return location.substr(begin, location.find('&') - begin);
  }
  ReceivedReply request_token(const std::string& body) {
    return send({"POST", "/v1/oauth/token", body, {{"content-type", "application/json"}}});
  }
  ReceivedReply request_token(const Document& body) { return request_token(body.dump()); }

  static Document code_exchange(const std::string& code) {
    return {{"grant_type", "authorization_code"},
            {"code", code},
            {"state", "state&1"},
            {"client_id", "client-1"},
            {"redirect_uri", kRedirect},
            {"code_verifier", kVerifier}};
  }
  static Document refresh_request(const Document& tokens) {
    return {{"grant_type", "refresh_token"},
            {"refresh_token", tokens.at("refresh_token")},
            {"client_id", "client-1"}};
  }
  static Document parse_tokens(const ReceivedReply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json::parse_document(reply.body).value_or(Document());
  }
  Document sign_in() { return parse_tokens(request_token(code_exchange(authorization_code()))); }

  void set_settings(const std::string& settings) {
    const ReceivedReply reply = send({"PUT", "/mock/oauth", settings});
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  int message_status(const std::string& access) { return send(message(access)).status; }
  static TestRequest message(const std::string& access) {
    return {"POST",
            "/v1/messages",
            kBody,
            {{"authorization", "Bearer " + access}, {"anthropic-beta", "oauth-2025-04-20"}}};
  }
  int message_with(const Document& tokens) {
    return message_status(tokens.at("access_token").get<std::string>());
  }
};

inline void expect_refused(const ReceivedReply& reply, int status, const std::string& code,
                           const std::string& description) {
  EXPECT_EQ(reply.status, status) << reply.body;
  const Document body = json::parse_document(reply.body).value_or(Document::object());
  EXPECT_EQ(body.value("error", ""), code) << reply.body;
  EXPECT_TRUE(contains(body.value("error_description", ""), description)) << reply.body;
}

}  // namespace ccproxy::mock
