#include "config/environment.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "config/base_url.hpp"
#include "config/keys.hpp"

namespace ccproxy::config {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Environment read_environment() {
  return {.home = variable("HOME"),
          .ccproxy_home = variable("CCPROXY_HOME"),
          .upstream_url = variable("CCPROXY_UPSTREAM_URL"),
          .log_level = variable("CCPROXY_LOG"),
          .models_file = variable("CCPROXY_MODELS"),
          .proxy_key = variable("CCPROXY_API_KEY"),
          .anthropic_api_key = variable("ANTHROPIC_API_KEY"),
          .anthropic_auth_token = variable("ANTHROPIC_AUTH_TOKEN"),
          .oauth_token = variable("CLAUDE_CODE_OAUTH_TOKEN"),
          .anthropic_config_dir = variable("ANTHROPIC_CONFIG_DIR"),
          .anthropic_profile = variable("ANTHROPIC_PROFILE")};
}

std::string home_folder(const Environment& environment) {
  if (!environment.ccproxy_home.empty()) return environment.ccproxy_home;
  return (environment.home.empty() ? "." : environment.home) + "/.ccproxy";
}

std::string config_path(const Environment& environment) {
  return home_folder(environment) + "/config.json";
}

std::string auth_path(const Environment& environment) {
  return home_folder(environment) + "/auth.json";
}

Result<void> apply_environment(const Environment& environment, Config& config) {
  if (!environment.upstream_url.empty()) {
    if (!parse_base_url(environment.upstream_url))
      return fail(ErrorKind::kConfiguration,
                  "CCPROXY_UPSTREAM_URL must be like https://host, https://host:port or "
                  "https://host/path");
    config.upstream.base_url = environment.upstream_url;
  }
  if (!environment.log_level.empty()) {
    const auto level = log_level_named(environment.log_level);
    if (!level)
      return fail(ErrorKind::kConfiguration,
                  fmt::format("CCPROXY_LOG must be debug, info, warn or error, not \"{}\"",
                              environment.log_level));
    config.log.level = *level;
  }
  if (!environment.proxy_key.empty()) {
    if (!is_proxy_key(environment.proxy_key))
      return fail(ErrorKind::kConfiguration,
                  "CCPROXY_API_KEY must be visible ASCII characters without blanks");
    config.api_keys.push_back({"CCPROXY_API_KEY", environment.proxy_key});
  }
  return {};
}

}  // namespace ccproxy::config
