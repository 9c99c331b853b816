// The small commands, as a person and as a script runs them.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/proxy_fixture.hpp"

namespace ccproxy::test {
namespace {

class Command : public testing::Test {
 protected:
  Finished run_command(const std::vector<std::string>& arguments) {
    return run(CCPROXY_BINARY, arguments,
               {{"CCPROXY_HOME", fixture.home()}, {"HOME", fixture.home()}});
  }
  [[nodiscard]] bool wait_status(int status, const std::string& fields = "") const {
    return wait_until([&] {
      return send_request(fixture.port(), "POST", "/v1/messages", kWholeBody,
                          kAnthropicFields + fields)
                 .status == status;
    });
  }
  ProxyFixture fixture;
};

TEST_F(Command, key_add_and_remove_take_effect_on_a_running_server) {
  const Finished added = run_command({"key", "add", "laptop"});
  EXPECT_EQ(added.code, 0) << added.errors;
  const std::string key = added.output.substr(0, added.output.find('\n'));
  EXPECT_GT(key.size(), 40U);
  EXPECT_TRUE(wait_status(401));
  EXPECT_TRUE(wait_status(200, "x-api-key: " + key + "\r\n"));

  const Finished listed = run_command({"key", "list"});
  EXPECT_NE(listed.output.find("laptop  ..." + key.substr(key.size() - 4)), std::string::npos);
  EXPECT_EQ(listed.output.find(key), std::string::npos) << "shown once";
  EXPECT_EQ(run_command({"config", "show"}).output.find(key), std::string::npos);
  EXPECT_EQ(run_command({"key", "add", "laptop"}).code, 2);
  for (const char* no_name : {"two words", "../x", "-x", ".x", "_x", "a/b", "a:b", "\xc3\xa4", ""})
    EXPECT_EQ(run_command({"key", "add", "--", no_name}).code, 2) << no_name;
  EXPECT_EQ(run_command({"key", "add", std::string(65, 'x')}).code, 2);

  const Document again = Document::parse(run_command({"key", "add", "phone", "--json"}).output);
  EXPECT_EQ(again["name"], "phone");
  EXPECT_TRUE(wait_status(200, "x-api-key: " + again["key"].get<std::string>() + "\r\n"));
  EXPECT_EQ(Document::parse(run_command({"key", "list", "--json"}).output).size(), 2U);

  const Finished removed = run_command({"key", "remove", "laptop"});
  EXPECT_EQ(removed.code, 0);
  EXPECT_EQ(removed.output.find("need no key"), std::string::npos) << "there is another";
  EXPECT_TRUE(wait_status(401, "x-api-key: " + key + "\r\n"));
  EXPECT_EQ(run_command({"key", "remove", "laptop"}).code, 1);
  EXPECT_NE(run_command({"key", "remove", "phone"}).output.find("Requests need no key now"),
            std::string::npos);
}

TEST_F(Command, key_list_names_the_origin_of_each_key) {
  EXPECT_EQ(run_command({"key", "add", "CCPROXY_API_KEY"}).code, 2)
      << "the environment's has that name";
  ASSERT_EQ(run_command({"key", "add", "laptop"}).code, 0);
  const Process::Environment environment{{"CCPROXY_HOME", fixture.home()},
                                         {"CCPROXY_API_KEY", "a-key-in-a-container"}};
  const auto with_key = [&](const std::vector<std::string>& arguments) {
    return run(CCPROXY_BINARY, arguments, environment);
  };
  const Document keys = Document::parse(with_key({"key", "list", "--json"}).output);
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0]["from"], "config.json");
  EXPECT_EQ(keys[1]["from"], "environment");
  EXPECT_EQ(keys[1]["ends"], "iner");
  const Finished removed = with_key({"key", "remove", "CCPROXY_API_KEY"});
  EXPECT_EQ(removed.code, 1);
  EXPECT_NE(removed.errors.find("is set in the environment"), std::string::npos);
}

TEST_F(Command, config_get_prints_the_value_in_use) {
  EXPECT_EQ(run_command({"config", "get", "server.host"}).output, "127.0.0.1\n");
  EXPECT_EQ(run_command({"config", "get", "server.host", "--json"}).output, "\"127.0.0.1\"\n");
  EXPECT_EQ(run_command({"config", "get", "server.port"}).output, "3456\n");
  EXPECT_EQ(run_command({"config", "get", "modelMapping.gpt-4"}).output,
            "claude-sonnet-4-20250514\n");
  EXPECT_EQ(Document::parse(run_command({"config", "get", "log"}).output)["level"], "info");
  const Finished unknown = run_command({"config", "get", "prt"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.errors.find("prt is no key"), std::string::npos);
  EXPECT_EQ(run_command({"config", "get", "modelMapping.nobody"}).code, 1);
  EXPECT_EQ(Document::parse(run_command({"config", "path", "--json"}).output)["path"],
            fixture.home() + "/config.json");
  EXPECT_EQ(Document::parse(run_command({"config", "show", "--json"}).output)["log"]["level"],
            "info");
}

TEST_F(Command, config_set_validates_and_says_when_it_takes_effect) {
  const Finished live = run_command({"config", "set", "followRetirements", "false"});
  EXPECT_EQ(live.code, 0) << live.errors;
  EXPECT_NE(live.output.find("by itself"), std::string::npos);
  EXPECT_EQ(run_command({"config", "get", "followRetirements"}).output, "false\n");
  EXPECT_NE(run_command({"config", "set", "server.port", "4000"}).output.find("started again"),
            std::string::npos);
  const Finished wrong = run_command({"config", "set", "server.port", "high"});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_NE(wrong.errors.find("server.port must be: integer"), std::string::npos) << wrong.errors;
  EXPECT_EQ(run_command({"config", "get", "server.port"}).output, "4000\n");
  EXPECT_NE(
      run_command({"config", "set", "server.port", "null"}).output.find("back at its default"),
      std::string::npos);
  EXPECT_EQ(run_command({"config", "get", "server.port"}).output, "3456\n");
  EXPECT_EQ(run_command({"config", "set", "server.allowedHosts", R"(["a.example", "b"])"}).code, 0);
  EXPECT_EQ(Document::parse(run_command({"config", "get", "server.allowedHosts"}).output).size(),
            2U);
  const Finished unknown = run_command({"config", "set", "prot", "1"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_EQ(run_command({"config", "set", "server", "{}"}).code, 2);
}

TEST_F(Command, concurrent_config_set_loses_nothing) {
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < 12; ++i)
    all.push_back(std::make_unique<Process>(
        CCPROXY_BINARY,
        std::vector<std::string>{"config", "set", "modelMapping.m" + std::to_string(i), "opus"},
        Process::Environment{{"CCPROXY_HOME", fixture.home()}}));
  for (const auto& each : all) EXPECT_EQ(each->wait_exit(), 0) << each->errors();
  const Document mapping = Document::parse(run_command({"config", "get", "modelMapping"}).output);
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(mapping.contains("m" + std::to_string(i))) << i;
}

TEST_F(Command, config_check_names_key_and_line) {
  EXPECT_NE(run_command({"config", "check"}).output.find(": ok"), std::string::npos);
  std::ofstream(fixture.home() + "/other.json")
      << "{\n \"server\": {\"port\": \"x\"},\n \"log\": 1}";
  const Finished wrong = run_command({"config", "check", fixture.home() + "/other.json"});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_NE(wrong.errors.find("line 2: server.port must be"), std::string::npos) << wrong.errors;
  EXPECT_NE(wrong.errors.find("line 3: log must be"), std::string::npos) << "all, not the first";
  EXPECT_EQ(run_command({"config", "check", fixture.home() + "/none.json"}).code, 3);
  std::ofstream(fixture.home() + "/other.json") << R"({"colour":1})";
  const Finished odd = run_command({"config", "check", fixture.home() + "/other.json"});
  EXPECT_EQ(odd.code, 0);
  EXPECT_NE(odd.errors.find("unknown key colour"), std::string::npos);
}

TEST_F(Command, every_command_has_help) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"start"},
                                             {"status"},
                                             {"mock"},
                                             {"config"},
                                             {"config", "get"},
                                             {"config", "set"},
                                             {"config", "check"},
                                             {"key"},
                                             {"key", "add"},
                                             {"key", "remove"}}) {
    std::vector<std::string> arguments = words;
    arguments.emplace_back("--help");
    const Finished help = run_command(arguments);
    EXPECT_EQ(help.code, 0) << (words.empty() ? "" : words.back());
    EXPECT_NE(help.output.find("--help"), std::string::npos);
  }
}

}  // namespace
}  // namespace ccproxy::test
