#include "cli/early_exit.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/near_miss.hpp"
#include "base/version.hpp"
#include "cli/help.hpp"

namespace ccproxy::cli {
namespace {

// --- Help ----------------------------------------------------------------------------------------

// Returns "-p, --port N" for a flag, "KEY" for an argument.
std::string shown_name(const CLI::Option& option) {
  if (option.get_positional()) {
    std::string name = option.get_single_name();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return name;
  }
  std::string name;
  for (const std::string& letter : option.get_snames()) name += "-" + letter + ", ";
  for (const std::string& word : option.get_lnames()) name += "--" + word;
  if (option.get_items_expected_max() > 0) name += " " + option.get_type_name();
  return name;
}

// Returns the commands as far as they were understood: the program, then each word.
std::vector<const CLI::App*> levels_of(const CLI::App& app) {
  std::vector<const CLI::App*> levels = {&app};
  while (!levels.back()->get_subcommands().empty())
    levels.push_back(levels.back()->get_subcommands().front());
  return levels;
}

// Returns words such as "ccproxy config set-model".
std::string command_of(const CLI::App& app) {
  std::string words;
  for (const CLI::App* level : levels_of(app))
    words += (words.empty() ? "" : " ") + level->get_name();
  return words;
}

// Returns the command of that name in `level`; nullptr when there is none.
const CLI::App* command_in(const CLI::App& level, const std::string& name) {
  const auto found =
      level.get_subcommands([&](const CLI::App* c) { return c->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

HelpPage page_of(const CLI::App& app) {
  const CLI::App& command = *levels_of(app).back();
  HelpPage page{command_of(app), command.get_description() + "."};
  std::vector<HelpRow> last;  // help and version, which are the same everywhere
  for (const CLI::Option* option : command.get_options({})) {
    HelpRow row{shown_name(*option), option->get_description()};
    if (option->get_positional()) {
      page.arguments.push_back(std::move(row));
    } else if (option == command.get_help_ptr() || option == command.get_version_ptr()) {
      last.push_back(std::move(row));
    } else {
      page.flags.push_back(std::move(row));
    }
  }
  page.flags.insert(page.flags.end(), last.begin(), last.end());
  const auto is_shown = [](const CLI::App* inner) { return !inner->get_group().empty(); };
  for (const CLI::App* inner : command.get_subcommands({}))
    if (is_shown(inner)) page.commands.push_back({inner->get_name(), inner->get_description()});
  if (&command == &app)
    page.commands.insert(page.commands.end(), {{"help COMMAND", "Print the help of a command"},
                                               {"version", "Print the version"}});
  if (!page.commands.empty()) page.usage += " COMMAND";
  for (const HelpRow& argument : page.arguments)
    page.usage += argument.name == "FILE" ? " [FILE]" : " " + argument.name;
  page.usage += " [FLAGS]";
  const std::string examples = command.get_footer();
  page.examples = examples.substr(std::min(examples.size(), examples.find_first_not_of('\n')));
  return page;
}

// --- Mistakes ------------------------------------------------------------------------------------

// Returns what is known where `level` reads its words: flags, or commands.
std::vector<std::string> known_flags(const CLI::App& level) {
  std::vector<std::string> known;
  for (const CLI::Option* option : level.get_options({}))
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  return known;
}

std::vector<std::string> known_commands(const CLI::App& level) {
  std::vector<std::string> known;
  for (const CLI::App* inner : level.get_subcommands({}))
    if (!inner->get_group().empty()) known.push_back(inner->get_name());
  return known;
}

bool is_flag(std::string_view word) { return word.size() > 1 && word.starts_with('-'); }

// Returns text such as "--prot (did you mean --port?)".
std::string with_suggestion(std::string_view word, const std::string& meant) {
  return meant.empty() ? std::string(word) : fmt::format("{} (did you mean {}?)", word, meant);
}

// Returns an unknown flag without its value. Behind `login` no more of it is repeated than the
// length of a flag: a secret may have been typed right behind one.
std::string unknown_flag(const CLI::App& level, std::string_view word) {
  constexpr std::size_t kMaxLoginFlag = 14, kMaxFlag = 64;
  const std::size_t most = level.get_name() == "login" ? kMaxLoginFlag : kMaxFlag;
  const std::string_view name = word.substr(0, word.find('='));
  const std::string shown =
      name.size() > most ? fmt::format("{}...", name.substr(0, most)) : std::string(name);
  std::string meant = nearest(name, known_flags(level));
  // Perhaps the flag belongs to a command that is missing before it.
  if (meant.empty() && level.get_parent() == nullptr) {
    const CLI::App* start = command_in(level, "start");
    if (const auto flag = nearest(name, known_flags(*start)); !flag.empty())
      meant = fmt::format("`{} start {}`", level.get_name(), flag);
  }
  return with_suggestion(shown, meant);
}

// The words that the parser did not understand, in their order, without values of unknown flags.
struct Unknown {
  std::vector<std::string> flags, all;  // `all` holds flags and other words
};

Unknown unknown_in(const CLI::App& app) {
  Unknown unknown;
  for (const CLI::App* level : levels_of(app)) {
    bool may_be_value = false;
    for (const std::string& word : level->remaining(false)) {
      if (is_flag(word)) {
        unknown.flags.push_back(unknown_flag(*level, word));
        unknown.all.push_back(unknown.flags.back());
      } else if (!may_be_value) {
        unknown.all.push_back(with_suggestion(word, nearest(word, known_flags(*level))));
      }
      may_be_value = is_flag(word) && word.find('=') == std::string::npos;
    }
  }
  return unknown;
}

std::string not_known(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words)
    list += (list.empty() ? "" : &word == &words.back() ? " and " : ", ") + word;
  return fmt::format("{} {} not known here", list, words.size() == 1 ? "is" : "are");
}

bool begins_with_flag(const CLI::App& level) {
  const auto words = level.remaining(false);
  return !words.empty() && is_flag(words.front());
}

// The message for a missing command, or for a word that is no command.
std::string no_command(const CLI::App& app) {
  const CLI::App& level = *levels_of(app).back();
  const auto words = level.remaining(false);
  if (words.empty()) return "a command is missing";
  std::vector<std::string> known = known_commands(level);
  if (&level == &app) known.insert(known.end(), {"help", "version"});
  return with_suggestion(words.front(), nearest(words.front(), known))
      .insert(words.front().size(), " is not a command");
}

// Says what is wrong in a few words of ours, where the parser's are not clear.
std::string mistake_of(const CLI::App& app, const CLI::ParseError& error) {
  std::string what = error.what();
  const auto colon = what.find(": ");
  const std::string before = what.substr(0, colon);
  const std::string after = colon == std::string::npos ? "" : what.substr(colon + 2);
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr)
    return after.substr(0, after.find(" = ")) + " takes no value";
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr)
    return before + " needs a value";
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr && !after.empty())
    return before + " " + after;
  // From here on every word was read: unknown words come first, whatever else is missing.
  const Unknown unknown = unknown_in(app);
  const bool is_extra = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  const bool is_login = app.got_subcommand("login");
  const bool is_commandless = what == "A subcommand is required";
  if (is_commandless && !begins_with_flag(*levels_of(app).back())) return no_command(app);
  if (is_extra && !is_login) return not_known(unknown.all);
  if (!unknown.flags.empty()) return not_known(unknown.flags);
  // Words behind `login` may be a secret, so they are not repeated: terminals and logs keep
  // messages.
  if (is_extra)
    return "a key or token is never an argument (it is read from a prompt or standard input)";
  return what;
}

}  // namespace

// The parser prints to streams and has exit codes of its own; ours are in flags.hpp.
EarlyExit early_exit_for(const CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::CallForVersion*>(&error) != nullptr)
    return {kOk, fmt::format("ccproxy {}\n", version())};
  if (error.get_exit_code() == 0) return {kOk, text_of(page_of(app))};
  return {kUsage,
          fmt::format("ccproxy: {}; see `{} --help`\n", mistake_of(app, error), command_of(app))};
}

void translate_words(const CLI::App& app, std::vector<std::string>& words) {
  if (words.empty() || words.front() == "version") words = {words.empty() ? "--help" : "--version"};
  const CLI::App* level = &app;
  for (std::size_t i = 0; i < words.size() && level != nullptr && !is_flag(words[i]); ++i) {
    if (words[i] == "help" && !known_commands(*level).empty()) {
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i));
      for (; i < words.size() && command_in(*level, words[i]) != nullptr; ++i)
        level = command_in(*level, words[i]);
      if (i == words.size()) words.emplace_back("--help");
      return;
    }
    level = command_in(*level, words[i]);
  }
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] == "-h" && (i + 1 == words.size() || is_flag(words[i + 1]))) words[i] = "--help";
}

}  // namespace ccproxy::cli
