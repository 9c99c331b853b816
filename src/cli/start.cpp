// ccproxy start: builds everything and passes it down, prints what a person needs to know, serves.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "anthropic/models.hpp"
#include "auth/credential_status.hpp"
#include "auth/credentials.hpp"
#include "auth/stored_credential.hpp"
#include "base/file.hpp"
#include "base/file_lock.hpp"
#include "base/memory.hpp"
#include "base/version.hpp"
#include "cli/commands.hpp"
#include "cli/demo_upstream.hpp"
#include "cli/instance_file.hpp"
#include "cli/models_in_use.hpp"
#include "cli/port_owner.hpp"
#include "config/base_url.hpp"
#include "config/edit.hpp"
#include "config/environment.hpp"
#include "config/file.hpp"
#include "net/runtime.hpp"
#include "proxy/state/shared_state.hpp"
#include "server/server.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::cli {
namespace {

// Flags take precedence over the environment, and the environment over the file.
Result<void> apply_flags(const StartFlags& flags, config::Config& config) {
  if (flags.port) config.server.port = *flags.port;
  if (flags.host) config.server.host = *flags.host;
  if (flags.socket) config.server.socket = *flags.socket;
  if (flags.workers) config.server.workers = *flags.workers;
  if (!flags.upstream) return {};
  if (auto url = config::parse_base_url(*flags.upstream); !url)
    return fail(ErrorKind::kConfiguration, "--upstream: " + url.error().message);
  config.upstream.base_url = *flags.upstream;
  return {};
}

telemetry::Format log_format(config::LogFormat format, bool is_person, bool verbose) {
  switch (format) {
    case config::LogFormat::kText: return telemetry::Format::kText;
    case config::LogFormat::kLogfmt: return telemetry::Format::kLogfmt;
    case config::LogFormat::kJson: return telemetry::Format::kJson;
    case config::LogFormat::kAuto: break;
  }
  if (!is_person) return telemetry::Format::kJson;
  return verbose ? telemetry::Format::kLogfmt : telemetry::Format::kText;
}

// https://no-color.org: any text that is not empty turns colours off.
bool wants_colours() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (refused == nullptr || *refused == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

telemetry::LogOptions log_options(const config::Log& log, bool verbose) {
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  const bool is_person = log.file.empty() && ::isatty(STDERR_FILENO) == 1;
  return {static_cast<telemetry::Level>(log.level),
          log_format(log.format, is_person, verbose),
          log.file,
          {log.max_megabytes * kMebibyte, log.max_files},
          is_person && wants_colours()};
}

// Returns an address that can be typed on this machine: a server on all addresses is on loopback,
// too.
std::string loopback_of(std::string address) {
  for (const auto& [all, loopback] :
       {std::pair("//0.0.0.0:", "//127.0.0.1:"), std::pair("//[::]:", "//[::1]:")})
    if (const auto at = address.find(all); at != std::string::npos)
      address.replace(at, std::string_view(all).size(), loopback);
  return address;
}

void print_demo_lines(const std::string& address, bool with_key) {
  const std::string_view key = with_key ? " -H 'x-ccproxy-key: <a proxy key>'" : "";
  fmt::print(
      "\nThis is the demo: a simulated Claude API answers; nothing leaves this machine. Try:\n\n"
      "curl -N {0}/v1/messages{1} -H 'content-type: application/json' -d "
      "'{{\"model\":\"sonnet\",\"max_tokens\":1024,\"stream\":true,"
      "\"messages\":[{{\"role\":\"user\",\"content\":\"Tell me about yourself\"}}]}}'\n\n"
      "curl {0}/v1/messages{1} -H 'content-type: application/json' -d "
      "'{{\"model\":\"claude-sonnet-5\",\"max_tokens\":1024,"
      "\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n\n"
      "curl {0}/v1/models{1}\n",
      address, key);
}

void print_credential(const auth::CredentialStatus& credential_status) {
  if (credential_status.state == auth::State::kReady) {
    fmt::print("credential: {}{}{}\n", auth::place_of(credential_status.source),
               credential_status.account.empty() ? "" : ", ", credential_status.account);
  } else {
    fmt::print("credential: none. {}\n", auth::error_of(credential_status).message);
  }
  for (const config::CredentialSource source : credential_status.shadowed)
    fmt::print("            {} exists, too, and is not used\n", auth::place_of(source));
}

// With `credentials` `client`, OpenAI's clients are left out: they cannot send the provider's
// credential.
void print_client_lines(const std::string& address, const config::Config& config) {
  const bool uses_client_credential = config.credentials == config::CredentialSource::kClient;
  const std::string_view key = uses_client_credential    ? "<your own credential>"
                               : config.api_keys.empty() ? "any"
                                                         : "<a proxy key>";
  fmt::print(
      "\nClaude Code:    ANTHROPIC_BASE_URL={0} ANTHROPIC_AUTH_TOKEN={1} claude\n"
      "Anthropic SDKs: ANTHROPIC_BASE_URL={0} ANTHROPIC_API_KEY={1}\n",
      address, key);
  if (!uses_client_credential)
    fmt::print("OpenAI clients: OPENAI_BASE_URL={0}/v1 OPENAI_API_KEY={1}\n", address, key);
}

// Prints what the names of the mapping cost, so that nobody learns it from the bill.
void print_models(const anthropic::ModelTable& models, const config::Config& config) {
  fmt::print("\nmodels:\n");
  for (const ModelInUse& model : models_in_use(models, config, wall_now()))
    fmt::print("  {} ({}): {}\n", fmt::join(model.names, ", "), model.id, model.about);
  std::fflush(stdout);
}

void print_banner(const server::Server& server, const config::Config& config,
                  const auth::Credentials& credentials, bool demo) {
  const std::string address = loopback_of(server.addresses().front());
  fmt::print("CCProxy {}\n", version());
  for (const std::string& each : server.addresses()) fmt::print("listening on {}\n", each);
  if (demo) {
    fmt::print("credential: none needed\n");
    print_demo_lines(address, !config.api_keys.empty());
  } else {
    fmt::print("upstream: {}\n", config.upstream.base_url);
    print_credential(*credentials.credential_status());
    if (!config.api_keys.empty()) fmt::print("proxy keys: {}\n", config.api_keys.size());
    print_client_lines(address, config);
  }
  std::fflush(stdout);
}

// Tells the person that responses are stored, and how to change that.
void print_store(const proxy::ResponseStore& responses, const config::Config& config) {
  if (!responses.archive()) return;
  fmt::print(
      "\nResponses are stored for {} days in {}. To stop that: `ccproxy config set store.enabled "
      "false`. To empty the store: delete the file while CCProxy is not running.\n",
      config.store.max_days, responses.path());
  std::fflush(stdout);
}

telemetry::Level level_of(auth::Severity severity) {
  switch (severity) {
    case auth::Severity::kInfo: return telemetry::Level::kInfo;
    case auth::Severity::kWarn: return telemetry::Level::kWarn;
    case auth::Severity::kError: break;
  }
  return telemetry::Level::kError;
}

// What a start is built from, besides the configuration.
struct Start {
  const StartFlags& flags;
  config::Environment environment = config::read_environment();
  std::string demo_url{};  // of the simulated API; empty without --demo

  // Loads the file, lays the environment over it, and the flags over both.
  [[nodiscard]] Result<config::Loaded> load() const;
  [[nodiscard]] auth::Sources sources() const;
  // The path of the store. The demo has one of its own.
  [[nodiscard]] std::string database_path() const;
};

Result<config::Loaded> Start::load() const {
  auto loaded = config::load(config::config_path(environment));
  if (!loaded) return loaded;
  config::Config& config = loaded->config;
  if (auto applied = config::apply_environment(environment, config); !applied)
    return fail(applied.error());
  if (auto applied = apply_flags(flags, config); !applied) return fail(applied.error());
  if (!demo_url.empty()) {
    config.upstream.base_url = demo_url;
    config.credentials = config::CredentialSource::kApiKeyEnv;
  }
  return loaded;
}

std::string Start::database_path() const {
  return fmt::format("{}/{}", config::home_folder(environment),
                     demo_url.empty() ? "responses.db" : "demo-responses.db");
}

auth::Sources Start::sources() const {
  if (demo_url.empty()) return auth::sources_of(environment);
  auth::Sources sources;  // the demo never sees the person's credentials
  sources.api_key = "demo";
  return sources;
}

// Recovers the sign-in that a ccproxy left when it was killed during a renewal. When another
// process holds the lock, that process is renewing and recovers it itself.
void recover_sign_in(const auth::Sources& sources, telemetry::Log& log) {
  if (sources.auth_path.empty() || leftover_files_of(sources.auth_path).empty()) return;
  const auto lock = FileLock::try_now(auth::lock_path(sources.auth_path));
  if (lock && *lock && auth::adopt_left_over(sources.auth_path))
    log.write_message(
        telemetry::Level::kInfo, "credential",
        "a renewed sign-in was recovered that a ccproxy had not put in place before it was "
        "killed");
}

int serve(const Start& start, config::Loaded loaded) {
  return_large_blocks();
  if (loaded.config.server.core_dumps) allow_core_dumps();
  auto log = telemetry::Log::open(log_options(loaded.config.log, start.flags.verbose));
  if (!log) return report_error(Error{ErrorKind::kConfiguration, log.error().message});
  auto models = load_models(start.environment);
  if (!models) return report_error(models.error());

  config::remove_left_overs(config::config_path(start.environment));
  recover_sign_in(start.sources(), **log);
  net::Runtime control;
  auth::Credentials credentials(
      control, start.sources(), loaded.config, fmt::format("ccproxy/{}", version()),
      [&log = **log](auth::Severity severity, const std::string& message) {
        log.write_message(level_of(severity), "credential", message);
      });
  const auto config = std::make_shared<const config::Config>(std::move(loaded.config));
  proxy::SharedState state(config, *models, credentials, **log, start.database_path(),
                           std::string(version()), start.flags.verbose);
  proxy::ResponseStore& responses = state.shared().responses;
  const auto configured = responses.configure(config->store);
  if (!configured)
    (*log)->write_message(telemetry::Level::kError, "store",
                          fmt::format("responses are not stored: {}", configured.error().message));
  server::Server server(state.shared(), control, {config::config_path(start.environment), [&start] {
                                                    return start.load();
                                                  }});
  if (auto listening = server.listen(); !listening)
    return report_error(
        explain_in_use(listening.error(), config::home_folder(start.environment), config->server));
  for (const std::string& warning : loaded.warnings)
    (*log)->write_message(telemetry::Level::kWarn, "configuration", warning);
  const InstanceFile instance_file(config::home_folder(start.environment), server.addresses());
  print_banner(server, *config, credentials, start.flags.demo);
  if (!start.flags.demo) print_models(*models, *config);
  print_store(responses, *config);
  server.run();
  return kOk;
}

}  // namespace

int start(const StartFlags& flags) {
  Start start{flags};
  std::unique_ptr<DemoUpstream> demo;
  if (flags.demo) {
    demo = std::make_unique<DemoUpstream>();
    auto address = demo->listen();
    if (!address) return report_error(address.error());
    start.demo_url = *address;
  }
  auto loaded = start.load();
  if (!loaded) return report_error(loaded.error());
  return serve(start, std::move(*loaded));
}

}  // namespace ccproxy::cli
