#include "cli/flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "base/version.hpp"
#include "config/base_url.hpp"

namespace ccproxy::cli {
namespace {

constexpr std::uint64_t kLastPort = 65'535;

// What every command has. `-h` is the host, so help has its long name only.
void add_common(CLI::App& command) {
  command.set_help_flag("--help", "Print this help and leave");
  command.set_version_flag("--version", fmt::format("ccproxy {}", version()),
                           "Print the version and leave");
}

CLI::App* add_command(CLI::App& app, const char* name, const char* about) {
  CLI::App* command = app.add_subcommand(name, about);
  add_common(*command);
  return command;
}

// A decimal number: the parser's own would take 010 for 8.
template <class Number>
CLI::Option* add_number(CLI::App& command, const std::string& names, Number& into,
                        std::uint64_t least, std::uint64_t most, const std::string& about) {
  const std::string name = names.substr(names.find("--"));
  const auto read = [&into, least, most, name](const std::string& text) {
    const auto number = parse_decimal(text);
    if (!number || *number < least || *number > most)
      throw CLI::ValidationError(
          fmt::format("{} must be an integer from {} to {}", name, least, most));
    into = static_cast<std::uint16_t>(*number);  // no flag goes beyond a port
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
  CLI::App* start = add_command(app, "start", "Start the proxy");
  add_number(*start, "-p,--port", flags.port, 0, kLastPort,
             "Port to listen on (default 3456; 0: any free one)");
  start->add_option("-h,--host", flags.host, "Address to listen on (default 127.0.0.1)")
      ->type_name("ADDRESS");
  start->add_option("--socket", flags.socket, "Unix socket to listen on besides")
      ->type_name("PATH");
  CLI::Option* upstream = start->add_option(
      "--upstream", flags.upstream, "Address of the Claude API or a gateway to it, http or https");
  upstream->type_name("URL")->check(check_upstream, "");
  add_number(*start, "--workers", flags.workers, 1, 64, "Threads that serve (default 1)");
  start
      ->add_flag("--demo", flags.demo,
                 "Answer from a built-in simulated Claude API: no account, no network")
      ->excludes(upstream);
  start->add_flag("--verbose", flags.verbose, "Log the names of header fields, too");
  return start;
}

CLI::App* add_login(CLI::App& app, LoginFlags& flags) {
  CLI::App* login = add_command(app, "login", "Sign in, and keep the credential in auth.json");
  CLI::Option* manual =
      login->add_flag("--manual", flags.manual, "Print an address to open anywhere, take a code");
  CLI::Option* no_browser =
      login->add_flag("--no-browser", flags.no_browser, "Print the addresses, open no browser");
  CLI::Option* api_key = login->add_flag(
      "--api-key", flags.api_key, "Keep an API key; it is asked for, or read from standard input");
  CLI::Option* token = login->add_flag(
      "--token", flags.token, "Keep a long-lived token, made by `claude setup-token`; the same");
  login->add_flag("--yes", flags.yes,
                  "Ask no questions: the terms are read, replace what is there");
  manual->excludes(no_browser)->excludes(api_key)->excludes(token);
  no_browser->excludes(api_key)->excludes(token);
  api_key->excludes(token);
  return login;
}

CLI::App* add_status(CLI::App& app, StatusFlags& flags) {
  CLI::App* status = add_command(
      app, "status", "Show the credential in use, running servers and the limits they saw last");
  status->add_flag("--json", flags.json, "Print it as JSON");
  return status;
}

CLI::App* add_mock(CLI::App& app, MockFlags& flags) {
  CLI::App* mock = add_command(app, "mock", "Run the simulated Claude API alone, for tests");
  add_number(*mock, "-p,--port", flags.port, 0, kLastPort,
             "Port to listen on (default 3457; 0: any free one)");
  mock->add_option("-h,--host", flags.host, "Address to listen on (default 127.0.0.1)")
      ->type_name("ADDRESS");
  mock->add_option("--script", flags.script, "JSON file that says what to answer (docs/mock.md)")
      ->type_name("PATH");
  CLI::Option* tls = mock->add_flag("--tls", flags.tls, "Speak TLS, with a certificate made now");
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

CLI::App* add_config(CLI::App& app, ConfigFlags& flags) {
  CLI::App* config = add_command(app, "config", "Show or change the configuration");
  config->require_subcommand(1);
  const auto add_action = [&](const char* name, const char* about, ConfigAction which) {
    CLI::App* command = add_command(*config, name, about);
    command->callback([&flags, which] { flags.action = which; });
    return command;
  };
  const auto add_json = [&](CLI::App* command) {
    command->add_flag("--json", flags.json, "Print it as JSON");
  };
  add_json(add_action("path", "Print the path of the configuration file", ConfigAction::kPath));
  add_json(add_action("show", "Print the configuration in use as JSON, secrets hidden",
                      ConfigAction::kShow));
  CLI::App* get = add_action("get", "Print one value in use", ConfigAction::kGet);
  get->add_option("key", flags.from, "Such as server.port, modelMapping.gpt-4, or log")
      ->required()
      ->check(check_filled, "");
  add_json(get);
  CLI::App* put = add_action("set", "Change one value", ConfigAction::kSet);
  put->add_option("key", flags.from, "Such as server.port or modelMapping.gpt-4")
      ->required()
      ->check(check_filled, "");
  put->add_option("value", flags.to, "JSON, else a string; null goes back to the default")
      ->required();
  add_action("check", "Read the configuration and say what is wrong with it", ConfigAction::kCheck)
      ->add_option("file", flags.from, "Another file than the one in use")
      ->check(check_filled, "");
  CLI::App* set = add_action("set-model", "Add or change a model mapping", ConfigAction::kSetModel);
  set->add_option("from", flags.from, "Name that clients use; * stands for any characters")
      ->required()
      ->check(check_filled, "");
  set->add_option("to", flags.to, "Model to send instead")->required()->check(check_filled, "");
  CLI::App* remove =
      add_action("remove-model", "Remove a model mapping", ConfigAction::kRemoveModel);
  remove->add_option("name", flags.from, "Name to remove")->required()->check(check_filled, "");
  add_action("reset", "Back to the defaults; the old file is kept as config.json.bak",
             ConfigAction::kReset);
  // For those who work on CCProxy: the test of docs/configuration.md asks for it.
  add_action("reference", "Print docs/configuration.md", ConfigAction::kReference)->group("");
  return config;
}

void add_key(CLI::App& app, KeyFlags& flags) {
  CLI::App* key = add_command(app, "key", "Make, list and remove proxy keys");
  key->require_subcommand(1);
  const auto add_action = [&](const char* name, const char* about, KeyAction which) {
    CLI::App* command = add_command(*key, name, about);
    command->callback([&flags, which] { flags.action = which; });
    command->add_flag("--json", flags.json, "Print it as JSON");
    return command;
  };
  add_action("add", "Make a key and print it, once", KeyAction::kAdd)
      ->add_option("name", flags.name, "What the log calls it")
      ->required()
      ->check(check_filled, "");
  add_action("list", "Print the names, and how the keys end", KeyAction::kList);
  add_action("remove", "Remove a key", KeyAction::kRemove)
      ->add_option("name", flags.name, "Its name")
      ->required()
      ->check(check_filled, "");
}

// The command as far as it was understood, such as "ccproxy config set-model".
std::string command_of(const CLI::App& app) {
  std::string words = app.get_name();
  for (const auto* command = &app; !command->get_subcommands().empty();) {
    command = command->get_subcommands().front();
    words += " " + command->get_name();
  }
  return words;
}

// What is wrong, in a few words of ours where the parser's are not clear.
std::string mistake_of(const CLI::App& app, const CLI::ParseError& error) {
  std::string what = error.what();
  const auto colon = what.find(": ");
  const std::string before = what.substr(0, colon);
  const std::string after = colon == std::string::npos ? "" : what.substr(colon + 2);
  // What stands after `login` may be a secret: it is not repeated, for logs to keep.
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
    return app.got_subcommand("login") && !after.starts_with('-')
               ? "a key or token is never an argument (it is asked for, or read from standard "
                 "input)"
               : fmt::format("{} is not known here", after);
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr)
    return after.substr(0, after.find(" = ")) + " takes no value";
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr)
    return before + " needs a value";
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr && !after.empty())
    return before + " " + after;
  if (what != "A subcommand is required") return what;
  const auto unknown = app.remaining(true);
  return unknown.empty() ? "a command is missing" : unknown.front() + " is not a command";
}

// CLI11 prints to streams and has exit codes of its own; ours are in flags.hpp.
Leave leave_for(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    std::ostringstream out;
    app.exit(error, out, out);
    return {kOk, out.str()};
  }
  return {kUsage,
          fmt::format("ccproxy: {}; see `{} --help`\n", mistake_of(app, error), command_of(app))};
}

}  // namespace

Flags parse_flags(int argc, const char* const* argv) {
  CLI::App app("CCProxy: your own Claude account from any tool, through one small local server.",
               "ccproxy");
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
      add_command(app, "logout", "Forget the credential that auth.json keeps");
  const CLI::App* status_command = add_status(app, status);
  const CLI::App* mock_command = add_mock(app, mock);
  const CLI::App* config_command = add_config(app, config);
  add_key(app, key);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return leave_for(app, error);
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
