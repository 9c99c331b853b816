#include "cli/flags.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/version.hpp"

namespace ccproxy::cli {
namespace {

Flags parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ccproxy");
  return parse_flags(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Flags, of_start_are_those_of_the_documentation) {
  const auto flags =
      std::get<StartFlags>(parse({"start", "-p", "4000", "-h", "::1", "--upstream", "http://x",
                                  "--workers", "2", "--socket", "/tmp/s", "--verbose"}));
  EXPECT_EQ(flags.port, 4000);
  EXPECT_EQ(flags.host, "::1");
  EXPECT_EQ(flags.upstream, "http://x");
  EXPECT_EQ(flags.workers, 2U);
  EXPECT_EQ(flags.socket, "/tmp/s");
  EXPECT_TRUE(flags.verbose);
  EXPECT_FALSE(flags.demo);
  EXPECT_TRUE(std::get<StartFlags>(parse({"start", "--demo"})).demo);
  EXPECT_FALSE(std::get<StartFlags>(parse({"start"})).port);
}

TEST(Flags, of_config_name_the_action) {
  const auto set = std::get<ConfigFlags>(parse({"config", "set-model", "gpt-4", "claude-opus-5"}));
  EXPECT_EQ(set.action, ConfigAction::kSetModel);
  EXPECT_EQ(set.from, "gpt-4");
  EXPECT_EQ(set.to, "claude-opus-5");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "remove-model", "x"})).from, "x");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "path"})).action, ConfigAction::kPath);
}

TEST(Flags, of_login_choose_the_way) {
  const auto plain = std::get<LoginFlags>(parse({"login"}));
  EXPECT_FALSE(plain.manual || plain.no_browser || plain.api_key || plain.token || plain.yes);
  EXPECT_TRUE(std::get<LoginFlags>(parse({"login", "--manual"})).manual);
  EXPECT_TRUE(std::get<LoginFlags>(parse({"login", "--no-browser"})).no_browser);
  EXPECT_TRUE(std::get<LoginFlags>(parse({"login", "--api-key"})).api_key);
  const auto token = std::get<LoginFlags>(parse({"login", "--token", "--yes"}));
  EXPECT_TRUE(token.token && token.yes);
  EXPECT_TRUE(std::holds_alternative<LogoutFlags>(parse({"logout"})));
}

TEST(Flags, of_one_value_are_taken_as_they_are_written) {
  const auto set = std::get<ConfigFlags>(parse({"config", "set", "a.b", "[1, {\"c\": null}]"}));
  EXPECT_EQ(set.action, ConfigAction::kSet);
  EXPECT_EQ(set.from, "a.b");
  EXPECT_EQ(set.to, "[1, {\"c\": null}]");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "set", "a", ""})).to, "");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "set", "a", "-1"})).to, "-1");
  EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "get", "log", "--json"})).json);
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "check", "f"})).from, "f");
}

TEST(Flags, of_key_name_the_action) {
  const auto add = std::get<KeyFlags>(parse({"key", "add", "laptop", "--json"}));
  EXPECT_EQ(add.action, KeyAction::kAdd);
  EXPECT_EQ(add.name, "laptop");
  EXPECT_TRUE(add.json);
  EXPECT_EQ(std::get<KeyFlags>(parse({"key", "list"})).action, KeyAction::kList);
  EXPECT_EQ(std::get<KeyFlags>(parse({"key", "remove", "x"})).action, KeyAction::kRemove);
}

TEST(Flags, of_mock_have_defaults) {
  const auto flags =
      std::get<MockFlags>(parse({"mock", "--port", "0", "--tls", "--ca-out", "ca.pem"}));
  EXPECT_EQ(flags.port, 0);
  EXPECT_TRUE(flags.tls);
  EXPECT_EQ(flags.ca_out, "ca.pem");
  EXPECT_EQ(flags.pace, "human");
  EXPECT_EQ(std::get<MockFlags>(parse({"mock"})).port, 3457);
}

TEST(Flags, given_twice_count_as_the_last_says) {
  const auto flags =
      std::get<StartFlags>(parse({"start", "--port=1", "-p", "010", "--host", "a", "--host", "b"}));
  EXPECT_EQ(flags.port, 10) << "a leading zero is no octal number";
  EXPECT_EQ(flags.host, "b");
}

const std::vector<std::vector<const char*>> kCommands = {
    {},
    {"start"},
    {"login"},
    {"logout"},
    {"mock"},
    {"config"},
    {"config", "path"},
    {"config", "show"},
    {"config", "reset"},
    {"config", "set-model"},
    {"config", "remove-model"},
    {"config", "get"},
    {"config", "set"},
    {"config", "check"},
    {"key"},
    {"key", "add"},
    {"key", "list"},
    {"key", "remove"},
};

TEST(Flags, help_and_version_stand_everywhere_and_leave_well) {
  for (auto command : kCommands) {
    command.push_back("--help");
    const auto help = std::get<Leave>(parse(command));
    EXPECT_EQ(help.code, kOk);
    EXPECT_NE(help.text.find("--help"), std::string::npos);
    EXPECT_EQ(help.text.find("-h,--help"), std::string::npos) << "-h is the host";
    EXPECT_EQ(help.text.find("reference"), std::string::npos) << "that one is hidden";
    command.back() = "--version";
    const auto shown = std::get<Leave>(parse(command));
    EXPECT_EQ(shown.code, kOk);
    EXPECT_EQ(shown.text, "ccproxy " + std::string(version()) + "\n");
  }
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "reference"})).action, ConfigAction::kReference);
}

struct Mistake {
  std::vector<const char*> arguments;
  const char* said;
};

const Mistake kMistakes[] = {
    {{}, "a command is missing; see `ccproxy --help`"},
    {{"nonsense"}, "nonsense is not a command; see `ccproxy --help`"},
    {{"config"}, "a command is missing; see `ccproxy config --help`"},
    {{"config", "nonsense"}, "nonsense is not a command; see `ccproxy config --help`"},
    {{"start", "--port", "x"},
     "--port must be an integer from 0 to 65535; see `ccproxy start --help`"},
    {{"start", "--port", "70000"}, "--port must be an integer"},
    {{"start", "--port", "-1"}, "--port must be an integer"},
    {{"start", "--port", "0x10"}, "--port must be an integer"},
    {{"start", "--workers", "0"}, "--workers must be an integer from 1 to 64"},
    {{"start", "--upstream", "ftp://x"}, "--upstream must be like https://host"},
    {{"start", "--demo", "--upstream", "http://x"}, "excludes"},
    {{"start", "--nonsense"}, "--nonsense is not known here"},
    {{"start", "extra"}, "extra is not known here"},
    {{"start", "-h"}, "--host needs a value"},
    {{"login", "--manual", "--no-browser"}, "excludes"},
    {{"login", "--manual", "--api-key"}, "excludes"},
    {{"login", "--no-browser", "--token"}, "excludes"},
    {{"login", "--api-key", "--token"}, "excludes"},
    {{"login", "--api-key", "sk-ant-api03-x"}, "a key or token is never an argument"},
    {{"login", "--api-key=sk-ant-api03-x"}, "--api-key takes no value; see"},
    {{"login", "--nonsense"}, "--nonsense is not known here"},
    {{"logout", "now"}, "now is not known here"},
    {{"mock", "--pace", "slow"}, "--pace must be human, events or none"},
    {{"mock", "--ca-out", "x"}, "--ca-out requires --tls"},
    {{"config", "set-model", "one"}, "to is required; see `ccproxy config set-model --help`"},
    {{"config", "set-model", "one", ""}, "to must not be empty"},
    {{"config", "remove-model", ""}, "name must not be empty"},
    {{"config", "set-model", "a", "b", "c"}, "c is not known here"},
    {{"config", "get"}, "key is required; see `ccproxy config get --help`"},
    {{"config", "set", "server.port"}, "value is required; see `ccproxy config set --help`"},
    {{"config", "check", ""}, "file must not be empty"},
    {{"key"}, "a command is missing; see `ccproxy key --help`"},
    {{"key", "add"}, "name is required; see `ccproxy key add --help`"},
    {{"key", "add", "a", "b"}, "b is not known here"},
    {{"key", "remove", ""}, "name must not be empty"},
};

TEST(Flags, that_make_no_sense_are_told_in_one_line) {
  for (const Mistake& row : kMistakes) {
    SCOPED_TRACE(row.said);
    const auto flags = parse(row.arguments);
    ASSERT_TRUE(std::holds_alternative<Leave>(flags));
    const auto& leave = std::get<Leave>(flags);
    EXPECT_EQ(leave.code, kUsage);
    EXPECT_TRUE(leave.text.starts_with("ccproxy: ")) << leave.text;
    EXPECT_NE(leave.text.find(row.said), std::string::npos) << leave.text;
    EXPECT_EQ(leave.text.find('\n'), leave.text.size() - 1) << leave.text;
    EXPECT_EQ(leave.text.find("sk-ant"), std::string::npos) << leave.text;
  }
}

}  // namespace
}  // namespace ccproxy::cli
