#include "cli/flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "base/version.hpp"
#include "cli/early_exit.hpp"
#include "config/base_url.hpp"

namespace ccproxy::cli {
namespace {

constexpr std::uint64_t kLastPort = 65'535;

// Adds what every command has. `-h` means help, except where it means the host.
void add_common(CLI::App& command, const char* help = "-h,--help") {
  command.set_help_flag(help, "Print this help and exit");
  command.set_version_flag("--version", fmt::format("ccproxy {}", version()),
                           "Print the version and exit");
}

CLI::App* add_command(CLI::App& app, const char* name, const char* about,
                      const char* examples = "") {
  CLI::App* command = app.add_subcommand(name, about);
  add_common(*command);
  command->footer(examples);
  return command;
}

// Adds a command that listens: there `-h` takes the host, as in earlier versions.
CLI::App* add_listener(CLI::App& app, const char* name, const char* about, const char* examples) {
  CLI::App* command = add_command(app, name, about, examples);
  add_common(*command, "--help");
  return command;
}

// Adds a decimal number: the parser's own number would read 010 as 8.
template <class Number>
CLI::Option* add_number(CLI::App& command, const std::string& names, Number& into,
                        std::uint64_t min, std::uint64_t max, const std::string& about) {
  const std::string name = names.substr(names.find("--"));
  const auto read = [&into, min, max, name](const std::string& text) {
    const auto number = parse_decimal(text);
    if (!number || *number < min || *number > max)
      throw CLI::ValidationError(
          fmt::format("{} must be an integer from {} to {}", name, min, max));
    into = static_cast<std::uint16_t>(*number);  // no flag's bound is larger than a port
  };
  return command.add_option_function<std::string>(names, read, about)->type_name("N");
}

std::string check_upstream(const std::string& url) {
  return config::parse_base_url(url)
             ? ""
             : "must be like https://host, https://host:port or https://host/path";
}

std::string check_filled(const std::string& text) {
  return text.empty() ? "must not be empty" : "";
}

CLI::App* add_start(CLI::App& app, StartFlags& flags) {
  CLI::App* start = add_listener(app, "start", "Start the proxy", R"(
  ccproxy start --demo              answers without an account
  ccproxy start -p 4000             on another port
  ccproxy start --host 0.0.0.0      for other machines, with a proxy key
)");
  add_number(*start, "-p,--port", flags.port, 0, kLastPort,
             "Port to listen on (default 3456; 0: any free one)");
  start->add_option("-h,--host", flags.host, "Address to listen on (default 127.0.0.1)")
      ->type_name("ADDRESS");
  start->add_option("--socket", flags.socket, "Unix socket to listen on as well")
      ->type_name("PATH");
  CLI::Option* upstream = start->add_option(
      "--upstream", flags.upstream, "Address of the Claude API or a gateway to it, http or https");
  upstream->type_name("URL")->check(check_upstream, "");
  add_number(*start, "--workers", flags.workers, 1, 64, "Worker threads (default 1)");
  start
      ->add_flag("--demo", flags.demo,
                 "Answer from a built-in simulated Claude API: no account, no network")
      ->excludes(upstream);
  start->add_flag("--verbose", flags.verbose,
                  "Log every field of a request, and the names of header fields");
  return start;
}

CLI::App* add_login(CLI::App& app, LoginFlags& flags) {
  CLI::App* login = add_command(app, "login", "Sign in, and store the credential in auth.json", R"(
  ccproxy login                     opens the browser
  ccproxy login --manual            over SSH: an address, and a code to paste
  ccproxy login --api-key < FILE    stores an API key
)");
  CLI::Option* manual =
      login->add_flag("--manual", flags.manual, "Print an address to open anywhere, take a code");
  CLI::Option* no_browser =
      login->add_flag("--no-browser", flags.no_browser, "Print the addresses, open no browser");
  CLI::Option* api_key = login->add_flag("--api-key", flags.api_key,
                                         "Store an API key, read from a prompt or standard input");
  CLI::Option* token = login->add_flag(
      "--token", flags.token, "Store a long-lived token of `claude setup-token`, read likewise");
  login->add_flag("--yes", flags.yes,
                  "Ask nothing: the terms are read, an old credential is replaced");
  manual->excludes(no_browser)->excludes(api_key)->excludes(token);
  no_browser->excludes(api_key)->excludes(token);
  api_key->excludes(token);
  return login;
}

CLI::App* add_status(CLI::App& app, StatusFlags& flags) {
  CLI::App* status = add_command(
      app, "status", "Show the credential in use, running servers and the limits they saw last",
      R"(
  ccproxy status
  ccproxy status --json
)");
  status->add_flag("--json", flags.json, "Print it as JSON");
  return status;
}

CLI::App* add_mock(CLI::App& app, MockFlags& flags) {
  CLI::App* mock = add_listener(app, "mock", "Run the simulated Claude API alone, for tests", R"(
  ccproxy mock --port 0 --quiet
  ccproxy mock --tls --ca-out ca.pem
)");
  add_number(*mock, "-p,--port", flags.port, 0, kLastPort,
             "Port to listen on (default 3457; 0: any free one)");
  mock->add_option("-h,--host", flags.host, "Address to listen on (default 127.0.0.1)")
      ->type_name("ADDRESS");
  mock->add_option("--script", flags.script, "JSON file with the responses (docs/mock.md)")
      ->type_name("PATH");
  CLI::Option* tls = mock->add_flag("--tls", flags.tls, "Serve TLS, with a new certificate");
  mock->add_option("--ca-out", flags.ca_out, "File to write that certificate to (PEM)")
      ->type_name("PATH")
      ->needs(tls);
  const auto check_pace = [](const std::string& pace) {
    return pace == "human" || pace == "events" || pace == "none" ? ""
                                                                 : "must be human, events or none";
  };
  mock->add_option("--pace", flags.pace,
                   "How streams are sent: human (default), events (one by one), none (at once)")
      ->type_name("PACE")
      ->check(check_pace, "");
  mock->add_flag("--quiet", flags.quiet, "Print the address and nothing else");
  return mock;
}

// `config` and `key` have commands of their own. `--json` may stand before or behind the inner one.
template <class Action>
class Actions {
 public:
  Actions(CLI::App* group, Action& action, bool& json)
      : group_(group), action_(action), json_(json) {
    group_->require_subcommand(1);
    add_json(group_);
  }

  CLI::App* add(const char* name, const char* about, Action which) {
    CLI::App* command = add_command(*group_, name, about);
    command->callback([&into = action_, which] { into = which; });
    add_json(command);
    return command;
  }

 private:
  void add_json(CLI::App* command) {
    command->add_flag("--json", json_, "Print the result as JSON");
  }

  CLI::App* group_;
  Action& action_;
  bool& json_;
};

void add_word(CLI::App* command, const char* name, std::string& into, const char* about) {
  command->add_option(name, into, about)->required()->check(check_filled, "");
}

CLI::App* add_config(CLI::App& app, ConfigFlags& flags) {
  CLI::App* config = add_command(app, "config", "Show or change the configuration", R"(
  ccproxy config show
  ccproxy config set server.port 4000
  ccproxy config set-model gpt-4 claude-opus-5
)");
  Actions actions(config, flags.action, flags.json);
  actions.add("path", "Print the path of the configuration file", ConfigAction::kPath);
  actions.add("show", "Print the configuration in use as JSON, secrets hidden",
              ConfigAction::kShow);
  CLI::App* get = actions.add("get", "Print one value in use", ConfigAction::kGet);
  add_word(get, "key", flags.from, "Such as server.port, modelMapping.gpt-4, or log");
  get->footer(R"(
  ccproxy config get server.port
  ccproxy config get log --json
)");
  CLI::App* put = actions.add("set", "Change one value", ConfigAction::kSet);
  add_word(put, "key", flags.from, "Such as server.port or modelMapping.gpt-4");
  put->add_option("value", flags.to, "JSON, else a string; null restores the default")->required();
  put->footer(R"(
  ccproxy config set log.level debug
  ccproxy config set server.allowedHosts '["box.example"]'
  ccproxy config set server.port null
)");
  actions
      .add("check", "Read the configuration and report what is wrong with it", ConfigAction::kCheck)
      ->add_option("file", flags.from, "Another file than the one in use")
      ->check(check_filled, "");
  CLI::App* map =
      actions.add("set-model", "Add or change a model mapping", ConfigAction::kSetModel);
  add_word(map, "from", flags.from, "Name that clients use; * stands for any characters");
  add_word(map, "to", flags.to, "Model to send instead");
  map->footer(R"(
  ccproxy config set-model fast claude-haiku-4-5
  ccproxy config set-model 'gpt-5*' opus
)");
  CLI::App* remove =
      actions.add("remove-model", "Remove a model mapping", ConfigAction::kRemoveModel);
  add_word(remove, "name", flags.from, "Name to remove");
  actions.add("reset", "Return to the defaults; the old file is kept as a .bak file",
              ConfigAction::kReset);
  // For developers: the test of docs/configuration.md compares with it.
  actions.add("reference", "Print docs/configuration.md", ConfigAction::kReference)->group("");
  return config;
}

void add_key(CLI::App& app, KeyFlags& flags) {
  CLI::App* key = add_command(app, "key", "Create, list and remove proxy keys", R"(
  ccproxy key add laptop
  ccproxy key list
)");
  Actions actions(key, flags.action, flags.json);
  add_word(actions.add("add", "Create a key and print it, once", KeyAction::kAdd), "name",
           flags.name, "Name for the log");
  actions.add("list", "Print the names, and the end of each key", KeyAction::kList);
  add_word(actions.add("remove", "Remove a key", KeyAction::kRemove), "name", flags.name,
           "Its name");
}

}  // namespace

Flags parse_flags(int argc, const char* const* argv) {
  CLI::App app("CCProxy: your own Claude account from any tool, through one small local server",
               "ccproxy");
  app.footer(R"(
  ccproxy start --demo              answers without an account
  ccproxy login                     signs in
  ccproxy start                     serves on http://127.0.0.1:3456
)");
  add_common(app);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.require_subcommand(1);
  StartFlags start;
  LoginFlags login;
  StatusFlags status;
  MockFlags mock;
  ConfigFlags config;
  KeyFlags key;
  const CLI::App* start_command = add_start(app, start);
  const CLI::App* login_command = add_login(app, login);
  const CLI::App* logout_command =
      add_command(app, "logout", "Remove the credential from auth.json");
  const CLI::App* status_command = add_status(app, status);
  const CLI::App* mock_command = add_mock(app, mock);
  const CLI::App* config_command = add_config(app, config);
  add_key(app, key);
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  translate_words(app, words);
  std::reverse(words.begin(), words.end());  // the order that the parser wants
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return early_exit_for(app, error);
  }
  if (start_command->parsed()) return start;
  if (login_command->parsed()) return login;
  if (logout_command->parsed()) return LogoutFlags{};
  if (status_command->parsed()) return status;
  if (mock_command->parsed()) return mock;
  if (config_command->parsed()) return config;
  return key;
}

}  // namespace ccproxy::cli
