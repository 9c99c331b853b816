// Every key of config.json in one table: its path, what it takes and what it is for; the defaults
// are those of Config. Reading, checking, showing and docs/configuration.md come from it.
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

// What is wrong with a value: the place inside it (empty: the value itself; list items as "[1]"),
// and what must stand there.
struct Wrong {
  std::vector<std::string> inside;
  std::string must_be;
};

struct Key {
  std::string path;   // such as server.port
  std::string takes;  // for people: "integer from 0 to 65535"
  std::string about;
  // Puts a value of the file into the configuration, unless it is not what the key takes.
  std::function<std::optional<Wrong>(const json::Document&, Config&)> read;
  // The value in a configuration, with secrets hidden.
  std::function<json::Document(const Config&)> show;
  bool live = true;  // a running server takes it up; else the next start does
};

[[nodiscard]] std::span<const Key> keys();

// The key of that path; nullptr when there is none.
[[nodiscard]] const Key* find_key(std::string_view path);

// kInvalidRequest, with the keys that could have been meant.
[[nodiscard]] Error unknown_key(std::string_view path);

[[nodiscard]] std::optional<LogLevel> log_level_named(std::string_view name);

// What the name of a proxy key may be: it stands in logs, in the store and in file names of others.
inline constexpr std::string_view kKeyNameRule =
    "1 to 64 letters, digits, dots, underscores and dashes, the first a letter or digit";
[[nodiscard]] bool is_key_name(std::string_view text);

// True when `text` can be a proxy key: it travels in header fields, so visible ASCII, no blanks.
[[nodiscard]] bool is_proxy_key(std::string_view text);

// docs/configuration.md, whole.
[[nodiscard]] std::string reference();

}  // namespace ccproxy::config
