// A running server applies changes of config.json, and keeps the last configuration when the file
// is invalid.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "support/proxy_fixture.hpp"
#include "support/text.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::seconds;

class ConfigReload : public testing::TestWithParam<unsigned> {
 protected:
  static Plan plan(const std::string& config) {
    return Plan{.workers = GetParam(), .config = config};
  }
  [[nodiscard]] std::string path() const { return fixture->home() + "/config.json"; }

  void begin(Plan wanted) { fixture = std::make_unique<ProxyFixture>(std::move(wanted)); }
  void begin(const std::string& config) { begin(plan(config)); }

  // Overwrites the file in place, as a careless editor does.
  void write(const std::string& text) const { std::ofstream(path()) << text; }
  // Replaces the file atomically, as a careful editor does.
  void replace(const std::string& text) const {
    std::ofstream(path() + ".new") << text;
    std::filesystem::rename(path() + ".new", path());
  }

  [[nodiscard]] Reply post(const std::string& model = "gpt-4",
                           const std::string& fields = "") const {
    return send_request(fixture->port(), "POST", "/v1/messages",
                        R"({"model":")" + model +
                            R"(","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]})",
                        kAnthropicFields + fields);
  }
  [[nodiscard]] std::string model_sent() {
    fixture->clear_requests();
    if (post().status != 200) return {};
    return Document::parse(body_of(fixture->requests().back()))["model"];
  }
  [[nodiscard]] bool logs_text(const std::string& text) const {
    return wait_until([&] { return fixture->log().find(text) != std::string::npos; });
  }
  [[nodiscard]] std::size_t times(const std::string& text) const {
    return count_in(fixture->log(), text);
  }

  std::unique_ptr<ProxyFixture> fixture;
};

INSTANTIATE_TEST_SUITE_P(Workers, ConfigReload, testing::Values(1U, 2U));

TEST_P(ConfigReload, applies_the_mapping_to_the_next_request) {
  begin(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  EXPECT_EQ(model_sent(), "claude-opus-5");
  write(R"({"modelMapping":{"gpt-4":"claude-haiku-4-5"}})");
  EXPECT_TRUE(logs_text("in use from now on: modelMapping")) << fixture->log();
  EXPECT_EQ(model_sent(), "claude-haiku-4-5");
  EXPECT_NE(send_request(fixture->port(), "GET", "/v1/models/gpt-4").body.find("claude-haiku-4-5"),
            std::string::npos);
  replace(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-opus-5"; }));
}

TEST_P(ConfigReload, notices_a_file_that_appears_and_disappears) {
  begin("");
  EXPECT_EQ(model_sent(), "claude-sonnet-4-6");
  replace(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-opus-5"; }));
  std::filesystem::remove(path());
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-sonnet-4-6"; }));
}

TEST_P(ConfigReload, watches_the_target_of_a_link) {
  begin("");
  const std::string target = fixture->home() + "/dotfiles.json";
  std::ofstream(target) << R"({"modelMapping":{"gpt-4":"claude-opus-5"}})";
  std::filesystem::create_symlink(target, path());
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-opus-5"; }));
  std::ofstream(target) << R"({"modelMapping":{"gpt-4":"claude-opus-4-8"}})";
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-opus-4-8"; }));
}

TEST_P(ConfigReload, happens_at_once_at_sighup) {
  begin(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  EXPECT_EQ(model_sent(), "claude-opus-5");
  replace(R"({"modelMapping":{"gpt-4":"claude-haiku-4-5"}})");
  fixture->proxy().signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-haiku-4-5"; }));
  fixture->proxy().signal(SIGHUP);
  EXPECT_TRUE(logs_text("nothing changed"));
  EXPECT_TRUE(fixture->proxy().running());
}

TEST_P(ConfigReload, keeps_the_last_configuration_when_the_file_is_invalid) {
  begin(R"({"modelMapping":{"gpt-4":"claude-opus-5"}})");
  write("{\n  \"modelMapping\": {\"gpt-4\": 5}\n}");
  EXPECT_TRUE(logs_text("line 2: modelMapping.gpt-4 must be")) << fixture->log();
  EXPECT_EQ(model_sent(), "claude-opus-5");
  std::this_thread::sleep_for(seconds(3));
  EXPECT_EQ(times("line 2: modelMapping.gpt-4"), 1U);
  write("{ nonsense");
  EXPECT_TRUE(logs_text("not valid JSON at line 1"));
  EXPECT_EQ(model_sent(), "claude-opus-5");
  write(R"({"modelMapping":{"gpt-4":"claude-haiku-4-5"}})");
  EXPECT_TRUE(wait_until([&] { return model_sent() == "claude-haiku-4-5"; }));
}

TEST_P(ConfigReload, adds_and_removes_proxy_keys) {
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

TEST_P(ConfigReload, keeps_the_last_key_of_a_public_address) {
  Plan wanted = plan(R"({"apiKeys":[{"name":"me","key":"door-secret"}]})");
  wanted.flags = {"--host", "0.0.0.0"};
  begin(std::move(wanted));
  replace("{}");
  EXPECT_TRUE(logs_text("not applied")) << fixture->log();
  EXPECT_EQ(post().status, 401);
  EXPECT_EQ(post("gpt-4", "x-ccproxy-key: door-secret\r\n").status, 200);
}

TEST_P(ConfigReload, changes_the_log_level) {
  begin(R"({"log":{"level":"error"}})");
  EXPECT_EQ(post().status, 200);
  EXPECT_EQ(times("\"event\":\"request\""), 0U);
  replace(R"({"log":{"level":"info"}})");
  EXPECT_TRUE(logs_text("in use from now on: log.level"));
  EXPECT_EQ(post().status, 200);
  EXPECT_EQ(fixture->receipts(1).size(), 1U);
}

TEST_P(ConfigReload, chooses_the_credential_again) {
  begin("{}");
  EXPECT_EQ(post("gpt-4", "x-api-key: sk-own\r\n").status, 200);
  EXPECT_EQ(field_of(fixture->requests().back(), "x-api-key"), kServerKey);
  replace(R"({"credentials":"client"})");
  EXPECT_TRUE(logs_text("in use from now on: credentials"));
  EXPECT_EQ(post("gpt-4", "x-api-key: sk-own\r\n").status, 200);
  EXPECT_EQ(field_of(fixture->requests().back(), "x-api-key"), "sk-own");
}

TEST_P(ConfigReload, sends_only_new_requests_to_a_new_upstream) {
  Plan wanted = plan(R"({"upstream":{"baseUrl":"{mock}"}})");
  wanted.upstream = "";
  begin(std::move(wanted));
  Process other(CCPROXY_BINARY, {"mock", "--port", "0", "--pace", "none", "--quiet"}, {});
  ASSERT_TRUE(other.wait_for("\n"));
  const std::string url = "http://127.0.0.1:" + std::to_string(port_in(other.output()));
  fixture->set_reply(
      {{"pace", 300}, {"blocks", {{{"deltas", {"a", "b", "c", "d", "e", "f", "g", "h"}}}}}});

  RawClient running(fixture->port());
  running.send(request("POST", "/v1/messages", kStreamedBody, kAnthropicFields));
  ASSERT_TRUE(running.wait_for("content_block_delta"));
  replace(R"({"upstream":{"baseUrl":")" + url + R"("}})");
  ASSERT_TRUE(logs_text("in use from now on: upstream.baseUrl"));
  EXPECT_EQ(post().status, 200);
  EXPECT_EQ(fixture->requests().size(), 1U) << "the second went elsewhere";
  const Reply reply = running.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_NE(reply.body.find("message_stop"), std::string::npos);

  replace(R"({"upstream":{"baseUrl":")" + url + R"(","caFile":"/nowhere.pem"}})");
  EXPECT_EQ(post().status, 200);
}

TEST_P(ConfigReload, does_not_override_flags) {
  begin(R"({"upstream":{"baseUrl":"http://127.0.0.1:1"}})");  // the flag --upstream names the mock
  EXPECT_EQ(post().status, 200);
  replace(R"({"upstream":{"baseUrl":"http://127.0.0.1:2"},"followRetirements":false})");
  EXPECT_TRUE(logs_text("in use from now on: followRetirements")) << fixture->log();
  EXPECT_EQ(post("claude-sonnet-5").status, 200);
}

TEST_P(ConfigReload, names_the_keys_that_need_a_restart) {
  begin("{}");
  replace(R"({"server":{"shutdownGraceSeconds":7},"log":{"format":"logfmt"}})");
  EXPECT_TRUE(logs_text("after the next start: server.shutdownGraceSeconds, log.format"))
      << fixture->log();
  EXPECT_EQ(times("in use from now on"), 0U);
}

TEST_P(ConfigReload, reports_unknown_keys) {
  begin("{}");
  replace(R"({"colour":"red"})");
  EXPECT_TRUE(logs_text("unknown key colour"));
}

}  // namespace
}  // namespace ccproxy::test
