// A sign-in that lives for years: renewed by one process at a time, through crashes and races,
// against an authorization server that rotates refresh tokens and ends the sign-in of whoever uses
// one twice.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file_lock.hpp"
#include "support/road.hpp"
#include "support/sign_in.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

const std::string kRequest =
    R"({"model":"claude-sonnet-5","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]})";

class Renewing : public testing::TestWithParam<unsigned> {
 protected:
  // One that is there at the start would be renewed before the test is ready.
  void keep(const Document& content) const { std::ofstream(path()) << content.dump(); }
  [[nodiscard]] std::string path() const { return fixture.home() + "/auth.json"; }
  [[nodiscard]] std::string file() const {
    std::ifstream in(path());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] Document kept() const { return Document::parse(file()); }
  [[nodiscard]] int count(const char* what) const { return oauth(fixture.mock_port())[what]; }

  // More processes with the same home.
  Process& another() {
    const Process::Environment environment = {{"CCPROXY_HOME", fixture.home()},
                                              {"HOME", fixture.home()}};
    const std::vector<std::string> arguments = {"start", "--port", "0", "--upstream",
                                                fixture.mock_url()};
    others.push_back(std::make_unique<Process>(CCPROXY_BINARY, arguments, environment));
    EXPECT_TRUE(others.back()->wait_for("listening on"));
    return *others.back();
  }
  static std::uint16_t port_of(const Process& process) {
    const std::string output = process.output();
    const auto at = output.find("http://127.0.0.1:") + 17;
    return static_cast<std::uint16_t>(std::stoul(output.substr(at)));
  }
  static Reply post(std::uint16_t port) {
    return ask(port, "POST", "/v1/messages", kRequest, kFields);
  }

  // Waits until the sign-in was taken up by the road's proxy.
  [[nodiscard]] bool is_taken_up() const {
    return wait_until([&] {
      return ask(fixture.port(), "GET", "/health").body.find("\"oauth\"") != std::string::npos;
    });
  }

  ProxyFixture fixture{Plan{.workers = GetParam(), .config = kOauthConfig, .environment = {}}};
  std::vector<std::unique_ptr<Process>> others;
};

INSTANTIATE_TEST_SUITE_P(Workers, Renewing, testing::Values(1U, 2U));

TEST_P(Renewing, happens_while_nobody_asks_and_without_a_restart_after_sign_in) {
  EXPECT_EQ(post(fixture.port()).status, 401);
  const Document signed_in = sign_in(fixture.mock_port(), seconds(3));
  keep(signed_in);
  ASSERT_TRUE(is_taken_up());
  ASSERT_TRUE(wait_until([&] { return kept()["access"] != signed_in["access"]; }));
  ASSERT_TRUE(wait_until([&] { return fixture.log().find("was renewed") != std::string::npos; }));
  set_oauth(fixture.mock_port(), {{"check_tokens", true}});
  EXPECT_EQ(post(fixture.port()).status, 200);
  EXPECT_EQ(count("refreshed"), 1);
  const Document seen = fixture.requests().back();
  EXPECT_EQ(field_of(seen, "authorization"), "Bearer " + kept()["access"].get<std::string>());
  EXPECT_EQ(field_of(seen, "anthropic-beta"), "oauth-2025-04-20");
  EXPECT_TRUE(field_of(seen, "user-agent").starts_with("ccproxy/")) << field_of(seen, "user-agent");
}

TEST_P(Renewing, is_one_for_several_processes_that_all_need_it_at_once) {
  std::vector<std::uint16_t> ports = {fixture.port()};
  for (int i = 0; i < 3; ++i) ports.push_back(port_of(another()));
  set_oauth(fixture.mock_port(), {{"check_tokens", true}, {"token_delay_ms", 200}});
  keep(sign_in(fixture.mock_port(), seconds(-1)));
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 24; ++i)
    threads.emplace_back([&, port = ports[static_cast<std::size_t>(i) % ports.size()]] {
      // A process that has not looked at the file yet has no credential: that is its right.
      for (int tries = 0; tries < 40; ++tries) {
        const int status = post(port).status;
        if (status == 200) ++good;
        if (status != 401) return;
        std::this_thread::sleep_for(milliseconds(100));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 24);
  EXPECT_EQ(count("refreshed"), 1);
  EXPECT_EQ(count("reused"), 0);
}

TEST_P(Renewing, goes_on_for_a_long_time_under_load_with_several_processes) {
  set_oauth(fixture.mock_port(),
            {{"check_tokens", true}, {"expires_in", 2}, {"token_delay_ms", 50}});
  keep(sign_in(fixture.mock_port(), seconds(2)));
  std::vector<std::uint16_t> ports = {fixture.port()};
  for (int i = 0; i < 3; ++i) ports.push_back(port_of(another()));
  ASSERT_TRUE(is_taken_up());
  std::atomic<int> good = 0;
  std::mutex saying;
  std::string bad;
  const auto end = steady_clock::now() + seconds(7);
  std::vector<std::thread> threads;
  for (const std::uint16_t port : ports)
    threads.emplace_back([&, port] {
      while (steady_clock::now() < end) {
        const Reply reply = post(port);
        if (reply.status == 200) {
          ++good;
        } else {
          const std::lock_guard lock(saying);
          bad += reply.raw + "\n";
        }
        std::this_thread::sleep_for(milliseconds(20));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(bad, "");
  EXPECT_GT(good, 100);
  EXPECT_GE(count("refreshed"), 3);
  EXPECT_EQ(count("reused"), 0);
}

TEST_P(Renewing, of_a_process_killed_before_it_asked_loses_nothing) {
  Process& victim = another();
  auto lock = FileLock::wait(path() + ".lock", seconds(5));
  ASSERT_TRUE(lock);
  keep(sign_in(fixture.mock_port(), seconds(-1)));
  ASSERT_TRUE(is_taken_up());
  std::thread asking([&] { (void)post(port_of(victim)); });
  std::this_thread::sleep_for(seconds(2));  // it waits for the lock
  EXPECT_EQ(count("refreshed"), 0);
  victim.signal(SIGKILL);
  asking.join();
  { const FileLock released = std::move(*lock); }
  EXPECT_EQ(post(fixture.port()).status, 200);
  EXPECT_EQ(count("refreshed"), 1);
  EXPECT_EQ(count("reused"), 0);
}

TEST_P(Renewing, of_a_process_killed_after_it_has_written_loses_nothing) {
  const Document signed_in = sign_in(fixture.mock_port(), seconds(-1));
  const std::string before = signed_in.dump();
  set_oauth(fixture.mock_port(), {{"check_tokens", true}});
  keep(signed_in);
  ASSERT_TRUE(wait_until([&] { return file() != before && !file().empty(); }));
  fixture.proxy().signal(SIGKILL);
  EXPECT_EQ(post(port_of(another())).status, 200);
  EXPECT_EQ(count("refreshed"), 1);
  EXPECT_EQ(count("reused"), 0);
}

// 35 of 120 kills lost a sign-in that stood whole beside its file.
TEST_P(Renewing, of_a_process_killed_before_its_rename_is_taken_over_by_the_next) {
  const Document signed_in = sign_in(fixture.mock_port(), seconds(600));
  Document old = signed_in;
  old["access"] = "spent";
  old["refresh"] = "spent-too";
  old["expires"] = 1000;
  fixture.proxy().signal(SIGKILL);
  ASSERT_TRUE(fixture.proxy().wait_exit());
  keep(old);
  { std::ofstream(path() + ".new") << signed_in.dump() << std::string(500, ' '); }
  ::chmod((path() + ".new").c_str(), 0600);
  set_oauth(fixture.mock_port(), {{"check_tokens", true}});
  EXPECT_EQ(post(port_of(another())).status, 200);
  EXPECT_EQ(kept()["access"], signed_in["access"]);
  EXPECT_FALSE(std::ifstream(path() + ".new").good());
  EXPECT_EQ(count("refused"), 0);
}

TEST_P(Renewing, of_a_process_killed_in_between_asks_for_a_login_once_and_leaves_the_file) {
  const Document signed_in = sign_in(fixture.mock_port(), seconds(-1));
  set_oauth(fixture.mock_port(), {{"token_delay_ms", 60'000}});  // rotated at once, told much later
  keep(signed_in);
  ASSERT_TRUE(wait_until([&] { return count("refreshed") == 1; }));
  fixture.proxy().signal(SIGKILL);
  ASSERT_TRUE(fixture.proxy().wait_exit());
  EXPECT_EQ(file(), signed_in.dump());
  set_oauth(fixture.mock_port(), {{"token_delay_ms", 0}});

  Process& next = another();
  for (int i = 0; i < 5; ++i) {
    const Reply reply = post(port_of(next));
    EXPECT_EQ(reply.status, 401);
    EXPECT_NE(reply.body.find("login required"), std::string::npos) << reply.body;
  }
  std::this_thread::sleep_for(seconds(3));
  EXPECT_EQ(count("refused"), 1) << "no retry storm";
  EXPECT_EQ(file(), signed_in.dump()) << "the file is intact";
  const Finished status =
      run(CCPROXY_BINARY, {"status"}, {{"CCPROXY_HOME", fixture.home()}, {"HOME", fixture.home()}});
  EXPECT_NE(status.output.find("state: login required"), std::string::npos) << status.output;
  EXPECT_EQ(status.output.find("expire"), std::string::npos) << "nothing is left that could";
  const std::string log = next.errors();
  const auto said = log.find("run `ccproxy login`");
  ASSERT_NE(said, std::string::npos) << log;
  EXPECT_EQ(log.find("the sign-in is over", said + 1), std::string::npos) << "said once: " << log;

  // The next start knows it as well, and a new sign-in mends it while the server runs.
  Process& restarted = another();
  EXPECT_EQ(post(port_of(restarted)).status, 401);
  EXPECT_EQ(count("refused"), 1);
  keep(sign_in(fixture.mock_port(), std::chrono::hours(1)));
  EXPECT_TRUE(wait_until(
      [&] { return post(port_of(next)).status == 200 && post(port_of(restarted)).status == 200; }));
}

TEST_P(Renewing, under_way_is_waited_for_when_the_server_ends) {
  const Document signed_in = sign_in(fixture.mock_port(), seconds(-1));
  set_oauth(fixture.mock_port(), {{"token_delay_ms", 1500}});
  keep(signed_in);
  ASSERT_TRUE(wait_until([&] { return count("refreshed") == 1; }));
  fixture.proxy().signal(SIGTERM);
  EXPECT_EQ(fixture.proxy().wait_exit(), 0);
  EXPECT_NE(kept()["refresh"], signed_in["refresh"]);
}

TEST_P(Renewing, after_one_401_is_unseen_by_the_client) {
  keep(sign_in(fixture.mock_port(), std::chrono::hours(1)));
  ASSERT_TRUE(is_taken_up());
  fixture.reply(
      {{"times", 1},
       {"status", 401},
       {"error", {{"type", "authentication_error"}, {"message", "OAuth token has expired"}}}});
  EXPECT_EQ(post(fixture.port()).status, 200);
  EXPECT_EQ(count("refreshed"), 1);
  EXPECT_TRUE(wait_until([&] {
    return fixture.log().find("\"signed_again\":1") != std::string::npos;
  })) << fixture.log();
}

TEST_P(Renewing, does_not_help_against_a_401_that_stays_and_is_not_repeated) {
  keep(sign_in(fixture.mock_port(), std::chrono::hours(1)));
  ASSERT_TRUE(is_taken_up());
  fixture.reply(
      {{"status", 401},
       {"error",
        {{"type", "authentication_error"}, {"message", "Invalid authentication credentials"}}}});
  for (int i = 0; i < 4; ++i) {
    const Reply reply = post(fixture.port());
    EXPECT_EQ(reply.status, 401);
    EXPECT_NE(reply.body.find("Invalid authentication credentials"), std::string::npos);
    EXPECT_NE(reply.field("x-ccproxy-warning").find("account_refused"), std::string::npos);
  }
  EXPECT_EQ(count("refreshed"), 1);
}

TEST_P(Renewing, in_trouble_goes_on_with_the_token_and_backs_off) {
  keep(sign_in(fixture.mock_port(), seconds(8)));
  fixture.script({{"replies",
                   {{{"match", {{"path", "/v1/oauth/token"}}},
                     {"status", 429},
                     {"headers", {{"retry-after", "60"}}},
                     {"error", "rate_limit_error"}}}}});
  ASSERT_TRUE(is_taken_up());
  ASSERT_TRUE(
      wait_until([&] { return fixture.log().find("next try in 60 s") != std::string::npos; }));
  EXPECT_EQ(post(fixture.port()).status, 200) << "it is good until it expires";
  ASSERT_TRUE(wait_until([&] { return post(fixture.port()).status == 503; }));
  const Reply reply = post(fixture.port());
  EXPECT_EQ(reply.field("retry-after"), "5");
  EXPECT_NE(reply.body.find("429"), std::string::npos) << reply.body;
  int asked = 0;
  for (const Document& request : fixture.requests())
    if (request["target"] == "/v1/oauth/token" && request["status"] == 429) ++asked;
  EXPECT_EQ(asked, 1);
}

TEST_P(Renewing, of_a_file_edited_into_nonsense_is_told_and_mended_by_hand) {
  const Document signed_in = sign_in(fixture.mock_port(), std::chrono::hours(1));
  keep(signed_in);
  ASSERT_TRUE(is_taken_up());
  std::ofstream(path()) << "{ nonsense";
  ASSERT_TRUE(wait_until([&] { return post(fixture.port()).status == 401; }));
  const Reply reply = post(fixture.port());
  EXPECT_NE(reply.body.find("ccproxy status"), std::string::npos) << reply.body;
  EXPECT_EQ(reply.body.find(fixture.home()), std::string::npos) << "no path for a client";
  EXPECT_TRUE(fixture.logs("auth.json"));
  EXPECT_EQ(file(), "{ nonsense");
  keep(signed_in);
  EXPECT_TRUE(wait_until([&] { return post(fixture.port()).status == 200; }));
}

TEST_P(Renewing, on_a_full_disk_spends_no_refresh_token_and_says_why) {
  fixture.proxy().signal(SIGTERM);
  ASSERT_EQ(fixture.proxy().wait_exit(), 0);
  const Document signed_in = sign_in(fixture.mock_port(), seconds(-1));
  keep(signed_in);
  // A process that may not make a file of any size.
  Process full("/bin/sh",
               {"-c", std::string("ulimit -f 0; trap '' XFSZ; exec ") + CCPROXY_BINARY +
                          " start --port 0 --upstream " + fixture.mock_url()},
               {{"CCPROXY_HOME", fixture.home()}, {"HOME", fixture.home()}});
  ASSERT_TRUE(full.wait_for("listening on"));
  const Reply reply = post(port_of(full));
  EXPECT_EQ(reply.status, 503) << reply.raw;
  EXPECT_NE(reply.body.find("cannot be read or written"), std::string::npos) << reply.body;
  EXPECT_EQ(count("refreshed"), 0);
  EXPECT_EQ(file(), signed_in.dump());
  EXPECT_TRUE(full.running());
}

TEST_P(Renewing, leaves_no_secret_in_the_log) {
  keep(sign_in(fixture.mock_port(), seconds(-1)));
  EXPECT_TRUE(wait_until([&] { return post(fixture.port()).status == 200; }));
  std::ofstream(path()) << "{ nonsense sk-ant-ort01-x";
  EXPECT_TRUE(wait_until([&] { return post(fixture.port()).status == 401; }));
  const std::string told = fixture.log() + fixture.proxy().output();
  EXPECT_EQ(told.find("sk-ant-"), std::string::npos) << told;
}

}  // namespace
}  // namespace ccproxy::test
