// ccproxy config: shows and edits config.json.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "anthropic/models.hpp"
#include "base/file.hpp"
#include "cli/commands.hpp"
#include "cli/models_in_use.hpp"
#include "config/edit.hpp"
#include "config/environment.hpp"
#include "config/file.hpp"
#include "config/keys.hpp"
#include "json/document.hpp"

namespace ccproxy::cli {
namespace {

using json::Document;

constexpr std::string_view kMapping = "modelMapping.";

// Loads the configuration in use: the file with the environment laid over it.
Result<config::Loaded> load(const std::string& path, const config::Environment& environment) {
  auto loaded = config::load(path);
  if (!loaded) return loaded;
  if (auto applied = config::apply_environment(environment, loaded->config); !applied)
    return fail(applied.error());
  return loaded;
}

void warn(const config::Loaded& loaded) {
  for (const std::string& warning : loaded.warnings) fmt::print(stderr, "ccproxy: {}\n", warning);
}

std::string text_of(const Document& value, int indent = -1) {
  return value.dump(indent, ' ', false, Document::error_handler_t::replace);
}

int show(const std::string& path, const config::Environment& environment) {
  auto loaded = load(path, environment);
  if (!loaded) return report_file_error(loaded.error());
  auto models = load_models(environment);
  if (!models) return report_file_error(models.error());
  std::map<std::string, std::string> prices;
  for (const ModelInUse& model : models_in_use(*models, loaded->config, wall_now()))
    prices[model.id] = model.about;
  const std::string text = config::show(
      loaded->config,
      [&](const std::string& target) { return served_by(*models, loaded->config, target); },
      prices);
  fmt::print("{}\n", text);
  warn(*loaded);
  return kOk;
}

// Returns the value of a key, of one name of the mapping, or of all keys of a section.
Result<Document> value_of(const std::string& name, const config::Config& config) {
  if (const config::Key* key = config::find_key(name)) return key->show(config);
  if (name.starts_with(kMapping)) {
    const auto found = config.model_mapping.find(name.substr(kMapping.size()));
    if (found != config.model_mapping.end()) return Document(found->second);
    return fail(ErrorKind::kNotFound,
                fmt::format("there is no mapping for {}", name.substr(kMapping.size())));
  }
  Document section = Document::object();
  for (const config::Key& key : config::keys())
    if (key.path.starts_with(name + "."))
      section[key.path.substr(name.size() + 1)] = key.show(config);
  if (section.empty()) return fail(config::unknown_key(name));
  return section;
}

int get(const std::string& path, const config::Environment& environment, const ConfigFlags& flags) {
  auto loaded = load(path, environment);
  if (!loaded) return report_file_error(loaded.error());
  const auto value = value_of(flags.from, loaded->config);
  if (!value) return report_file_error(value.error());
  const bool is_bare = value->is_string() && !flags.json;
  fmt::print("{}\n", is_bare ? value->get<std::string>()
                             : text_of(*value, value->is_structured() ? 2 : -1));
  return kOk;
}

Document messages_of(const std::vector<Error>& errors) {
  Document list = Document::array();
  for (const Error& error : errors)
    list.push_back({{"key", error.param}, {"message", error.message}});
  return list;
}

// A missing file means the defaults; but a file that the person names must exist.
int check(const std::string& path, bool is_named, bool json) {
  const auto text = read_file(path);
  const bool is_missing = !text && text.error().kind == ErrorKind::kNotFound;
  if (!text && (!is_missing || is_named))
    return report_error(Error{ErrorKind::kConfiguration, text.error().message});
  const config::Checked checked = is_missing ? config::Checked{} : config::check(*text);
  const bool is_fine = checked.errors.empty();
  if (json) {
    fmt::print("{}\n", text_of(Document{{"path", path},
                                        {"exists", !is_missing},
                                        {"ok", is_fine},
                                        {"wrong", messages_of(checked.errors)},
                                        {"warnings", checked.warnings}},
                               2));
    return is_fine ? kOk : kBadConfiguration;
  }
  for (const std::string& warning : checked.warnings)
    fmt::print(stderr, "ccproxy: {}: {}\n", path, warning);
  for (const Error& wrong : checked.errors)
    fmt::print(stderr, "ccproxy: {}: {}\n", path, wrong.message);
  if (!is_fine) return kBadConfiguration;
  fmt::print("{}: ok{}\n", path, is_missing ? " (there is none: the defaults are in use)" : "");
  return kOk;
}

// Returns the names of the proxy keys in a file, even in one that cannot be used.
std::vector<std::string> key_names_in(const std::string& path) {
  std::vector<std::string> names;
  const auto text = read_file(path);
  const auto root = text ? json::parse_document(*text) : Result<Document>(fail(text.error()));
  if (!root || !root->is_object() || !root->contains("apiKeys")) return names;
  for (const Document& key : (*root)["apiKeys"])
    if (key.is_object() && key.contains("name") && key["name"].is_string())
      names.push_back(key["name"].get<std::string>());
  return names;
}

int reset(const std::string& path, bool json) {
  auto copy = config::reset(path);
  if (!copy) return report_file_error(copy.error());
  const bool has_copy = !copy->empty();
  const std::vector<std::string> keys = has_copy ? key_names_in(*copy) : std::vector<std::string>();
  if (json) {
    fmt::print("{}\n", text_of(Document{{"path", path},
                                        {"kept_as", has_copy ? Document(*copy) : Document()},
                                        {"keys_removed", keys}}));
    return kOk;
  }
  if (!has_copy) {
    fmt::print("The defaults were in use already.\n");
    return kOk;
  }
  fmt::print("Back to the defaults. The old file is kept as {}\n", *copy);
  if (!keys.empty())
    fmt::print("This removed the proxy keys {}: they are in the old file only.\n{}",
               fmt::join(keys, ", "), kNoKeysLeft);
  return kOk;
}

// Reports an edit: `message` for a person, or as JSON the value that is now in use.
int report_edit(const std::string& path, const Result<void>& done, const ConfigFlags& flags,
                const std::string& name, const std::string& message) {
  if (!done) return report_file_error(done.error());
  const config::Key* key = config::find_key(name);
  const bool is_live = key == nullptr || key->live;
  if (flags.json) {
    auto loaded = config::load(path);
    const auto value = loaded ? value_of(name, loaded->config) : Result<Document>(Document());
    fmt::print("{}\n", text_of(Document{{"key", name},
                                        {"value", value ? *value : Document()},
                                        {"taken_up", is_live ? "live" : "at start"}}));
    return kOk;
  }
  fmt::print("{}\n{}\n", message,
             is_live ? "A running server applies it by itself."
                     : "A running server applies it when it is started again.");
  return kOk;
}

int set(const std::string& path, const ConfigFlags& flags) {
  const config::Key* key = config::find_key(flags.from);
  const auto value = json::parse_document(flags.to);
  const std::string_view now = !(value && value->is_null()) ? "set"
                               : key == nullptr             ? "no longer mapped"
                                                            : "back at its default";
  const bool had_keys = !key_names_in(path).empty();
  const int code = report_edit(path, config::set_value(path, flags.from, flags.to), flags,
                               flags.from, fmt::format("{} is {}.", flags.from, now));
  if (code == kOk && !flags.json && had_keys && key_names_in(path).empty())
    fmt::print("{}", kNoKeysLeft);
  return code;
}

}  // namespace

int config(const ConfigFlags& flags) {
  const config::Environment environment = config::read_environment();
  const std::string path = config::config_path(environment);
  switch (flags.action) {
    case ConfigAction::kPath:
      fmt::print("{}\n", flags.json ? text_of(Document{{"path", path}}) : path);
      return kOk;
    case ConfigAction::kShow: return show(path, environment);
    case ConfigAction::kGet: return get(path, environment, flags);
    case ConfigAction::kSet: return set(path, flags);
    case ConfigAction::kCheck:
      return check(flags.from.empty() ? path : flags.from, !flags.from.empty(), flags.json);
    case ConfigAction::kReset: return reset(path, flags.json);
    case ConfigAction::kReference: fmt::print("{}", config::reference()); return kOk;
    case ConfigAction::kSetModel:
      return report_edit(path, config::set_model(path, flags.from, flags.to), flags,
                         fmt::format("{}{}", kMapping, flags.from),
                         fmt::format("{} now means {}.", flags.from, flags.to));
    case ConfigAction::kRemoveModel:
      return report_edit(path, config::remove_model(path, flags.from), flags,
                         fmt::format("{}{}", kMapping, flags.from),
                         fmt::format("{} is no longer mapped.", flags.from));
  }
  return kFailure;
}

}  // namespace ccproxy::cli
