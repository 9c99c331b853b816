// Every key of config.json in one table: its path, what it takes, its default and what it is for.
// Parsing, checking and docs/configuration.md come from it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"
#include "json/document.hpp"

namespace ccproxy::config {

struct Key {
  std::string_view path;   // such as server.port
  std::string_view takes;  // for people: "integer, 0 to 65535"
  std::string_view about;
  // Puts a value of the file into the configuration; false when it is not what the key takes.
  std::function<bool(const json::Document&, Config&)> read;
  // The value in a configuration, with secrets hidden.
  std::function<json::Document(const Config&)> show;
};

[[nodiscard]] std::span<const Key> keys();

[[nodiscard]] std::optional<LogLevel> log_level_named(std::string_view name);

// docs/configuration.md's table.
[[nodiscard]] std::string reference();

}  // namespace ccproxy::config
