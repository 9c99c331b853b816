#include "cli/flags.hpp"

#include <CLI/CLI.hpp>
#include <sstream>
#include <string>

#include "base/version.hpp"

namespace ccproxy::cli {
namespace {

void quiet_help(CLI::App& command) { command.set_help_flag("--help", "Print this help and leave"); }

CLI::App* add_start(CLI::App& app, StartFlags& flags) {
  CLI::App* start = app.add_subcommand("start", "Start the proxy");
  quiet_help(*start);
  start->add_option("-p,--port", flags.port, "Port to listen on (default 3456; 0: any free one)");
  start->add_option("-h,--host", flags.host, "Address to listen on (default 127.0.0.1)");
  start->add_option("--socket", flags.socket, "Unix socket to listen on besides");
  start->add_option("--upstream", flags.upstream,
                    "Address of the Claude API or a gateway to it, http or https");
  start->add_option("--workers", flags.workers, "Threads that serve (default 1)")
      ->check(CLI::Range(1, 64));
  start->add_flag("--demo", flags.demo,
                  "Answer from a built-in simulated Claude API: no account, no network");
  start->add_flag("--verbose", flags.verbose, "Log the names of header fields, too");
  return start;
}

CLI::App* add_mock(CLI::App& app, MockFlags& flags) {
  CLI::App* mock = app.add_subcommand("mock", "Run the simulated Claude API alone, for tests");
  quiet_help(*mock);
  mock->add_option("-p,--port", flags.port, "Port to listen on (default 3457; 0: any free one)");
  mock->add_option("-h,--host", flags.host, "Address to listen on (default 127.0.0.1)");
  mock->add_option("--script", flags.script, "JSON file that says what to answer (docs/mock.md)")
      ->check(CLI::ExistingFile);
  mock->add_flag("--tls", flags.tls, "Speak TLS, with a certificate made now");
  mock->add_option("--ca-out", flags.ca_out, "File to write that certificate to (PEM)");
  mock->add_option("--pace", flags.pace,
                   "How streams are sent: human (default), events (one by one), none (at once)")
      ->check(CLI::IsMember({"human", "events", "none"}));
  mock->add_flag("--quiet", flags.quiet, "Print the address and nothing else");
  return mock;
}

CLI::App* add_config(CLI::App& app, ConfigFlags& flags) {
  CLI::App* config = app.add_subcommand("config", "Show or change the configuration");
  quiet_help(*config);
  config->require_subcommand(1);
  const auto action = [&](const char* name, const char* about, ConfigAction which) {
    CLI::App* command = config->add_subcommand(name, about);
    quiet_help(*command);
    command->callback([&flags, which] { flags.action = which; });
    return command;
  };
  action("path", "Print the path of the configuration file", ConfigAction::kPath);
  action("show", "Print the configuration in use, secrets hidden", ConfigAction::kShow);
  action("reset", "Back to the defaults; the old file is kept as config.json.bak",
         ConfigAction::kReset);
  action("reference", "Print every key with its default, as Markdown", ConfigAction::kReference);
  CLI::App* set = action("set-model", "Add or change a model mapping", ConfigAction::kSetModel);
  set->add_option("from", flags.from, "Name that clients use; * stands for any characters")
      ->required();
  set->add_option("to", flags.to, "Model to send instead")->required();
  CLI::App* remove = action("remove-model", "Remove a model mapping", ConfigAction::kRemoveModel);
  remove->add_option("name", flags.from, "Name to remove")->required();
  return config;
}

// CLI11 prints to streams and has exit codes of its own; ours are in flags.hpp.
Leave leave_for(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out, err;
  const bool good = app.exit(error, out, err) == 0;
  std::string text = good ? out.str() : err.str();
  if (text.empty()) text = good ? err.str() : out.str();
  return {good ? kOk : kUsage, text};
}

}  // namespace

Flags parse_flags(int argc, const char* const* argv) {
  CLI::App app("CCProxy: your own Claude account from any tool, through one small local server.",
               "ccproxy");
  quiet_help(app);
  app.set_version_flag("--version", "ccproxy " + std::string(version()),
                       "Print the version and leave");
  app.require_subcommand(1);
  StartFlags start;
  MockFlags mock;
  ConfigFlags config;
  const CLI::App* start_command = add_start(app, start);
  const CLI::App* mock_command = add_mock(app, mock);
  add_config(app, config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return leave_for(app, error);
  }
  if (start_command->parsed()) return start;
  if (mock_command->parsed()) return mock;
  return config;
}

}  // namespace ccproxy::cli
