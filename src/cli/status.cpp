// ccproxy status: which credential is in use and why, who pays for it, which servers run, and the
// limits they saw last. It connects to nothing but servers on this machine.
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "auth/credentials.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "cli/commands.hpp"
#include "cli/instance_file.hpp"
#include "cli/models_in_use.hpp"
#include "config/base_url.hpp"
#include "config/environment.hpp"
#include "config/file.hpp"
#include "http/fetch.hpp"
#include "json/document.hpp"
#include "net/runtime.hpp"

namespace ccproxy::cli {
namespace {

using json::Document;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kTimeout{2};
constexpr std::size_t kMaxHealth = std::size_t{256} << 10;

// --- Facts ---------------------------------------------------------------------------------------

Document credential_facts(const auth::CredentialStatus& credential_status) {
  Document facts = {{"kind", auth::kind_of(credential_status)},
                    {"state", auth::name_of(credential_status.state)},
                    {"source", auth::name_of(credential_status.source)},
                    {"found_in", auth::place_of(credential_status.source)}};
  if (!credential_status.account.empty()) facts["account"] = credential_status.account;
  if (!credential_status.organization.empty())
    facts["organization"] = credential_status.organization;
  // The expiry of a sign-in that is over would look like time that is left.
  if (credential_status.expires && credential_status.state == auth::State::kReady)
    facts["expires"] = unix_milliseconds(*credential_status.expires);
  if (const auto billing = auth::billing_of(credential_status); !billing.empty())
    facts["billing"] = billing;
  if (!credential_status.problem.empty()) facts["trouble"] = credential_status.problem;
  facts["not_used"] = Document::array();
  for (const config::CredentialSource source : credential_status.shadowed)
    facts["not_used"].push_back(auth::name_of(source));
  return facts;
}

Task<void> fetch_health(net::Runtime& runtime, http::Client& client, std::string key,
                        std::optional<Document>& into) {
  net::Cancellation cancellation;
  net::Deadline timeout(runtime, [&cancellation] { cancellation.cancel(); });
  timeout.expires_after(kTimeout);
  std::vector<http::Field> fields;
  if (!key.empty()) fields.push_back({"x-ccproxy-key", key});
  const http::OutgoingRequest request{"GET", "/health", fields, {}};
  auto response = co_await http::fetch(client, request, {}, kMaxHealth, cancellation);
  if (response && response->head.status == 200)
    if (auto body = json::parse_document(response->body)) into = std::move(*body);
  runtime.stop();
}

// Returns what a server's /health says; nothing when it does not answer.
std::optional<Document> health_of(const std::string& address, const std::string& key) {
  const auto url = config::parse_base_url(address);
  if (!url) return std::nullopt;
  net::Runtime runtime;
  http::Origin origin{false, url->host, url->port, url->host_header};
  http::Client client(runtime, std::move(origin), nullptr, http::ClientLimits{});
  std::optional<Document> health;
  runtime.spawn(fetch_health(runtime, client, key, health));
  runtime.run();
  return health;
}

Document server_facts(const std::string& home, const config::Config& config) {
  Document list = Document::array();
  const std::string key = config.api_keys.empty() ? "" : config.api_keys.front().key;
  for (const RunningServer& server : running_servers(home)) {
    Document facts = {{"pid", server.pid}, {"addresses", server.addresses}};
    for (const std::string& address : server.addresses) {
      if (!address.starts_with("http")) continue;
      const auto health = health_of(address, key);
      if (health) facts["health"] = *health;
      break;
    }
    list.push_back(std::move(facts));
  }
  return list;
}

Document model_facts(const anthropic::ModelTable& models, const config::Config& config) {
  Document list = Document::array();
  for (const ModelInUse& model : models_in_use(models, config, wall_now()))
    list.push_back({{"id", model.id}, {"names", model.names}, {"about", model.about}});
  return list;
}

// --- Output --------------------------------------------------------------------------------------

std::string time_left(std::int64_t until_ms) {
  const auto left = (until_ms - unix_milliseconds(WallClock::now())) / 1000;
  const auto size = left < 0 ? -left : left;
  const std::string span = size < 90     ? fmt::format("{} s", size)
                           : size < 5400 ? fmt::format("{} min", size / 60)
                           : size < 48 * 3600
                               ? fmt::format("{} h {} min", size / 3600, size / 60 % 60)
                               : fmt::format("{} days", size / 86'400);
  return left <= 0 ? span + " ago" : "in " + span;
}

std::string text_in(const Document& facts, const char* name) {
  const auto found = facts.find(name);
  return found != facts.end() && found->is_string() ? found->get<std::string>() : "";
}

void print_credential(const Document& facts) {
  const std::string state = text_in(facts, "state");
  fmt::print("credential: {}", state == "missing" ? "none" : text_in(facts, "found_in"));
  if (!text_in(facts, "account").empty()) fmt::print(", {}", text_in(facts, "account"));
  if (!text_in(facts, "organization").empty()) fmt::print(" ({})", text_in(facts, "organization"));
  fmt::print("\n  state: {}\n", state == "login_required" ? "login required" : state);
  if (facts.contains("trouble")) fmt::print("  problem: {}\n", text_in(facts, "trouble"));
  if (facts.contains("expires")) {
    const auto expires = facts["expires"].get<std::int64_t>();
    const bool is_over = expires <= unix_milliseconds(WallClock::now());
    const bool is_renewable = text_in(facts, "kind") == "oauth";
    fmt::print("  {}: {}{}\n", is_over ? "expired" : "expires", time_left(expires),
               is_renewable ? "; a running server renews it by itself" : "");
  }
  if (facts.contains("billing")) fmt::print("  billing: {}\n", text_in(facts, "billing"));
  for (const Document& source : facts["not_used"])
    fmt::print("  not used: {} (credentials: {} would take it)\n", source.get<std::string>(),
               source.get<std::string>());
  if (state == "missing") fmt::print("  sign in with `ccproxy login`, or set ANTHROPIC_API_KEY\n");
}

struct Window {
  const char* name;
  const char* label;
};
constexpr std::array<Window, 4> kWindows = {{{"5h", "5 hours"},
                                             {"7d", "7 days"},
                                             {"7d_oi", "7 days, with usage credits"},
                                             {"overage", "usage credits"}}};

// Shows 0.12 as "12 %", and what is no number as it is.
std::string percent(const std::string& fraction) {
  char* end = nullptr;
  const double value = std::strtod(fraction.c_str(), &end);
  if (end == fraction.c_str()) return fraction;
  return fmt::format("{:.0f} %", value <= 0 ? 0.0 : value * 100);
}

void print_windows(const Document& fields) {
  const auto unified = [&](const std::string& name) {
    return text_in(fields, ("anthropic-ratelimit-unified-" + name).c_str());
  };
  for (const Window& window : kWindows) {
    const std::string name = window.name;
    const std::string used = unified(name + "-utilization"), status = unified(name + "-status");
    if (used.empty() && status.empty()) continue;
    fmt::print("    {}: {}{}{}", window.label, used.empty() ? "" : percent(used) + " used",
               used.empty() || status.empty() ? "" : ", ", status);
    if (const auto reset = parse_decimal(unified(name + "-reset")))
      fmt::print(", resets {}", time_left(static_cast<std::int64_t>(*reset) * 1000));
    fmt::print("\n");
  }
  if (unified("overage-in-use") == "true")
    fmt::print("    usage credits are in use: requests cost money\n");
  for (const char* what : {"requests", "tokens", "input-tokens", "output-tokens"}) {
    const std::string name = std::string("anthropic-ratelimit-") + what;
    const std::string limit = text_in(fields, (name + "-limit").c_str());
    if (limit.empty()) continue;
    fmt::print("    {}: {} of {} left\n", what, text_in(fields, (name + "-remaining").c_str()),
               limit);
  }
}

void print_server(const Document& server) {
  fmt::print("server:");
  for (const Document& address : server["addresses"]) fmt::print(" {}", address.get<std::string>());
  fmt::print(" (pid {})\n", server["pid"].get<int>());
  const auto health = server.find("health");
  if (health == server.end()) {
    fmt::print("  it does not answer\n");
    return;
  }
  if (health->contains("credential")) {
    const Document& credential = (*health)["credential"];
    fmt::print("  credential in use there: {}, {}\n", text_in(credential, "kind"),
               text_in(credential, "state"));
    if (credential.contains("unsaved"))
      fmt::print("  its renewed sign-in is not saved: auth.json cannot be written\n");
    if (credential.contains("failure"))
      fmt::print("  the last renewal failed: {}\n", text_in(credential, "failure"));
  }
  const auto limits = health->find("limits");
  if (limits == health->end()) return;
  fmt::print("  limits, last seen {}:\n", time_left((*limits)["seen"].get<std::int64_t>()));
  print_windows((*limits)["fields"]);
}

void print_models(const Document& models) {
  fmt::print("models:\n");
  for (const Document& model : models) {
    fmt::print("  {}: {}\n    for", text_in(model, "id"), text_in(model, "about"));
    for (const Document& name : model["names"])
      fmt::print("{} {}", &name == &model["names"].front() ? "" : ",", name.get<std::string>());
    fmt::print("\n");
  }
}

void print_status(const Document& status) {
  fmt::print("CCProxy {}\nconfiguration: {}\n", text_in(status, "version"),
             text_in(status, "configuration"));
  print_credential(status["credential"]);
  print_models(status["models"]);
  for (const Document& server : status["servers"]) print_server(server);
  if (status["servers"].empty()) fmt::print("server: none is running; start one: ccproxy start\n");
}

}  // namespace

int status(const StatusFlags& flags) {
  const config::Environment environment = config::read_environment();
  const std::string path = config::config_path(environment);
  auto loaded = config::load(path);
  if (!loaded) return report_error(loaded.error());
  if (auto applied = config::apply_environment(environment, loaded->config); !applied)
    return report_error(applied.error());

  auto models = load_models(environment);
  if (!models) return report_error(models.error());

  net::Runtime unused;  // no renewal runs here
  const auth::Credentials credentials(unused, auth::sources_of(environment), loaded->config, "",
                                      [](auth::Severity severity, const std::string& message) {
                                        if (severity == auth::Severity::kWarn)
                                          fmt::print(stderr, "ccproxy: {}\n", message);
                                      });
  const auto credential_status = credentials.credential_status();
  const Document status = {
      {"version", version()},
      {"configuration", path},
      {"credential", credential_facts(*credential_status)},
      {"models", model_facts(*models, loaded->config)},
      {"servers", server_facts(config::home_folder(environment), loaded->config)}};
  if (flags.json) {
    fmt::print("{}\n", status.dump(2, ' ', false, Document::error_handler_t::replace));
  } else {
    print_status(status);
  }
  return credential_status->state == auth::State::kReady ? kOk : kFailure;
}

}  // namespace ccproxy::cli
