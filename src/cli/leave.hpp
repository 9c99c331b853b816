// What is printed at once and left with: help, the version, and what is wrong with the arguments,
// with the word that was perhaps meant. The parser's types are only passed through.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): it is the library's
class App;
class ParseError;
}  // namespace CLI

namespace ccproxy::cli {

// Turns what a person may say in place of a flag into one: `help`, `help COMMAND`, `config help`,
// `version`, `-h` without a value, and nothing at all.
void translate_words(const CLI::App& app, std::vector<std::string>& words);

// What to print, and the exit code, for what ended `app.parse`.
[[nodiscard]] EarlyExit leave_for(const CLI::App& app, const CLI::ParseError& error);

}  // namespace ccproxy::cli
