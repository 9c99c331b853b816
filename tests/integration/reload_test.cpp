// A running server takes up what changes in config.json, and keeps what it has when it cannot.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "support/road.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::seconds;

class Reloading : public testing::TestWithParam<unsigned> {
 protected:
  static Plan plan(const std::string& config) {
    return Plan{.workers = GetParam(), .config = config};
  }
  [[nodiscard]] std::string path() const { return fixture->home() + "/config.json"; }

  void begin(Plan wanted) { fixture = std::make_unique<ProxyFixture>(std::move(wanted)); }
  void begin(const std::string& config) { begin(plan(config)); }

  // In place, as an editor that is not careful writes it.
  void write(const std::string& text) const { std::ofstream(path()) << text; }
  // And as a careful one does.
  void replace(const std::string& text) const {
    std::ofstream(path() + ".new") << text;
    std::filesystem::rename(path() + ".new", path());
  }

  [[nodiscard]] Reply post(const std::string& model = "gpt-4",
                           const std::string& fields = "") const {
    return ask(fixture->port(), "POST", "/v1/messages",
               R"({"model":")" + model +
                   R"(","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]})",
               kFields + fields);
  }
  [[nodiscard]] std::string model_sent() {
    fixture->forget_requests();
    if (post().status != 200) return {};
    return Document::parse(body_of(fixture->requests().back()))["model"];
  }
  [[nodiscard]] bool says(const std::string& text) const {
    return wait_until([&] { return fixture->log().find(text) != std::string::npos; });
  }
  [[nodiscard]] int times(const std::string& text) const {
    const std::string log = fixture->log();
    int found = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
    return found;
  }

  std::unique_ptr<ProxyFixture> fixture;
};

INSTANTIATE_TEST_SUITE_P(Workers, Reloading, testing::Values(1U, 2U));

TEST_P(Reloading, the_mapping_counts_for_the_next_request) {
  begin(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  EXPECT_EQ(model_sent(), "claude-opus-5");
  write(R"({"modelMapping":{"gpt-4":"claude-haiku-4-5"}})");
  EXPECT_TRUE(says("in use from now on: modelMapping")) << fixture->log();
  EXPECT_EQ(model_sent(), "claude-haiku-4-5");
  EXPECT_NE(ask(fixture->port(), "GET", "/v1/models/gpt-4").body.find("claude-haiku-4-5"),
            std::string::npos);
  replace(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-opus-5"; }));
}

TEST_P(Reloading, a_file_that_comes_and_goes_is_seen) {
  begin("");
  EXPECT_EQ(model_sent(), "claude-sonnet-4-6");
  replace(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-opus-5"; }));
  std::filesystem::remove(path());
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-sonnet-4-6"; }));
}

TEST_P(Reloading, what_a_link_leads_to_is_watched) {
  begin("");
  const std::string target = fixture->home() + "/dotfiles.json";
  std::ofstream(target) << R"({"modelMapping":{"gpt-4":"claude-opus-5"}})";
  std::filesystem::create_symlink(target, path());
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-opus-5"; }));
  std::ofstream(target) << R"({"modelMapping":{"gpt-4":"claude-opus-4-8"}})";
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-opus-4-8"; }));
}

TEST_P(Reloading, a_hangup_reads_it_at_once_and_ends_nothing) {
  begin(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  EXPECT_EQ(model_sent(), "claude-opus-5");
  replace(R"({"modelMapping":{"gpt-4":"claude-haiku-4-5"}})");
  fixture->proxy().signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-haiku-4-5"; }));
  fixture->proxy().signal(SIGHUP);
  EXPECT_TRUE(says("nothing changed"));
  EXPECT_TRUE(fixture->proxy().running());
}

TEST_P(Reloading, a_broken_file_leaves_the_last_one_in_use_and_is_told_once) {
  begin(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  write("{\n  \"modelMapping\": {\"gpt-4\": 5}\n}");
  EXPECT_TRUE(says("line 2: modelMapping.gpt-4 must be")) << fixture->log();
  EXPECT_EQ(model_sent(), "claude-opus-5");
  std::this_thread::sleep_for(seconds(3));
  EXPECT_EQ(times("line 2: modelMapping.gpt-4"), 1);
  write("{ nonsense");
  EXPECT_TRUE(says("not valid JSON at line 1"));
  EXPECT_EQ(model_sent(), "claude-opus-5");
  write(R"({"modelMapping":{"gpt-4":"claude-haiku-4-5"}})");
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-haiku-4-5"; }));
}

TEST_P(Reloading, proxy_keys_come_and_go) {
  begin("{}");
  EXPECT_EQ(post().status, 200);
  replace(R"({"apiKeys":[{"name":"me","key":"door-secret"}]})");
  EXPECT_TRUE(wait_until([&] { return post().status == 401; }));
  EXPECT_EQ(post("gpt-4", "x-ccproxy-key: door-secret\r\n").status, 200);
  replace(R"({"apiKeys":[{"name":"me","key":"another-secret"}]})");
  EXPECT_TRUE(
      wait_until([&] { return post("gpt-4", "x-ccproxy-key: door-secret\r\n").status == 401; }));
  replace("{}");
  EXPECT_TRUE(wait_until([&] { return post().status == 200; }));
  EXPECT_EQ(fixture->log().find("secret"), std::string::npos);
}

TEST_P(Reloading, the_last_key_of_an_open_door_stays) {
  Plan wanted = plan(R"({"apiKeys":[{"name":"me","key":"door-secret"}]})");
  wanted.flags = {"--host", "0.0.0.0"};
  begin(std::move(wanted));
  replace("{}");
  EXPECT_TRUE(says("not applied")) << fixture->log();
  EXPECT_EQ(post().status, 401);
  EXPECT_EQ(post("gpt-4", "x-ccproxy-key: door-secret\r\n").status, 200);
}

TEST_P(Reloading, the_log_level_changes) {
  begin(R"({"log":{"level":"error"}})");
  EXPECT_EQ(post().status, 200);
  EXPECT_EQ(times("\"event\":\"request\""), 0);
  replace(R"({"log":{"level":"info"}})");
  EXPECT_TRUE(says("in use from now on: log.level"));
  EXPECT_EQ(post().status, 200);
  EXPECT_EQ(fixture->receipts(1).size(), 1U);
}

TEST_P(Reloading, the_credential_is_chosen_anew) {
  begin("{}");
  EXPECT_EQ(post("gpt-4", "x-api-key: sk-own\r\n").status, 200);
  EXPECT_EQ(field_of(fixture->requests().back(), "x-api-key"), kServerKey);
  replace(R"({"credentials":"client"})");
  EXPECT_TRUE(says("in use from now on: credentials"));
  EXPECT_EQ(post("gpt-4", "x-api-key: sk-own\r\n").status, 200);
  EXPECT_EQ(field_of(fixture->requests().back(), "x-api-key"), "sk-own");
}

TEST_P(Reloading, another_upstream_is_for_new_requests_and_running_ones_end_where_they_began) {
  Plan wanted = plan(R"({"upstream":{"baseUrl":"{mock}"}})");
  wanted.upstream = "";
  begin(std::move(wanted));
  Process other(CCPROXY_BINARY, {"mock", "--port", "0", "--pace", "none", "--quiet"}, {});
  ASSERT_TRUE(other.wait_for("\n"));
  const std::string said = other.output();
  const std::string url = said.substr(said.find("http://"), said.find('\n') - said.find("http://"));
  fixture->reply(
      {{"pace", 300}, {"blocks", {{{"deltas", {"a", "b", "c", "d", "e", "f", "g", "h"}}}}}});

  RawClient running(fixture->port());
  running.send(request("POST", "/v1/messages", kStreamed, kFields));
  ASSERT_TRUE(running.wait_for("content_block_delta"));
  replace(R"({"upstream":{"baseUrl":")" + url + R"("}})");
  ASSERT_TRUE(says("in use from now on: upstream.baseUrl"));
  EXPECT_EQ(post().status, 200);
  EXPECT_EQ(fixture->requests().size(), 1U) << "the second went elsewhere";
  const Reply reply = running.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_NE(reply.body.find("message_stop"), std::string::npos);

  replace(R"({"upstream":{"baseUrl":")" + url + R"(","caFile":"/nowhere.pem"}})");
  EXPECT_EQ(post().status, 200);
}

TEST_P(Reloading, flags_go_on_winning) {
  begin(R"({"upstream":{"baseUrl":"http://127.0.0.1:1"}})");  // --upstream names the mock
  EXPECT_EQ(post().status, 200);
  replace(R"({"upstream":{"baseUrl":"http://127.0.0.1:2"},"followRetirements":false})");
  EXPECT_TRUE(says("in use from now on: followRetirements")) << fixture->log();
  EXPECT_EQ(post("claude-sonnet-5").status, 200);
}

TEST_P(Reloading, what_waits_for_the_next_start_is_named) {
  begin("{}");
  replace(R"({"server":{"shutdownGraceSeconds":7},"log":{"format":"logfmt"}})");
  EXPECT_TRUE(says("after the next start: server.shutdownGraceSeconds, log.format"))
      << fixture->log();
  EXPECT_EQ(times("in use from now on"), 0);
}

TEST_P(Reloading, unknown_keys_are_reported) {
  begin("{}");
  replace(R"({"colour":"red"})");
  EXPECT_TRUE(says("unknown key colour"));
}

}  // namespace
}  // namespace ccproxy::test
