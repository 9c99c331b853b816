#include "config/file.hpp"
#include "config/edit.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/file.hpp"
#include "config/environment.hpp"
#include "config/keys.hpp"

namespace ccproxy::config {
namespace {

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ccproxy-config-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/config.json";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(std::string_view text) const { std::ofstream(path_) << text; }
  [[nodiscard]] std::string text() const { return read_file(path_).value_or("(none)"); }
  std::string folder_, path_;
};

TEST_F(ConfigFile, means_the_defaults_when_it_is_missing) {
  const auto loaded = load(path_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.server.port, 3456);
  EXPECT_EQ(loaded->config.model_mapping.at("gpt-4"), "claude-sonnet-4-20250514");
  EXPECT_TRUE(loaded->warnings.empty());
}

TEST_F(ConfigFile, is_laid_over_the_defaults) {
  write(R"({"modelMapping":{"gpt-4":"claude-opus-5","gpt-4o":null,"mine-*":"claude-haiku-5-5"},
            "server":{"port":0,"allowedHosts":["a.example"]},"timeouts":{"connectSeconds":3},
            "limits":{"bodyBytes":2048},"store":{"enabled":false,"maxDays":7,"maxMegabytes":16},
            "log":{"level":"debug","format":"json"},
            "followRetirements":false,"credentials":"client","apiKeys":[{"name":"a","key":"k"}]})");
  const auto loaded = load(path_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Config& config = loaded->config;
  EXPECT_EQ(config.model_mapping.at("gpt-4"), "claude-opus-5");
  EXPECT_FALSE(config.model_mapping.contains("gpt-4o"));
  EXPECT_EQ(config.model_mapping.at("gpt-4o-mini"), "claude-3-5-haiku-20241022");
  EXPECT_EQ(config.server.port, 0);
  EXPECT_EQ(config.server.allowed_hosts, std::vector<std::string>{"a.example"});
  EXPECT_EQ(config.timeouts.connect, seconds(3));
  EXPECT_EQ(config.limits.body_bytes, 2048U);
  EXPECT_EQ(config.store, (Store{false, 7, 16}));
  EXPECT_EQ(config.log.level, LogLevel::kDebug);
  EXPECT_FALSE(config.follow_retirements);
  EXPECT_EQ(config.credentials, CredentialSource::kClient);
  EXPECT_EQ(config.api_keys.front().key, "k");
}

struct Bad {
  const char* text;
  const char* place;  // expected path of the key
  const char* line;
};

const Bad kBad[] = {
    {R"({"server":{"port":"x"}})", "server.port", "line 1"},
    {"{\n\n\"server\": {\n\"port\": 70000}}", "server.port", "line 4"},
    {R"({"server":{"port":-1}})", "server.port", "line 1"},
    {R"({"server":{"port":80.0}})", "server.port", "line 1"},
    {"{\n\"server\":5}", "server", "line 2"},
    {R"({"server":{"workers":0}})", "server.workers", "line 1"},
    {R"({"server":{"allowedHosts":["a",1]}})", "server.allowedHosts", "line 1"},
    {"{\"modelMapping\":{\n\"x\":\"y\",\n\"gpt-3.5-turbo\":5}}", "modelMapping.gpt-3.5-turbo",
     "line 3"},
    {R"({"modelMapping":{"a":""}})", "modelMapping.a", "line 1"},
    {R"({"modelMapping":{"":"a"}})", "modelMapping", "line 1"},
    {R"({"modelMapping":[]})", "modelMapping", "line 1"},
    {R"({"apiKeys":[{"name":"x","key":"k"},{"name":"x"}]})", "apiKeys[1].key", "line 1"},
    {R"({"apiKeys":[{"name":"x","key":"a b"}]})", "apiKeys[0].key", "line 1"},
    {R"({"apiKeys":[{"key":"k"}]})", "apiKeys[0].name", "line 1"},
    {R"({"apiKeys":[{"name":"../x","key":"k"}]})", "apiKeys[0].name", "line 1"},
    {R"({"apiKeys":[{"name":"-x","key":"k"}]})", "apiKeys[0].name", "line 1"},
    {R"({"apiKeys":[{"name":"two words","key":"k"}]})", "apiKeys[0].name", "line 1"},
    {R"({"modelMapping":{"x":{}}})", "modelMapping.x", "line 1"},
    {R"({"apiKeys":[{"name":"x","key":"***"}]})", "apiKeys[0].key", "line 1"},
    {R"({"apiKeys":[5]})", "apiKeys[0].name", "line 1"},
    {R"({"apiKeys":{}})", "apiKeys", "line 1"},
    {R"({"credentials":"any"})", "credentials", "line 1"},
    {R"({"followRetirements":1})", "followRetirements", "line 1"},
    {R"({"upstream":{"baseUrl":"https://me:pass@host"}})", "upstream.baseUrl", "line 1"},
    {R"({"timeouts":{"connectSeconds":0}})", "timeouts.connectSeconds", "line 1"},
    {R"({"log":{"level":"loud"}})", "log.level", "line 1"},
    {R"({"store":{"enabled":1}})", "store.enabled", "line 1"},
    {R"({"store":{"maxDays":0}})", "store.maxDays", "line 1"},
    {R"({"store":{"maxMegabytes":0}})", "store.maxMegabytes", "line 1"},
    {"{\n\"server\": {,}}", "", "line 2"},
    {"[]", "", "object"},
    {R"({"other":1e999})", "", "too large"},
};

TEST_F(ConfigFile, is_refused_with_line_and_key_for_a_wrong_value) {
  for (const Bad& row : kBad) {
    SCOPED_TRACE(row.text);
    write(row.text);
    const auto loaded = load(path_);
    ASSERT_FALSE(loaded);
    const Error& error = loaded.error();
    EXPECT_EQ(error.kind, ErrorKind::kConfiguration);
    EXPECT_EQ(error.param, row.place);
    EXPECT_NE(error.message.find(row.line), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(row.place), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(path_), std::string::npos) << error.message;
    EXPECT_EQ(error.message.find("pass"), std::string::npos) << error.message;
    EXPECT_FALSE(set_model(path_, "another", "b"));
    EXPECT_EQ(text(), row.text) << "a file that cannot be used is not overwritten";
  }
}

TEST_F(ConfigFile, is_checked_to_its_end_for_all_errors) {
  const Checked checked = check(
      "{\n\"timeouts\": {\"tlsSeconds\": 0},\n\"colour\": 1,\n\"log\": 5,\n"
      "\"server\": {\n\"workers\": \"many\",\n\"port\": -1, \"prot\": 1}}");
  std::vector<std::string> places;
  for (const Error& error : checked.errors)
    places.push_back(error.message.substr(0, error.message.find(" must")));
  EXPECT_EQ(places, (std::vector<std::string>{"line 2: timeouts.tlsSeconds", "line 4: log",
                                              "line 6: server.workers", "line 7: server.port"}));
  EXPECT_EQ(checked.warnings.size(), 2U);
  EXPECT_EQ(check("{ broken").errors.size(), 1U);
  EXPECT_TRUE(check("{}").errors.empty());
}

TEST_F(ConfigFile, takes_null_for_a_default) {
  write(R"({"server":{"port":null,"socket":null},"log":null,"modelMapping":null})");
  const auto loaded = load(path_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->config.server.port, 3456);
  EXPECT_TRUE(loaded->config.model_mapping.contains("gpt-4"));
}

TEST_F(ConfigFile, has_sections_and_no_dotted_keys) {
  write(R"({"server.port": 1})");
  const auto loaded = load(path_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.server.port, 3456);
  ASSERT_EQ(loaded->warnings.size(), 1U);
  EXPECT_NE(loaded->warnings[0].find("unknown key server.port"), std::string::npos);
}

TEST_F(ConfigFile, preserves_the_order_and_reports_unknown_keys) {
  write(R"({"zzz":1,"server":{"prot":1,"port":5},"modelMapping":{"b":"x","a":"y"},"aaa":{}})");
  const auto loaded = load(path_);
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->warnings.size(), 3U);
  EXPECT_NE(loaded->warnings[1].find("server.prot"), std::string::npos);
  ASSERT_TRUE(set_model(path_, "c", "z"));
  const std::string after = text();
  EXPECT_LT(after.find("zzz"), after.find("server"));
  EXPECT_LT(after.find("\"b\""), after.find("\"a\""));
  EXPECT_LT(after.find("\"a\""), after.find("\"c\""));
  EXPECT_NE(after.find("prot"), std::string::npos);
}

TEST_F(ConfigFile, removes_a_default_by_null_and_an_own_row_altogether) {
  ASSERT_TRUE(set_model(path_, "mine", "claude-opus-5"));
  ASSERT_TRUE(remove_model(path_, "gpt-4"));
  ASSERT_TRUE(remove_model(path_, "mine"));
  const auto loaded = load(path_);
  EXPECT_FALSE(loaded->config.model_mapping.contains("gpt-4"));
  EXPECT_FALSE(loaded->config.model_mapping.contains("mine"));
  EXPECT_EQ(text().find("mine"), std::string::npos);
  EXPECT_EQ(remove_model(path_, "gpt-4").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(remove_model(path_, "nothing").error().kind, ErrorKind::kNotFound);
}

TEST_F(ConfigFile, refuses_empty_names_and_names_that_are_not_utf8) {
  for (const char* name : {"", "\xff", "a\xc3"}) {
    EXPECT_FALSE(set_model(path_, name, "x")) << name;
    EXPECT_FALSE(set_model(path_, "x", name)) << name;
    EXPECT_FALSE(remove_model(path_, name)) << name;
  }
  EXPECT_EQ(text(), "(none)");
  ASSERT_TRUE(set_model(path_, "\"\xe6\xa8\xa1\xe5\x9e\x8b*", "x"));
  EXPECT_TRUE(load(path_)->config.model_mapping.contains("\"\xe6\xa8\xa1\xe5\x9e\x8b*"));
}

TEST_F(ConfigFile, stays_a_symbolic_link) {
  const std::string real = folder_ + "/dotfiles.json";
  std::ofstream(real) << "{}";
  std::filesystem::create_symlink(real, path_);
  ASSERT_TRUE(set_model(path_, "a", "b"));
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_NE(read_file(real).value().find("\"a\": \"b\""), std::string::npos);
}

TEST_F(ConfigFile, is_not_overwritten_when_it_is_broken) {
  write("{ broken");
  EXPECT_EQ(set_model(path_, "a", "b").error().kind, ErrorKind::kConfiguration);
  EXPECT_EQ(remove_model(path_, "gpt-4").error().kind, ErrorKind::kConfiguration);
  EXPECT_EQ(text(), "{ broken");
  EXPECT_EQ(reset(path_).value(), path_ + ".bak");
  EXPECT_EQ(read_file(path_ + ".bak").value(), "{ broken");
  EXPECT_EQ(reset(path_).value(), "");
}

// A relative path once depended on the folder in which the program was started.
TEST_F(ConfigFile, resolves_paths_from_home_or_its_own_folder) {
  ::setenv("HOME", "/home/somebody", 1);
  const struct {
    const char *written, *meant;
  } kRows[] = {{"~/a/x", "/home/somebody/a/x"},
               {"~", "/home/somebody"},
               {"x.log", "{folder}/x.log"},
               {"logs/x.log", "{folder}/logs/x.log"},
               {"/var/x.log", "/var/x.log"},
               {"~other/x", "{folder}/~other/x"},
               {"", ""}};
  for (const auto& row : kRows) {
    const std::string name = row.written;
    write(R"({"log":{"file":")" + name + R"("},"server":{"socket":")" + name +
          R"("},"upstream":{"caFile":")" + name + "\"}}");
    const auto loaded = load(path_);
    ASSERT_TRUE(loaded) << loaded.error().message;
    std::string meant = row.meant;
    if (meant.starts_with("{folder}")) meant.replace(0, 8, folder_);
    EXPECT_EQ(loaded->config.log.file, meant);
    EXPECT_EQ(loaded->config.server.socket, meant);
    EXPECT_EQ(loaded->config.upstream.ca_file, meant);
  }
  Config config;
  config.log.file = "~/x";
  const auto homeless = resolve_paths(config, "/f", "");
  ASSERT_FALSE(homeless);
  EXPECT_EQ(homeless.error().kind, ErrorKind::kConfiguration);
  EXPECT_NE(homeless.error().message.find("log.file"), std::string::npos);
}

TEST_F(ConfigFile, is_made_private_when_it_holds_keys) {
  write(R"({"apiKeys":[{"name":"a","key":"secret"}]})");
  ::chmod(path_.c_str(), 0644);
  const auto loaded = load(path_);
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->warnings.size(), 1U);
  struct stat facts {};
  ::stat(path_.c_str(), &facts);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(ConfigFile, is_shown_without_its_secrets) {
  Config config = defaults();
  config.api_keys = {{"a", "secret"}};
  const std::string shown = show(
      config, [](const std::string& id) { return id == "claude-opus-4-20250514" ? "new" : id; });
  EXPECT_EQ(shown.find("secret"), std::string::npos);
  EXPECT_NE(shown.find("\"servedBy\""), std::string::npos);
  EXPECT_NE(shown.find("\"claude-3-opus\": \"new\""), std::string::npos);
  EXPECT_NE(shown.find("\"port\": 3456"), std::string::npos);
  EXPECT_EQ(shown.find("\"prices\""), std::string::npos) << "no prices were given";
}

TEST_F(ConfigFile, is_shown_without_a_password_in_an_address) {
  for (const char* url : {"https://me:pass@host/a@b", "me:pass@host", "http://pass@"}) {
    Config config;
    config.upstream.base_url = url;
    const std::string shown = show(config, [](const std::string& id) { return id; });
    EXPECT_EQ(shown.find("pass"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("servedBy"), std::string::npos) << shown;
  }
}

TEST_F(ConfigFile, can_be_parsed_as_it_is_shown) {
  Config config = defaults();
  config.server.host = "::1";
  config.timeouts.tls = seconds(7);
  config.log.format = LogFormat::kJson;
  config.upstream.base_url = "http://gw.example/a";
  const auto itself = [](const std::string& id) { return id; };
  const auto loaded = parse(show(config, itself));
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->warnings.empty());
  EXPECT_EQ(show(loaded->config, itself), show(config, itself));
  EXPECT_EQ(loaded->config.timeouts.tls, seconds(7));
}

TEST(Environment, takes_precedence_over_the_file) {
  Config config = defaults();
  Environment environment;
  environment.upstream_url = "http://127.0.0.1:9";
  environment.log_level = "debug";
  environment.proxy_key = "k";
  ASSERT_TRUE(apply_environment(environment, config));
  EXPECT_EQ(config.upstream.base_url, "http://127.0.0.1:9");
  EXPECT_EQ(config.log.level, LogLevel::kDebug);
  EXPECT_EQ(config.api_keys.front().name, "CCPROXY_API_KEY");
  environment.proxy_key = "k\n";  // with the line end of a file
  EXPECT_NE(apply_environment(environment, config).error().message.find("CCPROXY_API_KEY"),
            std::string::npos);
  environment.upstream_url = "https://me:pass@host";
  const std::string refused = apply_environment(environment, config).error().message;
  EXPECT_NE(refused.find("CCPROXY_UPSTREAM_URL"), std::string::npos);
  EXPECT_EQ(refused.find("pass"), std::string::npos);
  environment.upstream_url.clear();
  environment.log_level = "loud";
  EXPECT_NE(apply_environment(environment, config).error().message.find("CCPROXY_LOG"),
            std::string::npos);
}

TEST(Environment, determines_the_paths_of_the_files) {
  Environment environment;
  environment.home = "/home/me";
  EXPECT_EQ(config_path(environment), "/home/me/.ccproxy/config.json");
  environment.ccproxy_home = "/elsewhere";
  EXPECT_EQ(config_path(environment), "/elsewhere/config.json");
}

TEST(Reference, equals_docs_configuration_md) {
  const auto page = read_file(std::string(CCPROXY_SOURCE_DIR) + "/docs/configuration.md");
  ASSERT_TRUE(page);
  EXPECT_TRUE(*page == reference())
      << "docs/configuration.md is behind: ccproxy config reference > docs/configuration.md";
}

}  // namespace
}  // namespace ccproxy::config
