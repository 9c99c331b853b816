// ccproxy key: proxy keys, which are generated here and shown once.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/encoding.hpp"
#include "cli/commands.hpp"
#include "config/edit.hpp"
#include "config/environment.hpp"
#include "config/file.hpp"
#include "config/keys.hpp"
#include "json/document.hpp"
#include "net/crypto.hpp"

namespace ccproxy::cli {
namespace {

using json::Document;

constexpr std::size_t kEntropy = 32;                       // bytes
constexpr std::size_t kShown = 4;                          // last characters of a key, in lists
constexpr const char* kOfEnvironment = "CCPROXY_API_KEY";  // name of the key in that variable

int add(const std::string& path, const KeyFlags& flags) {
  if (!config::is_key_name(flags.name)) {
    fmt::print(stderr, "ccproxy: a key's name is {}\n", config::kKeyNameRule);
    return kUsage;
  }
  if (flags.name == kOfEnvironment) {
    fmt::print(stderr, "ccproxy: {} is the name of the key in the environment; take another\n",
               flags.name);
    return kUsage;
  }
  const config::NamedKey key{flags.name, "ccp_" + base64url(net::random_bytes(kEntropy))};
  if (auto added = config::add_api_key(path, key); !added) return report_file_error(added.error());
  if (flags.json) {
    fmt::print("{}\n", Document{{"name", key.name}, {"key", key.key}}.dump());
    return kOk;
  }
  fmt::print("{}\n", key.key);
  fmt::print(
      stderr,
      "\nThis is the key {}. It is not shown again. Clients send it as their API key (with "
      "credentials: client, as\nx-ccproxy-key). From now on every request must carry a key; a "
      "running server applies this by itself.\n",
      key.name);
  return kOk;
}

int list(const std::string& path, const config::Environment& environment, const KeyFlags& flags) {
  auto loaded = config::load(path);
  if (!loaded) return report_file_error(loaded.error());
  const std::size_t in_file = loaded->config.api_keys.size();  // the environment's key follows
  if (auto applied = config::apply_environment(environment, loaded->config); !applied)
    return report_file_error(applied.error());
  Document keys = Document::array();
  for (const config::NamedKey& key : loaded->config.api_keys) {
    const bool is_short = key.key.size() < 3 * kShown;  // its end would reveal too much of it
    keys.push_back({{"name", key.name},
                    {"ends", is_short ? "" : key.key.substr(key.key.size() - kShown)},
                    {"from", keys.size() < in_file ? "config.json" : "environment"}});
  }
  if (flags.json) {
    fmt::print("{}\n", keys.dump(2));
    return kOk;
  }
  for (const Document& key : keys)
    fmt::print("{}  ...{}{}\n", key["name"].get<std::string>(), key["ends"].get<std::string>(),
               key["from"] == "environment" ? "  (from the environment)" : "");
  if (keys.empty()) fmt::print("There are no proxy keys: requests need none.\n");
  return kOk;
}

int remove(const std::string& path, const config::Environment& environment, const KeyFlags& flags) {
  auto removed = config::remove_api_key(path, flags.name);
  if (!removed && removed.error().kind == ErrorKind::kNotFound && flags.name == kOfEnvironment &&
      !environment.proxy_key.empty())
    removed.error().message = fmt::format(
        "the key {} is set in the environment and can only be removed there", flags.name);
  if (!removed) return report_file_error(removed.error());
  if (flags.json) {
    fmt::print("{}\n", Document{{"removed", flags.name}}.dump());
  } else {
    fmt::print("The key {} is no longer valid; a running server applies this by itself.\n",
               flags.name);
    auto left = config::load(path);
    if (left && left->config.api_keys.empty() && environment.proxy_key.empty())
      fmt::print("{}", kNoKeysLeft);
  }
  return kOk;
}

}  // namespace

int key(const KeyFlags& flags) {
  const config::Environment environment = config::read_environment();
  const std::string path = config::config_path(environment);
  switch (flags.action) {
    case KeyAction::kAdd: return add(path, flags);
    case KeyAction::kList: return list(path, environment, flags);
    case KeyAction::kRemove: return remove(path, environment, flags);
  }
  return kFailure;
}

}  // namespace ccproxy::cli
