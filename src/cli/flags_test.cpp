#include "cli/flags.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <sstream>
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

// The longest line of a text.
std::string longest_line(const std::string& text) {
  std::string longest, line;
  for (std::istringstream lines(text); std::getline(lines, line);)
    if (line.size() > longest.size()) longest = line;
  return longest;
}

TEST(Flags, help_fits_a_terminal_and_shows_no_library) {
  for (auto command : kCommands) {
    command.push_back("--help");
    const std::string help = std::get<EarlyExit>(parse(command)).text;
    EXPECT_LE(longest_line(help).size(), 80U) << longest_line(help);
    for (const char* inside : {"Excludes", "Needs", "REQUIRED", "TEXT", "SUBCOMMAND", "OPTIONS"})
      EXPECT_EQ(help.find(inside), std::string::npos) << inside << " in\n" << help;
    EXPECT_TRUE(help.starts_with("Usage: ccproxy")) << help;
  }
}

TEST(Flags, help_has_examples_that_can_be_typed) {
  for (const std::vector<const char*>& command :
       std::vector<std::vector<const char*>>{{},
                                             {"start"},
                                             {"login"},
                                             {"status"},
                                             {"mock"},
                                             {"config"},
                                             {"config", "set"},
                                             {"key"}}) {
    auto asked = command;
    asked.push_back("--help");
    const std::string help = std::get<EarlyExit>(parse(asked)).text;
    const auto at = help.find("\nExamples:\n");
    ASSERT_NE(at, std::string::npos) << help;
    std::istringstream lines(help.substr(at + 11));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      EXPECT_TRUE(line.starts_with("  ccproxy ")) << line;
      std::istringstream words(line.substr(0, line.find("     ")));
      std::vector<std::string> typed{std::istream_iterator<std::string>(words), {}};
      const auto end = std::find(typed.begin(), typed.end(), "<");  // the shell's
      std::vector<const char*> arguments;
      for (auto word = typed.begin() + 1; word != end; ++word) arguments.push_back(word->c_str());
      const Flags flags = parse(arguments);
      EXPECT_FALSE(std::holds_alternative<EarlyExit>(flags)) << line;
    }
    EXPECT_GE(count, 1);
  }
}

struct Spoken {
  const char* why;
  std::vector<const char*> words;
  const char* shows;  // what the text begins with
};

const Spoken kSpoken[] = {
    {"nothing at all", {}, "Usage: ccproxy COMMAND [FLAGS]\n"},
    {"a word in place of a flag", {"help"}, "Usage: ccproxy COMMAND [FLAGS]\n"},
    {"the letter", {"-h"}, "Usage: ccproxy COMMAND [FLAGS]\n"},
    {"the word and a command", {"help", "start"}, "Usage: ccproxy start [FLAGS]\n"},
    {"the word and two",
     {"help", "config", "set"},
     "Usage: ccproxy config set KEY VALUE [FLAGS]\n"},
    {"a command and the word", {"config", "help"}, "Usage: ccproxy config COMMAND [FLAGS]\n"},
    {"the word between", {"config", "help", "get"}, "Usage: ccproxy config get KEY [FLAGS]\n"},
    {"the letter behind a command", {"status", "-h"}, "Usage: ccproxy status [FLAGS]\n"},
    {"the letter behind two",
     {"config", "check", "-h"},
     "Usage: ccproxy config check [FILE] [FLAGS]"},
    {"the letter that is also the host", {"start", "-h"}, "Usage: ccproxy start [FLAGS]\n"},
    {"the same before a flag", {"start", "-h", "--demo"}, "Usage: ccproxy start [FLAGS]\n"},
    {"the same behind a flag", {"mock", "--quiet", "-h"}, "Usage: ccproxy mock [FLAGS]\n"},
    {"help wins over what is missing",
     {"config", "set", "-h"},
     "Usage: ccproxy config set KEY VALUE"},
    {"the version as a word", {"version"}, "ccproxy "},
};

TEST(Flags, may_be_words_a_person_says) {
  for (const Spoken& row : kSpoken) {
    const auto leave = std::get<EarlyExit>(parse(row.words));
    EXPECT_EQ(leave.code, kOk) << row.why;
    EXPECT_TRUE(leave.text.starts_with(row.shows)) << row.why << ":\n" << leave.text;
  }
  EXPECT_EQ(std::get<StartFlags>(parse({"start", "-h", "::1"})).host, "::1") << "as it always was";
  EXPECT_EQ(std::get<MockFlags>(parse({"mock", "-h", "::1"})).host, "::1");
  EXPECT_EQ(std::get<KeyFlags>(parse({"key", "add", "help"})).name, "help")
      << "a name like another";
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "set", "a", "version"})).to, "version");
}

TEST(Flags, json_may_stand_before_or_behind_what_is_asked) {
  for (const char* action : {"path", "show", "check", "reset"}) {
    EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", action, "--json"})).json) << action;
    EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "--json", action})).json) << action;
  }
  EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "set", "a", "1", "--json"})).json);
  EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "set-model", "a", "b", "--json"})).json);
  EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "remove-model", "a", "--json"})).json);
  EXPECT_TRUE(std::get<KeyFlags>(parse({"key", "--json", "list"})).json);
}

TEST(Flags, help_and_version_stand_everywhere_and_leave_well) {
  for (auto command : kCommands) {
    command.push_back("--help");
    const auto help = std::get<EarlyExit>(parse(command));
    EXPECT_EQ(help.code, kOk);
    EXPECT_NE(help.text.find("--help"), std::string::npos);
    EXPECT_EQ(help.text.find("-h,--help"), std::string::npos) << "-h is the host";
    EXPECT_EQ(help.text.find("reference"), std::string::npos) << "that one is hidden";
    command.back() = "--version";
    const auto shown = std::get<EarlyExit>(parse(command));
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
    {{"start", "--host"}, "--host needs a value"},
    {{"strat", "--port", "1"},
     "strat is not a command (did you mean start?); see `ccproxy --help`"},
    {{"hlep"}, "hlep is not a command (did you mean help?)"},
    {{"help", "nonsense"}, "nonsense is not a command; see"},
    {{"config", "sett", "a", "b"},
     "sett is not a command (did you mean set?); see `ccproxy config"},
    {{"config", "help", "nonsense"}, "nonsense is not a command; see `ccproxy config --help`"},
    {{"key", "ad", "x"}, "ad is not a command (did you mean add?)"},
    {{"start", "--prot", "4000"},
     "--prot (did you mean --port?) is not known here; see `ccproxy start --help`"},
    {{"start", "--prot=4000"}, "ccproxy: --prot (did you mean --port?) is not known here"},
    {{"start", "--zeta", "--alpha", "--midway=3"},
     "ccproxy: --zeta, --alpha and --midway are not known here; see"},
    {{"start", "--zeta", "1", "extra", "--alpha"},
     "ccproxy: --zeta, extra and --alpha are not known here; see"},
    {{"start", "-q", "--zeta"}, "ccproxy: -q and --zeta are not known here; see"},
    {{"start", "demo"}, "demo (did you mean --demo?) is not known here"},
    {{"--zeta", "start", "--alpha"}, "ccproxy: --zeta and --alpha are not known here"},
    {{"--nonsense"}, "--nonsense is not known here; see `ccproxy --help`"},
    {{"--demo"}, "--demo (did you mean `ccproxy start --demo`?) is not known here"},
    {{"config", "set", "--zeta"}, "--zeta is not known here; see `ccproxy config set --help`"},
    {{"config", "--zeta"}, "--zeta is not known here; see `ccproxy config --help`"},
    {{"login", "--apikey", "sk-ant-api03-x"}, "--apikey (did you mean --api-key?) is not known"},
    {{"login", "--api-keysk-ant-api03-x"}, "--api-keysk-an... is not known here"},
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
    ASSERT_TRUE(std::holds_alternative<EarlyExit>(flags));
    const auto& leave = std::get<EarlyExit>(flags);
    EXPECT_EQ(leave.code, kUsage);
    EXPECT_TRUE(leave.text.starts_with("ccproxy: ")) << leave.text;
    EXPECT_NE(leave.text.find(row.said), std::string::npos) << leave.text;
    EXPECT_EQ(leave.text.find('\n'), leave.text.size() - 1) << leave.text;
    EXPECT_EQ(leave.text.find("sk-ant"), std::string::npos) << leave.text;
  }
}

}  // namespace
}  // namespace ccproxy::cli
