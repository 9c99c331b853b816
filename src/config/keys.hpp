// The table of all keys of config.json: path, accepted values and purpose; the defaults are those
// of Config. Reading, checking, showing and docs/configuration.md are derived from it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "json/document.hpp"

namespace ccproxy::config {

// An error in a value: the place inside it (empty for the value itself; list items as "[1]"), and
// what must stand there.
struct Wrong {
  std::vector<std::string> inside;
  std::string must_be;
};

struct Key {
  std::string path;   // such as server.port
  std::string takes;  // for people: "integer from 0 to 65535"
  std::string about;
  // Puts a value of the file into the configuration, or returns what is wrong with it.
  std::function<std::optional<Wrong>(const json::Document&, Config&)> read;
  // Returns the value in a configuration, with secrets hidden.
  std::function<json::Document(const Config&)> show;
  bool live = true;  // a running server applies it; otherwise the next start does
};

[[nodiscard]] std::span<const Key> keys();

// Returns the key of that path; nullptr when there is none.
[[nodiscard]] const Key* find_key(std::string_view path);

// The error kInvalidRequest for an unknown key, with the keys that could have been meant.
[[nodiscard]] Error unknown_key(std::string_view path);

[[nodiscard]] std::optional<LogLevel> log_level_named(std::string_view name);

// The rule for names of proxy keys: they stand in logs, in the store and in file names.
inline constexpr std::string_view kKeyNameRule =
    "1 to 64 letters, digits, dots, underscores and dashes, the first a letter or digit";
[[nodiscard]] bool is_key_name(std::string_view text);

// Whether `text` can be a proxy key: it is sent in header fields, so visible ASCII without blanks.
[[nodiscard]] bool is_proxy_key(std::string_view text);

// Returns the whole text of docs/configuration.md.
[[nodiscard]] std::string reference();

}  // namespace ccproxy::config
