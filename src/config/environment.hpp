// The environment variables that CCProxy knows, read once and passed on as a value.
#pragma once

#include <string>

#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::config {

struct Environment {
  std::string home{};                  // HOME
  std::string ccproxy_home{};          // CCPROXY_HOME: instead of ~/.ccproxy
  std::string upstream_url{};          // CCPROXY_UPSTREAM_URL
  std::string log_level{};             // CCPROXY_LOG
  std::string models_file{};           // CCPROXY_MODELS: a table instead of the built-in one
  std::string proxy_key{};             // CCPROXY_API_KEY: one more proxy key; secret
  std::string anthropic_api_key{};     // ANTHROPIC_API_KEY; secret
  std::string anthropic_auth_token{};  // ANTHROPIC_AUTH_TOKEN; secret
  std::string oauth_token{};           // CLAUDE_CODE_OAUTH_TOKEN; secret
  std::string anthropic_config_dir{};  // ANTHROPIC_CONFIG_DIR: instead of ~/.config/anthropic
  std::string anthropic_profile{};     // ANTHROPIC_PROFILE: instead of the active one
};

[[nodiscard]] Environment read_environment();

// The folder of configuration and credentials, and the configuration file in it.
[[nodiscard]] std::string home_folder(const Environment& environment);
[[nodiscard]] std::string config_path(const Environment& environment);
// The file that `ccproxy login` writes.
[[nodiscard]] std::string auth_path(const Environment& environment);

// Lays the environment over the configuration of the file. Fails with kConfiguration, naming the
// variable.
[[nodiscard]] Result<void> apply_environment(const Environment& environment, Config& config);

}  // namespace ccproxy::config
