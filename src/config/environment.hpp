// What the environment says, read once and passed on as a value.
#pragma once

#include <string>

#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::config {

struct Environment {
  std::string home;               // HOME
  std::string ccproxy_home;       // CCPROXY_HOME: instead of ~/.ccproxy
  std::string upstream_url;       // CCPROXY_UPSTREAM_URL
  std::string log_level;          // CCPROXY_LOG
  std::string proxy_key;          // CCPROXY_API_KEY: one more proxy key, for containers; secret
  std::string anthropic_api_key;  // ANTHROPIC_API_KEY; secret
};

[[nodiscard]] Environment read_environment();

// The folder of configuration and credentials, and the configuration file in it.
[[nodiscard]] std::string home_folder(const Environment& environment);
[[nodiscard]] std::string config_path(const Environment& environment);

// Lays the environment over what the file says. Fails with kConfiguration, naming the variable.
[[nodiscard]] Result<void> apply_environment(const Environment& environment, Config& config);

}  // namespace ccproxy::config
