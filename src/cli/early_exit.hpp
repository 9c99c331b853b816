// Early exits: help, the version, and mistakes in the arguments, with the word that was perhaps
// meant. The parser's types are only passed through.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): it is the library's
class App;
class ParseError;
}  // namespace CLI

namespace ccproxy::cli {

// Turns words that a person may write in place of a flag into that flag: `help`, `help COMMAND`,
// `config help`, `version`, `-h` without a value, and no argument at all.
void translate_words(const CLI::App& app, std::vector<std::string>& words);

// Returns what to print, and the exit code, when `error` ended `app.parse`.
[[nodiscard]] EarlyExit early_exit_for(const CLI::App& app, const CLI::ParseError& error);

}  // namespace ccproxy::cli
