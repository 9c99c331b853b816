// The credential that `ccproxy login` writes to auth.json and `ccproxy logout` removes: how it is
// read, what it replaces, and what remains of it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/login_fixture.hpp"

namespace ccproxy::test {
namespace {

class StoredCredential : public LoginFixture {};

TEST_F(StoredCredential, is_typed_without_an_echo) {
  {
    Terminal person(CCPROXY_BINARY, login({"--api-key"}), environment());
    ASSERT_TRUE(person.wait_for("Paste the API key: "));
    ASSERT_TRUE(wait_until([&] { return !person.echoes(); }));
    person.ctrl_c();
    EXPECT_EQ(person.wait_exit(), 130);
    EXPECT_TRUE(person.echoes());
    EXPECT_FALSE(has_auth_file());
  }
  Terminal person(CCPROXY_BINARY, login({"--api-key"}), environment());
  ASSERT_TRUE(person.wait_for("Paste the API key: "));
  ASSERT_TRUE(wait_until([&] { return !person.echoes(); }));
  person.type_line("sk-ant-api03-mine");
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_TRUE(person.echoes());
  EXPECT_EQ(person.screen().find("api03-mine"), std::string::npos);
  EXPECT_EQ(auth_file()["type"], "api_key");
  EXPECT_EQ(auth_file()["key"], "sk-ant-api03-mine");
}

TEST_F(StoredCredential, is_read_from_a_pipe) {
  const auto pipe = [&](const std::string& secret, const std::string& flags) {
    return run("/bin/sh",
               {"-c", "printf '%s' '" + secret + "' | " + CCPROXY_BINARY + " login " + flags},
               environment());
  };
  EXPECT_EQ(pipe("sk-ant-api03-piped\n", "--api-key").code, 0);
  EXPECT_EQ(auth_file()["key"], "sk-ant-api03-piped");
  EXPECT_EQ(pipe("sk-ant-oat01-piped", "--token").code, 2) << "the terms were not accepted";
  const Finished token = pipe("sk-ant-oat01-piped", "--token --yes");
  EXPECT_EQ(token.code, 0) << token.errors;
  EXPECT_NE(token.output.find("legal-and-compliance"), std::string::npos);
  EXPECT_EQ(auth_file()["type"], "token");
  EXPECT_EQ(auth_file()["access"], "sk-ant-oat01-piped");
  EXPECT_EQ(pipe("sk-ant-oat01-piped", "--api-key --yes").code, 2) << "a token is no key";
  EXPECT_EQ(pipe("sk-ant-api03-piped", "--token --yes").code, 2) << "and a key no token";
  EXPECT_EQ(pipe("", "--api-key --yes").code, 2);
  EXPECT_EQ(pipe("two words", "--api-key --yes").code, 2);
  EXPECT_EQ(auth_file()["type"], "token");
}

TEST_F(StoredCredential, is_replaced_only_after_a_question) {
  std::ofstream(path()) << R"({"type":"api_key","key":"sk-ant-api03-old"})";
  {
    Terminal person(CCPROXY_BINARY, login(), environment());
    ASSERT_TRUE(person.wait_for("Go on? [y/N] "));
    person.type_line("");
    EXPECT_EQ(person.wait_exit(), 1);
  }
  Terminal person(CCPROXY_BINARY, login(), environment());
  person.type_line("yes");
  ASSERT_TRUE(person.wait_for("auth.json holds an API key")) << person.screen();
  ASSERT_TRUE(person.wait_for("Replace it? [y/N] "));
  person.type_line("n");
  EXPECT_EQ(person.wait_exit(), 1);
  EXPECT_EQ(auth_file()["key"], "sk-ant-api03-old");
  const Finished piped = run(CCPROXY_BINARY, login(), environment());
  EXPECT_EQ(piped.code, 2);
  EXPECT_NE(piped.errors.find("--yes"), std::string::npos);
}

TEST_F(StoredCredential, replaces_a_broken_file_after_a_backup) {
  std::ofstream(path()) << "{ nonsense";
  Terminal person(CCPROXY_BINARY, login({"--api-key"}), environment());
  ASSERT_TRUE(person.wait_for("cannot be read"));
  person.type_line("y");
  ASSERT_TRUE(person.wait_for("Paste the API key: "));
  person.type_line("sk-ant-api03-new");
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_EQ(auth_file()["key"], "sk-ant-api03-new");
  EXPECT_EQ(file_text(path() + ".bak"), "{ nonsense");
  struct stat facts {};
  ASSERT_EQ(::stat((path() + ".bak").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U) << "a secret may be in it";
}

TEST_F(StoredCredential, is_not_written_when_the_old_file_cannot_be_moved) {
  std::filesystem::create_directory(path());
  Terminal person(CCPROXY_BINARY, login({"--api-key"}), environment());
  ASSERT_TRUE(person.wait_for("cannot be read"));
  person.type_line("y");
  EXPECT_EQ(person.wait_exit(), 1);
  EXPECT_NE(person.screen().find("move it away"), std::string::npos) << person.screen();
  EXPECT_EQ(person.screen().find("Paste"), std::string::npos) << "it must not prompt for a key";
}

TEST_F(StoredCredential, is_written_through_a_link_and_removed_with_its_target) {
  const std::string target = fixture.home() + "/elsewhere.json";
  std::ofstream(target) << R"({"type":"api_key","key":"sk-ant-api03-old"})";
  std::filesystem::create_symlink(target, path());
  Terminal person(CCPROXY_BINARY, login({"--api-key", "--yes"}), environment());
  ASSERT_TRUE(person.wait_for("Paste the API key: "));
  person.type_line("sk-ant-api03-new");
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_TRUE(std::filesystem::is_symlink(path()));
  EXPECT_EQ(auth_file()["key"], "sk-ant-api03-new");
  EXPECT_EQ(run(CCPROXY_BINARY, {"logout"}, environment()).code, 0);
  EXPECT_FALSE(std::filesystem::exists(target));
  EXPECT_FALSE(std::filesystem::is_symlink(path()));
}

// Before, logout left the temporary file of a renewal that was killed, which had valid tokens, and
// copies of a file that could not be read.
TEST_F(StoredCredential, is_removed_with_every_leftover_file) {
  const std::vector<std::string> leftovers = {
      path() + ".new",     path() + ".a1B2c3",    path() + ".refused.a1B2c3", path() + ".bak",
      path() + ".bak.new", path() + ".bak.2.new", path() + ".bak.2",          path() + ".bak.11"};
  for (const bool is_signed_in : {true, false}) {
    if (is_signed_in) std::ofstream(path()) << R"({"type":"api_key","key":"sk-ant-api03-old"})";
    for (const std::string& each : leftovers) std::ofstream(each) << "sk-ant-oat01-live";
    std::ofstream(path() + ".backup") << "of a person's own";
    EXPECT_EQ(run(CCPROXY_BINARY, {"logout"}, environment()).code, 0);
    for (const std::string& each : leftovers) EXPECT_FALSE(std::filesystem::exists(each)) << each;
    EXPECT_FALSE(std::filesystem::exists(path()));
    EXPECT_TRUE(std::filesystem::exists(path() + ".backup"));
  }
  std::ofstream(path() + ".bak") << "sk-ant-oat01-live";
  EXPECT_EQ(run(CCPROXY_BINARY, {"logout"}, environment()).output.find("Nobody is signed in"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path() + ".bak")) << "where it stands alone, too";
}

TEST_F(StoredCredential, takes_precedence_over_the_environment) {
  auto with_key = environment();
  with_key["ANTHROPIC_API_KEY"] = "sk-ant-api03-env";
  Terminal person(CCPROXY_BINARY, login({"--api-key"}), with_key);
  ASSERT_TRUE(person.wait_for("Paste the API key: "));
  person.type_line("sk-ant-api03-new");
  EXPECT_EQ(person.wait_exit(), 0);
  EXPECT_NE(person.screen().find("It takes precedence over ANTHROPIC_API_KEY"), std::string::npos)
      << person.screen();
}

}  // namespace
}  // namespace ccproxy::test
