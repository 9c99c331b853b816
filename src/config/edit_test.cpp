#include "config/edit.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "config/file.hpp"
#include "json/document.hpp"

namespace ccproxy::config {
namespace {

class Edit : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ccproxy-edit-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/config.json";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& text) const { ASSERT_TRUE(replace_file(path_, text)); }
  [[nodiscard]] std::string text() const { return read_file(path_).value_or(""); }
  [[nodiscard]] Config config() const { return load(path_).value().config; }

  std::string folder_, path_;
};

TEST_F(Edit, takes_json_or_else_a_string) {
  ASSERT_TRUE(set_value(path_, "server.port", "4000"));
  ASSERT_TRUE(set_value(path_, "followRetirements", "false"));
  ASSERT_TRUE(set_value(path_, "server.host", "::1"));
  ASSERT_TRUE(set_value(path_, "log.level", "\"debug\""));
  ASSERT_TRUE(set_value(path_, "credentials", "client"));
  ASSERT_TRUE(set_value(path_, "server.allowedHosts", R"(["a.example","b.example"])"));
  ASSERT_TRUE(set_value(path_, "server.socket", "123")) << "the key takes only strings";
  EXPECT_EQ(config().server.port, 4000);
  EXPECT_FALSE(config().follow_retirements);
  EXPECT_EQ(config().server.host, "::1");
  EXPECT_EQ(config().log.level, LogLevel::kDebug);
  EXPECT_EQ(config().credentials, CredentialSource::kClient);
  EXPECT_EQ(config().server.allowed_hosts.size(), 2U);
  EXPECT_EQ(config().server.socket, folder_ + "/123");
}

TEST_F(Edit, takes_mapping_names_with_dots_and_stars) {
  ASSERT_TRUE(set_value(path_, "modelMapping.gpt-5.1*", "claude-opus-5"));
  EXPECT_EQ(config().model_mapping.at("gpt-5.1*"), "claude-opus-5");
  ASSERT_TRUE(set_value(path_, "modelMapping.gpt-4", "null"));
  EXPECT_FALSE(config().model_mapping.contains("gpt-4"));
}

TEST_F(Edit, refuses_a_wrong_value_and_writes_nothing) {
  write("{\"server\": {\"port\": 1}}");
  const struct {
    const char *key, *value, *must_be;
  } kRows[] = {{"server.port", "70000", "integer from 0 to 65535"},
               {"server.port", "many", "integer from 0 to 65535"},
               {"log.level", "loud", "debug, info, warn or error"},
               {"followRetirements", "yes", "true or false"},
               {"oauth.tokenUrl", "http://example.com/token", "https address with a path"},
               {"oauth.tokenUrl", "https://example.com", "https address with a path"},
               {"oauth.tokenUrl", "http://127.example.com/t", "https address with a path"},
               {"oauth.tokenUrl", "http://127.0.0.1.example.com/t", "https address with a path"},
               {"oauth.tokenUrl", "http://localhost.example.com/t", "https address with a path"},
               {"oauth.authorizeUrl", "http://[::2]/a", "https address with a path"},
               {"oauth.manualRedirect", "ftp://localhost/a", "https address with a path"},
               {"credentials", "mine", "auto"},
               {"apiKeys", R"([{"name":"a"}])", "visible ASCII"},
               {"apiKeys", R"([{"name":"../x","key":"k"}])", "the first a letter or digit"},
               {"server.host", "{}", "IPv4 or IPv6"},
               {"log.file", "[]", "path"},
               {"defaultModel", "{}", "model name"},
               {"modelMapping.gpt-4", "{}", "model name"},
               {"modelMapping.gpt-4", "[\"opus\"]", "model name"},
               {"modelMapping.gpt-4", "true", "model name"},
               {"modelMapping.gpt-4", "5", "model name"},
               {"modelMapping.gpt-4", "{broken", "model name"},
               {"modelMapping.gpt-4", "", "model name"},
               {"modelMapping.gpt-4", "\"\"", "model name"},
               {"modelMapping.gpt-4", "\"{}\"", "model name"}};
  for (const auto& row : kRows) {
    const auto set = set_value(path_, row.key, row.value);
    ASSERT_FALSE(set) << row.key << row.value;
    EXPECT_EQ(set.error().kind, ErrorKind::kConfiguration);
    EXPECT_NE(set.error().message.find(row.must_be), std::string::npos) << set.error().message;
    EXPECT_NE(set.error().message.find(row.key), std::string::npos) << set.error().message;
  }
  EXPECT_EQ(text(), "{\"server\": {\"port\": 1}}");
}

TEST_F(Edit, suggests_keys_for_an_unknown_one) {
  const auto set = set_value(path_, "port", "1");
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().kind, ErrorKind::kInvalidRequest);
  EXPECT_NE(set.error().message.find("server.port"), std::string::npos) << set.error().message;
  const auto section = set_value(path_, "server", "{}");
  ASSERT_FALSE(section);
  EXPECT_NE(section.error().message.find("server is a section"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Edit, preserves_the_order_and_unknown_keys) {
  write(R"({"zebra":1,"server":{"port":1,"mine":true},"apple":2})");
  ASSERT_TRUE(set_value(path_, "server.port", "2"));
  ASSERT_TRUE(set_value(path_, "log.level", "warn"));
  EXPECT_EQ(json::Document::parse(text()).dump(),
            R"({"zebra":1,"server":{"port":2,"mine":true},"apple":2,"log":{"level":"warn"}})");
  ASSERT_TRUE(set_value(path_, "server.port", "null"));
  EXPECT_FALSE(set_value(path_, "zebra", "null")) << "it is an unknown key";
  EXPECT_EQ(json::Document::parse(text())["server"].dump(), R"({"mine":true})");
}

TEST_F(Edit, takes_a_plain_http_sign_in_address_on_this_machine_only) {
  for (const char* url : {"http://localhost:9/t", "http://LOCALHOST/t", "http://127.0.0.1/t",
                          "http://127.9.8.7:80/t", "http://[::1]:9/t", "https://a.example/t"}) {
    const auto set = set_value(path_, "oauth.tokenUrl", url);
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ(config().oauth.token_url, url);
  }
}

// A mapping to "{}" was once accepted and sent upstream.
TEST_F(Edit, takes_only_a_model_name_as_the_target_of_a_mapping) {
  for (const char* no_model : {"{}", "[]", "null", "false", "1", "{x", "", "\xff"}) {
    const auto set = set_model(path_, "gpt-4", no_model);
    ASSERT_FALSE(set) << no_model;
    EXPECT_EQ(set.error().kind, ErrorKind::kConfiguration);
    EXPECT_EQ(set.error().message.find('\xff'), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  for (const char* model : {"claude-opus-5", "us.anthropic.claude:0", "arn:aws/x", "\"opus\""})
    EXPECT_TRUE(set_model(path_, "gpt-4", model)) << model;
  EXPECT_EQ(config().model_mapping.at("gpt-4"), "opus");
}

// A section that is no object once ended the program.
TEST_F(Edit, leaves_a_file_alone_whose_section_is_no_object) {
  write(R"({"server":5})");
  for (const char* value : {"1", "null"}) {
    const auto set = set_value(path_, "server.port", value);
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().kind, ErrorKind::kConfiguration);
    EXPECT_NE(set.error().message.find("server must be"), std::string::npos);
  }
  EXPECT_EQ(text(), R"({"server":5})");
}

TEST_F(Edit, leaves_a_broken_file_alone) {
  write("{ broken");
  EXPECT_FALSE(set_value(path_, "server.port", "1"));
  EXPECT_FALSE(add_api_key(path_, {"a", "k"}));
  EXPECT_EQ(text(), "{ broken");
}

TEST_F(Edit, resets_to_the_defaults_and_keeps_the_old_file_and_a_link) {
  const std::string target = folder_ + "/dotfiles.json";
  ASSERT_TRUE(replace_file(target, R"({"log":{"level":"warn"}})"));
  std::filesystem::create_symlink(target, path_);
  EXPECT_EQ(reset(path_).value(), path_ + ".bak");
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(config().log.level, LogLevel::kInfo);
  EXPECT_EQ(read_file(path_ + ".bak").value(), R"({"log":{"level":"warn"}})");
}

// The second old file was once written over the first.
TEST_F(Edit, resets_to_the_defaults_and_keeps_every_old_file) {
  for (const std::string at : {".bak", ".bak.2", ".bak.3"}) {
    const std::string was = R"({"log":{"file":")" + at + "\"}}";
    write(was);
    EXPECT_EQ(reset(path_).value(), path_ + at);
    EXPECT_EQ(read_file(path_ + at).value(), was);
  }
  EXPECT_EQ(read_file(path_ + ".bak").value(), R"({"log":{"file":".bak"}})");
}

TEST_F(Edit, removes_the_leftovers_of_a_killed_edit) {
  for (const char* end : {".new", ".a1B2c3", ".bak.new", ".bak.7.new"}) {
    write("{}");
    ASSERT_TRUE(replace_file(path_ + end, R"({"apiKeys":[{"name":"a","key":"never-told"}]})"));
    remove_left_overs(path_);
    EXPECT_FALSE(std::filesystem::exists(path_ + end));
    EXPECT_TRUE(config().api_keys.empty());
    ASSERT_TRUE(replace_file(path_ + end, "{}"));
    ASSERT_TRUE(set_value(path_, "server.port", "1"));
    EXPECT_FALSE(std::filesystem::exists(path_ + end));
  }
}

TEST_F(Edit, adds_and_removes_proxy_keys) {
  ASSERT_TRUE(add_api_key(path_, {"laptop", "secret-1"}));
  ASSERT_TRUE(add_api_key(path_, {"phone", "secret-2"}));
  EXPECT_EQ(add_api_key(path_, {"phone", "secret-3"}).error().kind, ErrorKind::kInvalidRequest);
  ASSERT_EQ(config().api_keys.size(), 2U);
  EXPECT_EQ(config().api_keys[1].key, "secret-2");
  struct stat facts {};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  ASSERT_TRUE(remove_api_key(path_, "laptop"));
  EXPECT_EQ(remove_api_key(path_, "laptop").error().kind, ErrorKind::kNotFound);
  ASSERT_TRUE(remove_api_key(path_, "phone"));
  EXPECT_TRUE(config().api_keys.empty());
}

TEST_F(Edit, loses_none_of_many_concurrent_edits) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i)
    threads.emplace_back([this, i] {
      EXPECT_TRUE(set_value(path_, "modelMapping.m" + std::to_string(i), "claude-opus-5"));
    });
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(config().model_mapping.contains("m" + std::to_string(i))) << i;
}

}  // namespace
}  // namespace ccproxy::config
