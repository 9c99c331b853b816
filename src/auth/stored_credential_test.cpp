#include "auth/stored_credential.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "auth/auth_fixture.hpp"
#include "base/file.hpp"

namespace ccproxy::auth {
namespace {

TEST(StoredCredential, reads_what_the_original_program_wrote) {
  const auto stored =
      parse_stored(R"({"type":"oauth","refresh":"rt","access":"at","expires":1790000000000})");
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->kind, StoredKind::kOauth);
  EXPECT_EQ(stored->secret, "at");
  EXPECT_EQ(stored->refresh, "rt");
  EXPECT_EQ(stored->expires, WallClock::time_point(std::chrono::milliseconds(1790000000000)));
  EXPECT_EQ(credential_of(*stored).kind, CredentialKind::kOauth);
}

TEST(StoredCredential, reads_the_other_kinds) {
  const auto key = parse_stored(R"({"type":"api_key","key":"sk-1"})");
  ASSERT_TRUE(key);
  EXPECT_EQ(credential_of(*key).kind, CredentialKind::kApiKey);
  EXPECT_EQ(credential_of(*key).secret, "sk-1");
  const auto token = parse_stored(R"({"type":"token","access":"at"})");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->kind, StoredKind::kToken);
  EXPECT_EQ(credential_of(*token).kind, CredentialKind::kOauth);
  EXPECT_FALSE(token->expires);
}

TEST(StoredCredential, preserves_unknown_members_and_the_order) {
  const std::string text =
      R"({"zebra":1,"type":"oauth","refresh":"rt","access":"at","expires":5,"apple":{"b":1,"a":2}})";
  auto stored = parse_stored(text);
  ASSERT_TRUE(stored);
  EXPECT_EQ(Document::parse(text_of(*stored)).dump(), text);
  stored->secret = "at-2";
  stored->refresh = "rt-2";
  const Document written = Document::parse(text_of(*stored));
  EXPECT_EQ(written["access"], "at-2");
  EXPECT_EQ(written["refresh"], "rt-2");
  EXPECT_EQ(written["apple"].dump(), R"({"b":1,"a":2})");
}

std::string sign_in_text(const std::string& token, int expires, const std::string& email = "a@b") {
  return Document{{"type", "oauth"},
                  {"access", token},
                  {"refresh", "r-" + token},
                  {"expires", expires},
                  {"account", {{"email", email}}}}
      .dump();
}

struct LeftOver {
  const char* why;
  std::string current, left;
  bool is_adopted;
};

const LeftOver kLeftOvers[] = {
    {"the renewed sign-in whose old token is spent", sign_in_text("old", 1000),
     sign_in_text("new", 2000), true},
    {"the same, with its reserved bytes behind it", sign_in_text("old", 1000),
     sign_in_text("new", 2000) + std::string(500, ' '), true},
    {"one that expires earlier", sign_in_text("old", 1000), sign_in_text("new", 999), false},
    {"one that expires at the same time", sign_in_text("old", 1000), sign_in_text("new", 1000),
     false},
    {"one of another account", sign_in_text("old", 1000), sign_in_text("new", 2000, "c@d"), false},
    {"a half-written one", sign_in_text("old", 1000), sign_in_text("new", 2000).substr(0, 40),
     false},
    {"reserved bytes alone", sign_in_text("old", 1000), std::string(500, ' '), false},
    {"a credential of another kind", sign_in_text("old", 1000), R"({"type":"api_key","key":"k"})",
     false},
    {"one beside an API key", R"({"type":"api_key","key":"k"})", sign_in_text("new", 2000), false},
    {"one of a person who has signed out", "", sign_in_text("new", 2000), false},
    {"one beside a file that cannot be read", "nonsense", sign_in_text("new", 2000), false},
};

TEST(StoredCredential, adopts_or_removes_the_leftover_of_a_killed_writer) {
  for (const char* end : {".new", ".a1B2c3", ".bak.new"})
    for (const LeftOver& row : kLeftOvers) {
      const Home home;
      if (!row.current.empty()) home.write("auth.json", row.current);
      home.write(std::string("auth.json") + end, row.left);
      EXPECT_EQ(adopt_left_over(home.auth()), row.is_adopted) << row.why;
      EXPECT_EQ(home.read("auth.json"), row.is_adopted ? row.left : row.current) << row.why;
      EXPECT_TRUE(leftover_files_of(home.auth()).empty()) << row.why;
      EXPECT_EQ(home.mode_of("auth.json"), row.current.empty() ? 0U : 0600U) << row.why;
    }
}

TEST(StoredCredential, adopts_the_latest_of_several_leftovers) {
  const Home home;
  home.write("auth.json", sign_in_text("old", 1000));
  home.write("auth.json.aaaaaa", sign_in_text("second", 3000));
  home.write("auth.json.new", sign_in_text("first", 2000));
  home.write("auth.json.bbbbbb", "{}");
  home.write("victim", sign_in_text("third", 4000));
  std::filesystem::create_symlink(home.at("victim"), home.at("auth.json.cccccc"));
  EXPECT_TRUE(adopt_left_over(home.auth()));
  EXPECT_EQ(home.auth_file()["access"], "second");
  EXPECT_TRUE(leftover_files_of(home.auth()).empty());
  EXPECT_EQ(home.read("victim"), sign_in_text("third", 4000)) << "a link is not followed";
}

TEST(StoredCredential, refuses_malformed_files_without_showing_a_secret) {
  for (const char* text :
       {"", "[]", "{", "null", R"({"type":"oauth"})", R"({"type":"pigeon","access":"s3cret"})",
        R"({"access":"s3cret"})", R"({"type":"oauth","access":["s3cret"]})",
        R"({"type":"oauth","access":"s3cret\r\nx: y"})", R"({"type":"oauth","access":""})",
        R"({"type":"oauth","access":"s3cret","expires":"soon"})",
        R"({"type":"oauth","access":"s3cret","expires":-5})",
        R"({"type":"oauth","access":"s3cret","expires":1e99})",
        R"({"type":"oauth","access":"s3cret","refresh":7})",
        R"({"type":"oauth","access":"s3cret)"}) {
    const auto stored = parse_stored(text);
    ASSERT_FALSE(stored) << text;
    EXPECT_EQ(stored.error().kind, ErrorKind::kConfiguration) << text;
    EXPECT_EQ(stored.error().message.find("s3cret"), std::string::npos) << stored.error().message;
  }
}

TEST(StoredCredential, returns_nothing_without_a_file_and_names_a_broken_one) {
  const Home home;
  ASSERT_TRUE(read_stored(home.auth()));
  EXPECT_FALSE(*read_stored(home.auth()));
  home.write("auth.json", "{ nonsense");
  ASSERT_FALSE(read_stored(home.auth()));
  EXPECT_NE(read_stored(home.auth()).error().message.find(home.auth()), std::string::npos);
  EXPECT_EQ(home.read("auth.json"), "{ nonsense");
}

TEST(StoredCredential, reports_and_restricts_a_mode_that_is_open_to_others) {
  const Home home;
  home.write("auth.json", "{}", 0644);
  EXPECT_NE(fix_permissions(home.auth()).find("644"), std::string::npos);
  EXPECT_EQ(home.mode_of("auth.json"), 0600U);
  EXPECT_EQ(fix_permissions(home.auth()), "");
  EXPECT_EQ(fix_permissions(home.at("none")), "");
}

// A folder without its execute bit is closed to its owner as well, unless the owner is root.
TEST(StoredCredential, leaves_the_mode_of_what_is_no_file) {
  const Home home;
  std::filesystem::create_directory(home.auth());
  ::chmod(home.auth().c_str(), 0755);
  EXPECT_EQ(fix_permissions(home.auth()), "");
  EXPECT_EQ(home.mode_of("auth.json"), 0755U);
}

TEST(StoredCredential, restricts_the_folder_only_when_it_is_ccproxys_own) {
  const Home home;
  home.write(".ccproxy/auth.json", "{}", 0600);
  home.write("shared/auth.json", "{}", 0600);
  ::chmod(home.at(".ccproxy").c_str(), 0755);
  ::chmod(home.at("shared").c_str(), 0755);
  EXPECT_NE(fix_permissions(home.at(".ccproxy/auth.json")).find("755"), std::string::npos);
  EXPECT_EQ(home.mode_of(".ccproxy"), 0700U);
  EXPECT_EQ(fix_permissions(home.at("shared/auth.json")), "");
  EXPECT_EQ(home.mode_of("shared"), 0755U);
}

}  // namespace
}  // namespace ccproxy::auth
