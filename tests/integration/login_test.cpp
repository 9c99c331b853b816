// Signing in as a person does: at a terminal, with a browser or without one.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/road.hpp"
#include "support/sign_in.hpp"
#include "support/terminal.hpp"

namespace ccproxy::test {
namespace {

class Login : public testing::Test {
 protected:
  Login() {
    // A browser that only notes where it was sent.
    std::ofstream(browser()) << "#!/bin/sh\necho \"$1\" > '" << fixture.home() << "/opened'\n";
    ::chmod(browser().c_str(), 0755);
  }

  [[nodiscard]] std::string browser() const { return fixture.home() + "/browser"; }
  [[nodiscard]] std::string path() const { return fixture.home() + "/auth.json"; }
  [[nodiscard]] bool is_kept() const { return std::filesystem::exists(path()); }
  [[nodiscard]] Document kept() const {
    std::ifstream in(path());
    return Document::parse(std::string(std::istreambuf_iterator<char>(in), {}));
  }
  [[nodiscard]] Process::Environment environment(bool with_browser = false) const {
    Process::Environment all = {{"CCPROXY_HOME", fixture.home()}, {"HOME", fixture.home()}};
    if (with_browser) all["BROWSER"] = browser();
    return all;
  }
  [[nodiscard]] static std::vector<std::string> login(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), "login");
    return flags;
  }

  // What the person's browser was sent to.
  [[nodiscard]] std::string opened() const {
    std::string url;
    (void)wait_until([&] {
      std::ifstream in(fixture.home() + "/opened");
      return static_cast<bool>(std::getline(in, url)) && !url.empty();
    });
    return url;
  }
  // The person decides on the page; where the browser is sent then.
  [[nodiscard]] std::string decide(const std::string& url, const std::string& decision) const {
    const std::string target = url.substr(fixture.mock_url().size());
    return std::string(
        ask(fixture.mock_port(), "GET", target + "&decision=" + decision).field("location"));
  }
  // The browser follows to the loopback address.
  static Reply follow(const std::string& url) {
    const auto port = url.find(':', 7) + 1;
    const auto slash = url.find('/', port);
    const auto number = static_cast<std::uint16_t>(std::stoul(url.substr(port, slash - port)));
    RawClient client(number);
    client.send("GET " + url.substr(slash) +
                " HTTP/1.1\r\nHost: localhost:" + std::to_string(number) + "\r\n\r\n");
    return client.read_reply();
  }
  // The code as the manual page shows it.
  static std::string shown(const std::string& location) {
    const auto code = location.find("code=") + 5, state = location.find("&state=");
    return location.substr(code, state - code) + "#" + location.substr(state + 7);
  }

  ProxyFixture fixture{Plan{.config = kOauthConfig, .environment = {}}};
};

TEST_F(Login, with_a_pasted_code) {
  Terminal person(CCPROXY_BINARY, login(), environment());
  ASSERT_TRUE(person.wait_for("legal-and-compliance")) << person.screen();
  ASSERT_TRUE(person.wait_for("API key is the supported way"));
  ASSERT_TRUE(person.wait_for("Go on? [y/N] "));
  person.type_line("y");
  ASSERT_TRUE(person.wait_for("on any machine")) << "there is no browser here";
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line(shown(decide(url, "allow")));
  ASSERT_TRUE(person.wait_for("Signed in as person@example.com (Mock Organization)"))
      << person.screen();
  EXPECT_EQ(person.wait_exit(), 0);

  const Document file = kept();
  EXPECT_EQ(file["type"], "oauth");
  EXPECT_TRUE(file["access"].get<std::string>().starts_with("sk-ant-oat01-"));
  EXPECT_TRUE(file["refresh"].get<std::string>().starts_with("sk-ant-ort01-"));
  EXPECT_GT(file["expires"].get<double>(), 1.7e12) << "milliseconds";
  struct stat facts {};
  ASSERT_EQ(::stat(path().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(person.screen().find("sk-ant-o"), std::string::npos) << "no token is shown";

  // A server that runs takes it up, and lets go of it.
  const auto status = [&] {
    return ask(fixture.port(), "POST", "/v1/messages", kWhole, kFields).status;
  };
  EXPECT_TRUE(wait_until([&] { return status() == 200; }));
  const Finished out = run(CCPROXY_BINARY, {"logout"}, environment());
  EXPECT_EQ(out.code, 0);
  EXPECT_NE(out.output.find("Settings, Claude Code"), std::string::npos) << out.output;
  EXPECT_FALSE(is_kept());
  EXPECT_TRUE(wait_until([&] { return status() == 401; }));
  EXPECT_EQ(run(CCPROXY_BINARY, {"logout"}, environment()).code, 0);
}

TEST_F(Login, with_a_browser_that_comes_back) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  ASSERT_TRUE(person.wait_for("Your browser opens now"));
  ASSERT_TRUE(person.wait_for("Paste the code here: ")) << "both ways are open";
  const std::string back = decide(opened(), "allow");
  EXPECT_TRUE(back.starts_with("http://localhost:")) << back;
  const Reply page = follow(back);
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("Signed in"), std::string::npos) << page.raw;
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_EQ(kept()["account"]["email"], "person@example.com");
}

TEST_F(Login, in_a_new_home_makes_it_private) {
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

TEST_F(Login, with_a_code_although_a_browser_was_opened) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type("\x1b[200~" + shown(decide(url, "allow")) + "\x1b[201~\n");  // as terminals paste
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_TRUE(is_kept());
}

TEST_F(Login, with_the_address_that_a_browser_elsewhere_was_sent_to) {
  Terminal person(CCPROXY_BINARY, login({"--yes", "--no-browser"}), environment(true));
  ASSERT_TRUE(person.wait_for("in a browser on this machine"));
  const std::string url = person.line_of(fixture.mock_url());
  EXPECT_NE(url.find("localhost"), std::string::npos);
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line(decide(url, "allow"));
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_FALSE(std::filesystem::exists(fixture.home() + "/opened"));
}

TEST_F(Login, is_not_fooled_by_a_wrong_state_and_goes_on) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line("stolen-code#another-state");
  ASSERT_TRUE(person.wait_for("does not fit: this belongs to another sign-in")) << person.screen();
  const std::string back = decide(opened(), "allow");
  const std::string forged = back.substr(0, back.find("&state=")) + "&state=forged";
  EXPECT_EQ(follow(forged).status, 400);
  EXPECT_EQ(follow(back.substr(0, back.find("/callback")) + "/elsewhere").status, 404);
  EXPECT_FALSE(is_kept());
  EXPECT_EQ(follow(back).status, 200);
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

TEST_F(Login, that_was_denied_ends_without_a_trace) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  const Reply page = follow(decide(opened(), "deny"));
  EXPECT_NE(page.body.find("Not signed in"), std::string::npos);
  EXPECT_EQ(person.wait_exit(), 1);
  EXPECT_NE(person.screen().find("access_denied"), std::string::npos) << person.screen();
  EXPECT_FALSE(is_kept());
}

TEST_F(Login, with_a_code_that_is_refused_asks_for_another) {
  Terminal person(CCPROXY_BINARY, login({"--yes", "--manual"}), environment());
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line("mock-code-0000");
  ASSERT_TRUE(person.wait_for("codes are good once")) << person.screen();
  ASSERT_TRUE(person.wait_for("Paste the code here: ")) << "another can be pasted";
  EXPECT_FALSE(is_kept());
  person.type_line(shown(decide(url, "allow")));
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

TEST_F(Login, with_a_refused_code_from_a_pipe_fails) {
  const Finished ended =
      run("/bin/sh",
          {"-c", std::string("echo mock-code-0000 | ") + CCPROXY_BINARY + " login --yes --manual"},
          environment());
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.errors.find("codes are good once"), std::string::npos) << ended.errors;
  EXPECT_FALSE(is_kept());
}

TEST_F(Login, ends_with_ctrl_c_at_every_question) {
  for (const char* prompt : {"Go on? [y/N] ", "Paste the code here: "}) {
    Terminal person(CCPROXY_BINARY, login(), environment());
    if (prompt[0] == 'P') person.type_line("y");
    ASSERT_TRUE(person.wait_for(prompt)) << person.screen();
    person.ctrl_c();
    EXPECT_EQ(person.wait_exit(), 130) << person.screen();
    EXPECT_NE(person.screen().find("nothing was changed"), std::string::npos) << person.screen();
    EXPECT_FALSE(is_kept());
  }
}

// The server takes its time: nobody has to wait for that.
TEST_F(Login, ends_with_ctrl_c_while_the_code_is_redeemed) {
  set_oauth(fixture.mock_port(), {{"token_delay_ms", 60'000}});
  Terminal person(CCPROXY_BINARY, login({"--yes", "--manual"}), environment());
  const std::string url = person.line_of(fixture.mock_url());
  person.type_line(shown(decide(url, "allow")));
  ASSERT_TRUE(wait_until([&] { return oauth(fixture.mock_port())["exchanged"] == 1; }));
  person.ctrl_c();
  EXPECT_EQ(person.wait_exit(std::chrono::seconds(5)), 130) << person.screen();
  EXPECT_NE(person.screen().find("nothing was changed"), std::string::npos) << person.screen();
  EXPECT_FALSE(is_kept());
  for (const auto& file : std::filesystem::directory_iterator(fixture.home()))
    EXPECT_FALSE(file.path().filename().string().starts_with("auth.json.")) << "a temporary file";
}

TEST_F(Login, with_a_secret_shows_nothing_of_it_and_gives_the_terminal_back) {
  {
    Terminal person(CCPROXY_BINARY, login({"--api-key"}), environment());
    ASSERT_TRUE(person.wait_for("Paste the API key: "));
    ASSERT_TRUE(wait_until([&] { return !person.echoes(); }));
    person.ctrl_c();
    EXPECT_EQ(person.wait_exit(), 130);
    EXPECT_TRUE(person.echoes());
    EXPECT_FALSE(is_kept());
  }
  Terminal person(CCPROXY_BINARY, login({"--api-key"}), environment());
  ASSERT_TRUE(person.wait_for("Paste the API key: "));
  ASSERT_TRUE(wait_until([&] { return !person.echoes(); }));
  person.type_line("sk-ant-api03-mine");
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_TRUE(person.echoes());
  EXPECT_EQ(person.screen().find("api03-mine"), std::string::npos);
  EXPECT_EQ(kept()["type"], "api_key");
  EXPECT_EQ(kept()["key"], "sk-ant-api03-mine");
}

TEST_F(Login, takes_secrets_from_a_pipe) {
  const auto pipe = [&](const std::string& secret, const std::string& flags) {
    return run("/bin/sh",
               {"-c", "printf '%s' '" + secret + "' | " + CCPROXY_BINARY + " login " + flags},
               environment());
  };
  EXPECT_EQ(pipe("sk-ant-api03-piped\n", "--api-key").code, 0);
  EXPECT_EQ(kept()["key"], "sk-ant-api03-piped");
  EXPECT_EQ(pipe("sk-ant-oat01-piped", "--token").code, 2) << "nobody was asked about the terms";
  const Finished token = pipe("sk-ant-oat01-piped", "--token --yes");
  EXPECT_EQ(token.code, 0) << token.errors;
  EXPECT_NE(token.output.find("legal-and-compliance"), std::string::npos);
  EXPECT_EQ(kept()["type"], "token");
  EXPECT_EQ(kept()["access"], "sk-ant-oat01-piped");
  EXPECT_EQ(pipe("sk-ant-oat01-piped", "--api-key --yes").code, 2) << "a token is no key";
  EXPECT_EQ(pipe("sk-ant-api03-piped", "--token --yes").code, 2) << "and a key no token";
  EXPECT_EQ(pipe("", "--api-key --yes").code, 2);
  EXPECT_EQ(pipe("two words", "--api-key --yes").code, 2);
  EXPECT_EQ(kept()["type"], "token");
}

TEST_F(Login, asks_before_it_goes_on_and_before_it_replaces) {
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
  EXPECT_EQ(kept()["key"], "sk-ant-api03-old");
  const Finished piped = run(CCPROXY_BINARY, login(), environment());
  EXPECT_EQ(piped.code, 2);
  EXPECT_NE(piped.errors.find("--yes"), std::string::npos);
}

TEST_F(Login, over_a_broken_file_keeps_it_aside) {
  std::ofstream(path()) << "{ nonsense";
  Terminal person(CCPROXY_BINARY, login({"--api-key"}), environment());
  ASSERT_TRUE(person.wait_for("cannot be read"));
  person.type_line("y");
  ASSERT_TRUE(person.wait_for("Paste the API key: "));
  person.type_line("sk-ant-api03-new");
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_EQ(kept()["key"], "sk-ant-api03-new");
  std::ifstream aside(path() + ".bak");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(aside), {}), "{ nonsense");
  struct stat facts {};
  ASSERT_EQ(::stat((path() + ".bak").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U) << "a secret may be in it";
}

TEST_F(Login, over_what_cannot_be_put_aside_changes_nothing) {
  std::filesystem::create_directory(path());
  Terminal person(CCPROXY_BINARY, login({"--api-key"}), environment());
  ASSERT_TRUE(person.wait_for("cannot be read"));
  person.type_line("y");
  EXPECT_EQ(person.wait_exit(), 1);
  EXPECT_NE(person.screen().find("move it away"), std::string::npos) << person.screen();
  EXPECT_EQ(person.screen().find("Paste"), std::string::npos) << "no key is asked for";
}

TEST_F(Login, with_the_address_to_open_pasted_back_asks_again) {
  Terminal person(CCPROXY_BINARY, login({"--yes", "--manual"}), environment());
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("10 minutes"));
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line(url);
  ASSERT_TRUE(person.wait_for("this is the address to open")) << person.screen();
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type_line(shown(decide(url, "allow")));
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

// As a script or an editor starts it.
TEST_F(Login, without_an_input_waits_for_the_browser) {
  Process program("/bin/sh",
                  {"-c", std::string("exec ") + CCPROXY_BINARY + " login --yes < /dev/null"},
                  environment(true));
  ASSERT_TRUE(program.wait_for("the browser can still finish the sign-in")) << program.output();
  EXPECT_EQ(follow(decide(opened(), "allow")).status, 200);
  EXPECT_EQ(program.wait_exit(), 0) << program.errors();
  EXPECT_TRUE(is_kept());
}

TEST_F(Login, without_an_input_and_a_browser_ends) {
  const Finished ended =
      run("/bin/sh",
          {"-c", std::string("exec ") + CCPROXY_BINARY + " login --yes --manual < /dev/null"},
          environment());
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.errors.find("the input ended"), std::string::npos) << ended.errors;
}

TEST_F(Login, at_the_end_of_the_input_still_waits_for_the_browser) {
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  person.type("\x04");
  ASSERT_TRUE(person.wait_for("the browser can still finish the sign-in")) << person.screen();
  EXPECT_EQ(follow(decide(opened(), "allow")).status, 200);
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

#ifdef __linux__
// It once took the listener along, and kept its port for as long as the browser was open.
TEST_F(Login, gives_the_browser_nothing_of_ours) {
  std::ofstream(browser()) << "#!/bin/sh\nls -l /proc/$$/fd > '" << fixture.home()
                           << "/descriptors'\necho \"$1\" > '" << fixture.home() << "/opened'\n";
  Terminal person(CCPROXY_BINARY, login({"--yes"}), environment(true));
  ASSERT_FALSE(opened().empty());
  std::ifstream in(fixture.home() + "/descriptors");
  const std::string open(std::istreambuf_iterator<char>(in), {});
  EXPECT_NE(open.find("/dev/null"), std::string::npos) << open;
  for (const char* ours : {"socket:", "pipe:", "/dev/pts", "auth.json"})
    EXPECT_EQ(open.find(ours), std::string::npos) << open;
}
#endif

TEST_F(Login, over_ssh_prints_an_address_for_any_machine) {
  auto elsewhere = environment();
  elsewhere["SSH_CONNECTION"] = "10.0.0.1 50000 10.0.0.2 22";
  elsewhere["DISPLAY"] = "localhost:10.0";
  Terminal person(CCPROXY_BINARY, login({"--yes"}), elsewhere);
  const std::string url = person.line_of(fixture.mock_url());
  ASSERT_TRUE(person.wait_for("Paste the code here: "));
  EXPECT_EQ(person.screen().find("localhost%3A"), std::string::npos) << "nothing listens";
  person.type_line(shown(decide(url, "allow")));
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
}

TEST_F(Login, through_a_link_keeps_it_and_logout_leaves_no_secret) {
  const std::string target = fixture.home() + "/elsewhere.json";
  std::ofstream(target) << R"({"type":"api_key","key":"sk-ant-api03-old"})";
  std::filesystem::create_symlink(target, path());
  Terminal person(CCPROXY_BINARY, login({"--api-key", "--yes"}), environment());
  ASSERT_TRUE(person.wait_for("Paste the API key: "));
  person.type_line("sk-ant-api03-new");
  EXPECT_EQ(person.wait_exit(), 0) << person.screen();
  EXPECT_TRUE(std::filesystem::is_symlink(path()));
  EXPECT_EQ(kept()["key"], "sk-ant-api03-new");
  EXPECT_EQ(run(CCPROXY_BINARY, {"logout"}, environment()).code, 0);
  EXPECT_FALSE(std::filesystem::exists(target));
  EXPECT_FALSE(std::filesystem::is_symlink(path()));
}

// What a renewal left that was killed held live tokens, and stayed; so did copies of a file that
// could not be read, and halves of them.
TEST_F(Login, is_forgotten_with_everything_that_was_left_of_it) {
  const std::vector<std::string> left = {
      path() + ".new",     path() + ".a1B2c3",    path() + ".refused.a1B2c3", path() + ".bak",
      path() + ".bak.new", path() + ".bak.2.new", path() + ".bak.2",          path() + ".bak.11"};
  for (const bool is_signed_in : {true, false}) {
    if (is_signed_in) std::ofstream(path()) << R"({"type":"api_key","key":"sk-ant-api03-old"})";
    for (const std::string& each : left) std::ofstream(each) << "sk-ant-oat01-live";
    std::ofstream(path() + ".backup") << "of a person's own";
    EXPECT_EQ(run(CCPROXY_BINARY, {"logout"}, environment()).code, 0);
    for (const std::string& each : left) EXPECT_FALSE(std::filesystem::exists(each)) << each;
    EXPECT_FALSE(std::filesystem::exists(path()));
    EXPECT_TRUE(std::filesystem::exists(path() + ".backup"));
  }
  std::ofstream(path() + ".bak") << "sk-ant-oat01-live";
  EXPECT_EQ(run(CCPROXY_BINARY, {"logout"}, environment()).output.find("Nobody is signed in"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path() + ".bak")) << "where it stands alone, too";
}

TEST_F(Login, on_a_full_disk_spends_no_code) {
  const Finished full = run("/bin/sh",
                            {"-c", std::string("ulimit -f 0; trap '' XFSZ; exec ") +
                                       CCPROXY_BINARY + " login --yes --manual < /dev/null"},
                            environment());
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.errors.find("cannot write"), std::string::npos) << full.errors;
  EXPECT_EQ(oauth(fixture.mock_port())["exchanged"], 0);
}

TEST_F(Login, in_a_home_that_cannot_be_made_spends_no_code) {
  auto nowhere = environment();
  nowhere["CCPROXY_HOME"] = "/proc/ccproxy";
  Terminal person(CCPROXY_BINARY, login({"--yes", "--manual"}), nowhere);
  EXPECT_EQ(person.wait_exit(), 1) << person.screen();
  EXPECT_NE(person.screen().find("/proc/ccproxy"), std::string::npos) << person.screen();
  EXPECT_EQ(person.screen().find("Paste"), std::string::npos);
}

TEST_F(Login, says_what_else_is_there) {
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
