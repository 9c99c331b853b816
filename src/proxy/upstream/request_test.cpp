#include "proxy/upstream/request.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::proxy {
namespace {

using auth::Credential;
using auth::CredentialKind;

const Credential kKey{CredentialKind::kApiKey, "sk-ours"};
const Credential kOauth{CredentialKind::kOauth, "sk-ant-oat01-ours"};
const Credential kBearer{CredentialKind::kBearer, "gateway-token"};
const Credential kClient{CredentialKind::kClient, ""};

std::string fields_for(std::vector<http::Field> sent, const Credential& credential,
                       bool decoded = false) {
  http::RequestHead head;
  head.method = "POST";
  head.target = "/v1/messages";
  head.fields = std::move(sent);
  const UpstreamRequest request(head, "/v1/messages?beta=true", credential, "0.1.0", decoded);
  std::string text;
  for (const http::Field& field : request.fields())
    http::append_field(text, field.name, field.value);
  return text;
}

TEST(UpstreamRequest, passes_the_clients_fields_on_in_their_order) {
  EXPECT_EQ(fields_for({{"Host", "x"},
                        {"User-Agent", "claude-cli/2"},
                        {"anthropic-version", "2026-10-21"},
                        {"X-Unknown", "kept"},
                        {"x-app", "cli"},
                        {"Accept-Encoding", "br"}},
                       kKey),
            "User-Agent: claude-cli/2\r\nanthropic-version: 2026-10-21\r\nX-Unknown: kept\r\n"
            "x-app: cli\r\nx-api-key: sk-ours\r\naccept-encoding: identity\r\n");
}

TEST(UpstreamRequest, adds_a_version_and_a_user_agent_only_where_they_are_missing) {
  EXPECT_EQ(fields_for({}, kKey),
            "x-api-key: sk-ours\r\naccept-encoding: identity\r\nanthropic-version: 2023-06-01\r\n"
            "user-agent: ccproxy/0.1.0\r\n");
}

TEST(UpstreamRequest, does_not_pass_the_clients_credentials_on_beside_its_own) {
  const std::string text = fields_for({{"Authorization", "Bearer secret"},
                                       {"x-api-key", "secret"},
                                       {"api-key", "secret"},
                                       {"x-ccproxy-key", "secret"},
                                       {"Cookie", "secret"},
                                       {"Proxy-Authorization", "secret"}},
                                      kKey);
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST(UpstreamRequest, passes_the_clients_own_credential_on_where_that_is_configured) {
  const std::string text = fields_for(
      {{"Authorization", "Bearer own"}, {"api-key", "for-us"}, {"x-ccproxy-key", "for-us"}},
      kClient);
  EXPECT_NE(text.find("Authorization: Bearer own\r\n"), std::string::npos);
  EXPECT_EQ(text.find("for-us"), std::string::npos);
  EXPECT_EQ(text.find("sk-ours"), std::string::npos);
}

TEST(UpstreamRequest, names_this_program_and_adds_the_beta_for_a_sign_in_of_its_own) {
  EXPECT_EQ(fields_for({{"User-Agent", "claude-cli/2"},
                        {"x-app", "cli"},
                        {"anthropic-version", "2023-06-01"},
                        {"anthropic-beta", "claude-code-1,b"},
                        {"X-Stainless-Lang", "js"}},
                       kOauth),
            "anthropic-version: 2023-06-01\r\nX-Stainless-Lang: js\r\n"
            "anthropic-beta: claude-code-1,b,oauth-2025-04-20\r\n"
            "authorization: Bearer sk-ant-oat01-ours\r\naccept-encoding: identity\r\n"
            "user-agent: ccproxy/0.1.0\r\n");
  const std::string once = fields_for({{"anthropic-beta", "oauth-2025-04-20"}}, kOauth);
  EXPECT_NE(once.find("anthropic-beta: oauth-2025-04-20\r\n"), std::string::npos) << once;
}

TEST(UpstreamRequest, keeps_the_clients_user_agent_and_adds_no_beta_for_a_bearer_token) {
  EXPECT_EQ(
      fields_for({{"User-Agent", "claude-cli/2"}, {"anthropic-version", "2023-06-01"}}, kBearer),
      "User-Agent: claude-cli/2\r\nanthropic-version: 2023-06-01\r\n"
      "authorization: Bearer gateway-token\r\naccept-encoding: identity\r\n");
}

TEST(UpstreamRequest, drops_the_fields_that_connection_names) {
  const std::string text =
      fields_for({{"Connection", "keep-alive, X-Hop"}, {"X-Hop", "1"}, {"X-Stay", "2"}}, kKey);
  EXPECT_EQ(text.find("X-Hop"), std::string::npos);
  EXPECT_NE(text.find("X-Stay: 2"), std::string::npos);
}

TEST(UpstreamRequest, merges_betas_into_one_line) {
  const std::string text =
      fields_for({{"anthropic-beta", "a,b"}, {"x", "y"}, {"Anthropic-Beta", "b, c"}}, kKey);
  EXPECT_NE(text.find("anthropic-beta: a,b,c\r\n"), std::string::npos);
  EXPECT_EQ(text.find("b, c"), std::string::npos);
}

TEST(UpstreamRequest, drops_the_content_encoding_of_a_decoded_body) {
  EXPECT_NE(fields_for({{"Content-Encoding", "gzip"}}, kKey).find("Content-Encoding"),
            std::string::npos);
  EXPECT_EQ(fields_for({{"Content-Encoding", "gzip"}}, kKey, true).find("Content-Encoding"),
            std::string::npos);
}

}  // namespace
}  // namespace ccproxy::proxy
