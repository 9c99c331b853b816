#include "auth/authorize.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ccproxy::auth {
namespace {

const PkceSession kManual{"https://example.com/code", "state-m", "verifier-m"};
const PkceSession kLoopback{"http://localhost:5000/callback", "state-l", "verifier-l"};

Result<AuthorizationCode> paste(std::string_view text) {
  return read_paste(text, kManual, {kLoopback});
}

TEST(AuthorizeUrl, has_every_parameter) {
  config::Oauth oauth;
  oauth.client_id = "a b";
  const std::string url = authorize_url(oauth, kLoopback);
  EXPECT_EQ(url,
            "https://claude.ai/oauth/authorize?code=true&client_id=a%20b&response_type=code"
            "&redirect_uri=http%3A%2F%2Flocalhost%3A5000%2Fcallback"
            "&scope=user%3Aprofile%20user%3Ainference&code_challenge=" +
                challenge_of("verifier-l") + "&code_challenge_method=S256&state=state-l");
  EXPECT_EQ(url.find("verifier-l"), std::string::npos);
}

TEST(ReadPaste, takes_a_code_for_the_manual_page) {
  for (const char* text :
       {"the-code", "the-code#state-m", "  the-code#state-m\r\n", "\"the-code\"",
        "\x1b[200~the-code#state-m\x1b[201~", "<the-code>", " \x1b[200~ 'the-code' \x1b[201~\r"}) {
    const auto read = paste(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->code, "the-code");
    EXPECT_EQ(read->session.redirect_uri, kManual.redirect_uri);
  }
}

TEST(ReadPaste, finds_the_session_of_an_address) {
  const auto loopback = paste("http://localhost:5000/callback?code=c%2B1&state=state-l");
  ASSERT_TRUE(loopback);
  EXPECT_EQ(loopback->code, "c+1");
  EXPECT_EQ(loopback->session.verifier, "verifier-l");
  const auto bare = paste("localhost:5000/callback?code=c&state=state-l");
  ASSERT_TRUE(bare) << "browsers show addresses without their scheme";
  EXPECT_EQ(bare->code, "c");
  const auto manual = paste("https://example.com/code?code=c&state=state-m#x");
  ASSERT_TRUE(manual);
  EXPECT_EQ(manual->session.verifier, "verifier-m");
}

TEST(ReadPaste, refuses_a_foreign_state) {
  for (const char* text :
       {"code#state-l", "code#", "code#other", "http://localhost:5000/callback?code=c&state=other",
        "http://localhost:5000/callback?code=c", "https://example.com/code?code=c&state="}) {
    const auto read = paste(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().kind, ErrorKind::kInvalidRequest);
    EXPECT_NE(read.error().message.find("state"), std::string::npos) << read.error().message;
  }
}

TEST(ReadPaste, refuses_what_is_no_code) {
  for (const char* text : {"", "  ", "two words", "http://localhost:5000/callback",
                           "http://localhost:5000/callback?state=state-l", "#state-m"})
    EXPECT_FALSE(paste(text)) << text;
  EXPECT_FALSE(paste(std::string(5000, 'x')));
}

// The address to open holds `code=true`, which was once taken for a code and ended the sign-in.
TEST(ReadPaste, refuses_the_address_to_open) {
  for (const PkceSession& session : {kManual, kLoopback}) {
    const auto read = paste(authorize_url(config::Oauth(), session));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, ErrorKind::kInvalidRequest);
    EXPECT_NE(read.error().message.find("the address to open"), std::string::npos);
  }
}

TEST(ReadRedirect, reports_a_refusal_by_the_person_as_forbidden) {
  const auto denied = read_redirect("?error=access_denied&state=state-l", kLoopback);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().kind, ErrorKind::kForbidden);
  EXPECT_NE(denied.error().message.find("access_denied"), std::string::npos);
  const auto odd = read_redirect("?error=%1b%5b31mred&state=state-l", kLoopback);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().message.find('\x1b'), std::string::npos);
  EXPECT_EQ(read_redirect("?error=access_denied&state=other", kLoopback).error().kind,
            ErrorKind::kInvalidRequest)
      << "anybody can send a refusal without the state";
}

}  // namespace
}  // namespace ccproxy::auth
