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

TEST(Flags, parses_those_of_start) {
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

TEST(Flags, parses_the_actions_of_config) {
  const auto set = std::get<ConfigFlags>(parse({"config", "set-model", "gpt-4", "claude-opus-5"}));
  EXPECT_EQ(set.action, ConfigAction::kSetModel);
  EXPECT_EQ(set.from, "gpt-4");
  EXPECT_EQ(set.to, "claude-opus-5");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "remove-model", "x"})).from, "x");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "path"})).action, ConfigAction::kPath);
}

TEST(Flags, parses_the_ways_of_login) {
  const auto plain = std::get<LoginFlags>(parse({"login"}));
  EXPECT_FALSE(plain.manual || plain.no_browser || plain.api_key || plain.token || plain.yes);
  EXPECT_TRUE(std::get<LoginFlags>(parse({"login", "--manual"})).manual);
  EXPECT_TRUE(std::get<LoginFlags>(parse({"login", "--no-browser"})).no_browser);
  EXPECT_TRUE(std::get<LoginFlags>(parse({"login", "--api-key"})).api_key);
  const auto token = std::get<LoginFlags>(parse({"login", "--token", "--yes"}));
  EXPECT_TRUE(token.token && token.yes);
  EXPECT_TRUE(std::holds_alternative<LogoutFlags>(parse({"logout"})));
}

TEST(Flags, takes_values_as_they_are_written) {
  const auto set = std::get<ConfigFlags>(parse({"config", "set", "a.b", "[1, {\"c\": null}]"}));
  EXPECT_EQ(set.action, ConfigAction::kSet);
  EXPECT_EQ(set.from, "a.b");
  EXPECT_EQ(set.to, "[1, {\"c\": null}]");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "set", "a", ""})).to, "");
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "set", "a", "-1"})).to, "-1");
  EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "get", "log", "--json"})).json);
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "check", "f"})).from, "f");
}

TEST(Flags, parses_the_actions_of_key) {
  const auto add = std::get<KeyFlags>(parse({"key", "add", "laptop", "--json"}));
  EXPECT_EQ(add.action, KeyAction::kAdd);
  EXPECT_EQ(add.name, "laptop");
  EXPECT_TRUE(add.json);
  EXPECT_EQ(std::get<KeyFlags>(parse({"key", "list"})).action, KeyAction::kList);
  EXPECT_EQ(std::get<KeyFlags>(parse({"key", "remove", "x"})).action, KeyAction::kRemove);
}

TEST(Flags, has_defaults_for_mock) {
  const auto flags =
      std::get<MockFlags>(parse({"mock", "--port", "0", "--tls", "--ca-out", "ca.pem"}));
  EXPECT_EQ(flags.port, 0);
  EXPECT_TRUE(flags.tls);
  EXPECT_EQ(flags.ca_out, "ca.pem");
  EXPECT_EQ(flags.pace, "human");
  EXPECT_EQ(std::get<MockFlags>(parse({"mock"})).port, 3457);
}

TEST(Flags, takes_the_last_of_two_values) {
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

// Returns the longest line of a text.
std::string longest_line(const std::string& text) {
  std::string longest, line;
  for (std::istringstream lines(text); std::getline(lines, line);)
    if (line.size() > longest.size()) longest = line;
  return longest;
}

TEST(Help, fits_a_terminal_and_shows_no_library) {
  for (auto command : kCommands) {
    command.push_back("--help");
    const std::string help = std::get<EarlyExit>(parse(command)).text;
    EXPECT_LE(longest_line(help).size(), 80U) << longest_line(help);
    for (const char* inside : {"Excludes", "Needs", "REQUIRED", "TEXT", "SUBCOMMAND", "OPTIONS"})
      EXPECT_EQ(help.find(inside), std::string::npos) << inside << " in\n" << help;
    EXPECT_TRUE(help.starts_with("Usage: ccproxy")) << help;
  }
}

TEST(Help, has_examples_that_parse) {
  for (const std::vector<const char*>& command :
       std::vector<std::vector<const char*>>{{},
                                             {"start"},
                                             {"login"},
                                             {"status"},
                                             {"mock"},
                                             {"config"},
                                             {"config", "set"},
                                             {"key"}}) {
    auto with_help = command;
    with_help.push_back("--help");
    const std::string help = std::get<EarlyExit>(parse(with_help)).text;
    const auto at = help.find("\nExamples:\n");
    ASSERT_NE(at, std::string::npos) << help;
    std::istringstream lines(help.substr(at + 11));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      EXPECT_TRUE(line.starts_with("  ccproxy ")) << line;
      std::istringstream words(line.substr(0, line.find("     ")));
      std::vector<std::string> line_words{std::istream_iterator<std::string>(words), {}};
      const auto end =
          std::find(line_words.begin(), line_words.end(), "<");  // belongs to the shell
      std::vector<const char*> arguments;
      for (auto word = line_words.begin() + 1; word != end; ++word)
        arguments.push_back(word->c_str());
      const Flags flags = parse(arguments);
      EXPECT_FALSE(std::holds_alternative<EarlyExit>(flags)) << line;
    }
    EXPECT_GE(count, 1);
  }
}

struct HelpCase {
  const char* name;
  std::vector<const char*> words;
  const char* begins;  // how the text begins
};

const HelpCase kHelpCases[] = {
    {"nothing at all", {}, "Usage: ccproxy COMMAND [FLAGS]\n"},
    {"a word in place of a flag", {"help"}, "Usage: ccproxy COMMAND [FLAGS]\n"},
    {"-h alone", {"-h"}, "Usage: ccproxy COMMAND [FLAGS]\n"},
    {"help and a command", {"help", "start"}, "Usage: ccproxy start [FLAGS]\n"},
    {"help and two commands",
     {"help", "config", "set"},
     "Usage: ccproxy config set KEY VALUE [FLAGS]\n"},
    {"a command and help", {"config", "help"}, "Usage: ccproxy config COMMAND [FLAGS]\n"},
    {"help between two commands",
     {"config", "help", "get"},
     "Usage: ccproxy config get KEY [FLAGS]\n"},
    {"-h behind a command", {"status", "-h"}, "Usage: ccproxy status [FLAGS]\n"},
    {"-h behind two commands",
     {"config", "check", "-h"},
     "Usage: ccproxy config check [FILE] [FLAGS]"},
    {"-h where it is also the host", {"start", "-h"}, "Usage: ccproxy start [FLAGS]\n"},
    {"-h as the host's flag before another flag",
     {"start", "-h", "--demo"},
     "Usage: ccproxy start [FLAGS]\n"},
    {"-h as the host's flag behind another flag",
     {"mock", "--quiet", "-h"},
     "Usage: ccproxy mock [FLAGS]\n"},
    {"help takes precedence over a missing argument",
     {"config", "set", "-h"},
     "Usage: ccproxy config set KEY VALUE"},
    {"the version as a word", {"version"}, "ccproxy "},
};

TEST(Help, is_printed_for_words_in_place_of_flags) {
  for (const HelpCase& row : kHelpCases) {
    const auto early_exit = std::get<EarlyExit>(parse(row.words));
    EXPECT_EQ(early_exit.code, kOk) << row.name;
    EXPECT_TRUE(early_exit.text.starts_with(row.begins)) << row.name << ":\n" << early_exit.text;
  }
  EXPECT_EQ(std::get<StartFlags>(parse({"start", "-h", "::1"})).host, "::1")
      << "as in earlier versions";
  EXPECT_EQ(std::get<MockFlags>(parse({"mock", "-h", "::1"})).host, "::1");
  EXPECT_EQ(std::get<KeyFlags>(parse({"key", "add", "help"})).name, "help")
      << "help is an ordinary name here";
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "set", "a", "version"})).to, "version");
}

TEST(Flags, takes_json_before_or_behind_the_action) {
  for (const char* action : {"path", "show", "check", "reset"}) {
    EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", action, "--json"})).json) << action;
    EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "--json", action})).json) << action;
  }
  EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "set", "a", "1", "--json"})).json);
  EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "set-model", "a", "b", "--json"})).json);
  EXPECT_TRUE(std::get<ConfigFlags>(parse({"config", "remove-model", "a", "--json"})).json);
  EXPECT_TRUE(std::get<KeyFlags>(parse({"key", "--json", "list"})).json);
}

TEST(Help, and_version_work_everywhere_with_exit_code_0) {
  for (auto command : kCommands) {
    command.push_back("--help");
    const auto help = std::get<EarlyExit>(parse(command));
    EXPECT_EQ(help.code, kOk);
    EXPECT_NE(help.text.find("--help"), std::string::npos);
    EXPECT_EQ(help.text.find("-h,--help"), std::string::npos) << "-h is the host";
    EXPECT_EQ(help.text.find("reference"), std::string::npos) << "the action is hidden";
    command.back() = "--version";
    const auto shown = std::get<EarlyExit>(parse(command));
    EXPECT_EQ(shown.code, kOk);
    EXPECT_EQ(shown.text, "ccproxy " + std::string(version()) + "\n");
  }
  EXPECT_EQ(std::get<ConfigFlags>(parse({"config", "reference"})).action, ConfigAction::kReference);
}

struct Mistake {
  std::vector<const char*> arguments;
  const char* message;
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

TEST(Flags, reports_mistakes_in_one_line) {
  for (const Mistake& row : kMistakes) {
    SCOPED_TRACE(row.message);
    const auto flags = parse(row.arguments);
    ASSERT_TRUE(std::holds_alternative<EarlyExit>(flags));
    const auto& early_exit = std::get<EarlyExit>(flags);
    EXPECT_EQ(early_exit.code, kUsage);
    EXPECT_TRUE(early_exit.text.starts_with("ccproxy: ")) << early_exit.text;
    EXPECT_NE(early_exit.text.find(row.message), std::string::npos) << early_exit.text;
    EXPECT_EQ(early_exit.text.find('\n'), early_exit.text.size() - 1) << early_exit.text;
    EXPECT_EQ(early_exit.text.find("sk-ant"), std::string::npos) << early_exit.text;
  }
}

}  // namespace
}  // namespace ccproxy::cli
