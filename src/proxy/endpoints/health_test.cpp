#include "proxy/endpoints/health.hpp"

#include <gtest/gtest.h>

namespace ccproxy::proxy {
namespace {

std::string body_of(const auth::CredentialStatus& credential,
                    std::optional<SeenRateLimits> limits = {}) {
  return health_body(
      {"1.2.3", std::chrono::milliseconds(61'900), credential, std::move(limits), 4});
}

TEST(Health, reports_a_server_without_a_credential) {
  EXPECT_EQ(body_of({}),
            R"({"status":"ok","version":"1.2.3","uptime_seconds":61,)"
            R"("credential":{"kind":"none","source":"auto","state":"missing"},"in_flight":4})");
}

TEST(Health, reports_what_is_known_of_the_credential) {
  auth::CredentialStatus credential;
  credential.state = auth::State::kReady;
  credential.source = config::CredentialSource::kLogin;
  credential.credential.kind = auth::CredentialKind::kOauth;
  credential.credential.secret = "sk-ant-secret";
  credential.expires = WallClock::time_point(std::chrono::milliseconds(1'700'000'000'123));
  credential.unsaved = true;
  credential.failure = "the server \"x\" could not be reached";
  credential.problem = "/home/somebody/.ccproxy/auth.json cannot be read";
  const std::string body = body_of(credential);
  EXPECT_NE(body.find(R"("credential":{"kind":"oauth","source":"login","state":"ready",)"
                      R"("expires":1700000000123,"unsaved":true,)"
                      R"("failure":"the server \"x\" could not be reached"})"),
            std::string::npos)
      << body;
  EXPECT_EQ(body.find("secret"), std::string::npos) << "no secret leaves the process";
  EXPECT_EQ(body.find("/home"), std::string::npos) << "no path of this machine does";
}

TEST(Health, reports_the_rate_limits_that_were_seen_last) {
  const SeenRateLimits limits{WallClock::time_point(std::chrono::seconds(2)),
                              {{"anthropic-ratelimit-requests-limit", "50"},
                               {"anthropic-ratelimit-requests-remaining", "49"}}};
  const std::string body = body_of({}, limits);
  EXPECT_NE(body.find(R"("limits":{"seen":2000,"fields":{)"
                      R"("anthropic-ratelimit-requests-limit":"50",)"
                      R"("anthropic-ratelimit-requests-remaining":"49"}},"in_flight":4})"),
            std::string::npos)
      << body;
}

}  // namespace
}  // namespace ccproxy::proxy
