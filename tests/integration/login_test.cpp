// `ccproxy login` as a person uses it: at a terminal, with a browser or without one.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/login_fixture.hpp"

namespace ccproxy::test {
namespace {

class Login : public LoginFixture {};

TEST_F(Login, accepts_a_pasted_code) {
  Terminal person(CCPROXY_BINARY, login(), environment());
  ASSERT_TRUE(person.wait_for("legal-and-compliance")) << person.screen();
  ASSERT_TRUE(person.wait_for("API key is the supported way"));
  ASSERT_TRUE(person.wait_for("Go on? [y/N] "));
  person.type_line("y");
  ASSERT_TRUE(person.wait_for("on any machine")) << "there is no browser here";
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line(code_for_pasting(decide_on_page(url, "allow")));
  ASSERT_TRUE(person.wait_for("Signed in as person@example.com (Mock Organization)"))
      << person.screen();
  EXPECT_EQ(person.wait_exit(), 0);

  const Document file = auth_file();
  EXPECT_EQ(file["type"], "oauth");
  EXPECT_TRUE(file["access"].get<std::string>().starts_with("sk-ant-oat01-"));
  EXPECT_TRUE(file["refresh"].get<std::string>().starts_with("sk-ant-ort01-"));
  EXPECT_GT(file["expires"].get<double>(), 1.7e12) << "milliseconds";
  struct stat facts {};
  ASSERT_EQ(::stat(path().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(person.screen().find("sk-ant-o"), std::string::npos) << "no token is shown";

  // A running server uses the new sign-in, and stops using it after logout.
  const auto status = [&] {
    return send_request(fixture.port(), "POST", "/v1/messages", kWholeBody, kAnthropicFields)
        .status;
  };
  EXPECT_TRUE(wait_until([&] { return status() == 200; }));
  const Finished out = run(CCPROXY_BINARY, {"logout"}, environment());
  EXPECT_EQ(out.code, 0);
  EXPECT_NE(out.output.find("Settings, Claude Code"), std::string::npos) << out.output;
  EXPECT_FALSE(has_auth_file());
  EXPECT_TRUE(wait_until([&] { return status() == 401; }));
  EXPECT_EQ(run(CCPROXY_BINARY, {"logout"}, environment()).code, 0);
}

TEST_F(Login, accepts_the_redirect_of_a_browser) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  ASSERT_TRUE(person.wait_for("Your browser opens now"));
  ASSERT_TRUE(person.wait_for("Paste the code here: ")) << "both ways are open";
  const std::string back = decide_on_page(opened_url(), "allow");
  EXPECT_TRUE(back.starts_with("http://localhost:")) << back;
  const Reply page = follow(back);
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("Signed in"), std::string::npos) << page.raw;
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_EQ(auth_file()["account"]["email"], "person@example.com");
}

TEST_F(Login, creates_a_private_home) {
  auto moved = environment();
  moved["CCPROXY_HOME"] = fixture.home() + "/new/home";
  std::filesystem::create_directories(fixture.home() + "/new");
  Terminal person(CCPROXY_BINARY, login({"--api-key"}), moved);
  ASSERT_TRUE(person.wait_for("Paste the API key: "));
  person.type_line("sk-ant-api03-x");
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  struct stat facts {};
  ASSERT_EQ(::stat((fixture.home() + "/new/home").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0700U);
}

TEST_F(Login, accepts_a_code_although_a_browser_was_opened) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type("\x1b[200~" + code_for_pasting(decide_on_page(url, "allow")) +
              "\x1b[201~\n");  // as terminals paste
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_TRUE(has_auth_file());
}

TEST_F(Login, accepts_the_redirect_url_of_another_browser) {
  Terminal person(CCPROXY_BINARY, login({"--yes", "--no-browser"}), environment(true));
  ASSERT_TRUE(person.wait_for("in a browser on this machine"));
  const std::string url = person.line_of(fixture.mock_url());
  EXPECT_NE(url.find("localhost"), std::string::npos);
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line(decide_on_page(url, "allow"));
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_FALSE(std::filesystem::exists(fixture.home() + "/opened"));
}

TEST_F(Login, rejects_a_wrong_state_and_continues) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line("stolen-code#another-state");
  ASSERT_TRUE(person.wait_for("does not fit: this belongs to another sign-in")) << person.screen();
  const std::string back = decide_on_page(opened_url(), "allow");
  const std::string forged = back.substr(0, back.find("&state=")) + "&state=forged";
  EXPECT_EQ(follow(forged).status, 400);
  EXPECT_EQ(follow(back.substr(0, back.find("/callback")) + "/elsewhere").status, 404);
  EXPECT_FALSE(has_auth_file());
  EXPECT_EQ(follow(back).status, 200);
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

TEST_F(Login, ends_without_a_trace_when_denied) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  const Reply page = follow(decide_on_page(opened_url(), "deny"));
  EXPECT_NE(page.body.find("Not signed in"), std::string::npos);
  EXPECT_EQ(person.wait_exit(), 1);
  EXPECT_NE(person.screen().find("access_denied"), std::string::npos) << person.screen();
  EXPECT_FALSE(has_auth_file());
}

TEST_F(Login, asks_again_after_a_refused_code) {
  Terminal person(CCPROXY_BINARY, login({"--yes", "--manual"}), environment());
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line("mock-code-0000");
  ASSERT_TRUE(person.wait_for("codes are good once")) << person.screen();
  ASSERT_TRUE(person.wait_for("Paste the code here: ")) << "another can be pasted";
  EXPECT_FALSE(has_auth_file());
  person.type_line(code_for_pasting(decide_on_page(url, "allow")));
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

TEST_F(Login, fails_after_a_refused_code_from_a_pipe) {
  const Finished ended =
      run("/bin/sh",
          {"-c", std::string("echo mock-code-0000 | ") + CCPROXY_BINARY + " login --yes --manual"},
          environment());
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.errors.find("codes are good once"), std::string::npos) << ended.errors;
  EXPECT_FALSE(has_auth_file());
}

TEST_F(Login, ctrl_c_ends_it_at_every_prompt) {
  for (const char* prompt : {"Go on? [y/N] ", "Paste the code here: "}) {
    Terminal person(CCPROXY_BINARY, login(), environment());
    if (prompt[0] == 'P') person.type_line("y");
    ASSERT_TRUE(person.wait_for(prompt)) << person.screen();
    person.ctrl_c();
    EXPECT_EQ(person.wait_exit(), 130) << person.screen();
    EXPECT_NE(person.screen().find("nothing was changed"), std::string::npos) << person.screen();
    EXPECT_FALSE(has_auth_file());
  }
}

// The token endpoint is slow; ctrl-c must not wait for it.
TEST_F(Login, ctrl_c_ends_it_during_the_code_exchange) {
  set_oauth(fixture.mock_port(), {{"token_delay_ms", 60'000}});
  Terminal person(CCPROXY_BINARY, login({"--yes", "--manual"}), environment());
  const std::string url = person.line_of(fixture.mock_url());
  person.type_line(code_for_pasting(decide_on_page(url, "allow")));
  ASSERT_TRUE(wait_until([&] { return oauth(fixture.mock_port())["exchanged"] == 1; }));
  person.ctrl_c();
  EXPECT_EQ(person.wait_exit(std::chrono::seconds(5)), 130) << person.screen();
  EXPECT_NE(person.screen().find("nothing was changed"), std::string::npos) << person.screen();
  EXPECT_FALSE(has_auth_file());
  for (const auto& file : std::filesystem::directory_iterator(fixture.home()))
    EXPECT_FALSE(file.path().filename().string().starts_with("auth.json.")) << "a temporary file";
}

TEST_F(Login, asks_again_when_the_authorization_url_is_pasted) {
  Terminal person(CCPROXY_BINARY, login({"--yes", "--manual"}), environment());
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("10 minutes"));
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line(url);
  ASSERT_TRUE(person.wait_for("this is the address to open")) << person.screen();
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line(code_for_pasting(decide_on_page(url, "allow")));
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

// A script or an editor starts it without an input.
TEST_F(Login, waits_for_the_browser_without_an_input) {
  Process program("/bin/sh",
                  {"-c", std::string("exec ") + CCPROXY_BINARY + " login --yes < /dev/null"},
                  environment(true));
  ASSERT_TRUE(program.wait_for("the browser can still finish the sign-in")) << program.output();
  EXPECT_EQ(follow(decide_on_page(opened_url(), "allow")).status, 200);
  EXPECT_EQ(program.wait_exit(), 0) << program.errors();
  EXPECT_TRUE(has_auth_file());
}

TEST_F(Login, fails_without_an_input_and_a_browser) {
  const Finished ended =
      run("/bin/sh",
          {"-c", std::string("exec ") + CCPROXY_BINARY + " login --yes --manual < /dev/null"},
          environment());
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.errors.find("the input ended"), std::string::npos) << ended.errors;
}

TEST_F(Login, waits_for_the_browser_after_the_end_of_the_input) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type("\x04");
  ASSERT_TRUE(person.wait_for("the browser can still finish the sign-in")) << person.screen();
  EXPECT_EQ(follow(decide_on_page(opened_url(), "allow")).status, 200);
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

#ifdef __linux__
// Before, the browser inherited the listener and kept its port for as long as it was open.
TEST_F(Login, lets_the_browser_inherit_no_descriptors) {
  std::ofstream(browser()) << "#!/bin/sh\nls -l /proc/$$/fd > '" << fixture.home()
                           << "/descriptors'\necho \"$1\" > '" << fixture.home() << "/opened'\n";
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  ASSERT_FALSE(opened_url().empty());
  const std::string open = file_text(fixture.home() + "/descriptors");
  EXPECT_NE(open.find("/dev/null"), std::string::npos) << open;
  for (const char* ours : {"socket:", "pipe:", "/dev/pts", "auth.json"})
    EXPECT_EQ(open.find(ours), std::string::npos) << open;
}
#endif

TEST_F(Login, prints_a_manual_url_over_ssh) {
  auto elsewhere = environment();
  elsewhere["SSH_CONNECTION"] = "10.0.0.1 50000 10.0.0.2 22";
  elsewhere["DISPLAY"] = "localhost:10.0";
  Terminal person(CCPROXY_BINARY, login({"--yes"}), elsewhere);
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  EXPECT_EQ(person.screen().find("localhost%3A"), std::string::npos) << "nothing listens";
  person.type_line(code_for_pasting(decide_on_page(url, "allow")));
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

TEST_F(Login, exchanges_no_code_on_a_full_disk) {
  const Finished full = run("/bin/sh",
                            {"-c", std::string("ulimit -f 0; trap '' XFSZ; exec ") +
                                       CCPROXY_BINARY + " login --yes --manual < /dev/null"},
                            environment());
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.errors.find("cannot write"), std::string::npos) << full.errors;
  EXPECT_EQ(oauth(fixture.mock_port())["exchanged"], 0);
}

TEST_F(Login, exchanges_no_code_when_the_home_cannot_be_created) {
  auto nowhere = environment();
  nowhere["CCPROXY_HOME"] = "/proc/ccproxy";
  Terminal person(CCPROXY_BINARY, login({"--yes", "--manual"}), nowhere);
  EXPECT_EQ(person.wait_exit(), 1) << person.screen();
  EXPECT_NE(person.screen().find("/proc/ccproxy"), std::string::npos) << person.screen();
  EXPECT_EQ(person.screen().find("Paste"), std::string::npos);
}

}  // namespace
}  // namespace ccproxy::test
