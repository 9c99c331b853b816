// ccproxy config: shows and edits config.json.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <string>
#include <string_view>

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

// What is in use: the file with the environment laid over it.
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
  if (!loaded) return complain_of_file(loaded.error());
  auto models = load_models(environment);
  if (!models) return complain_of_file(models.error());
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

// The value of a key, of one name of the mapping, or of all keys of a section.
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
  if (!loaded) return complain_of_file(loaded.error());
  const auto value = value_of(flags.from, loaded->config);
  if (!value) return complain_of_file(value.error());
  const bool is_bare = value->is_string() && !flags.json;
  fmt::print("{}\n", is_bare ? value->get<std::string>()
                             : text_of(*value, value->is_structured() ? 2 : -1));
  return kOk;
}

// The file in use may be missing, which means the defaults; one that is named must be there.
int check(const std::string& path, bool is_named) {
  const auto text = read_file(path);
  if (!text && text.error().kind == ErrorKind::kNotFound && !is_named) {
    fmt::print("{}: ok (there is none: the defaults are in use)\n", path);
    return kOk;
  }
  if (!text) return complain(Error{ErrorKind::kConfiguration, text.error().message});
  const config::Checked checked = config::check(*text);
  for (const std::string& warning : checked.warnings)
    fmt::print(stderr, "ccproxy: {}: {}\n", path, warning);
  for (const Error& wrong : checked.wrong)
    fmt::print(stderr, "ccproxy: {}: {}\n", path, wrong.message);
  if (!checked.wrong.empty()) return kBadConfiguration;
  fmt::print("{}: ok\n", path);
  return kOk;
}

int reset(const std::string& path) {
  auto aside = config::reset(path);
  if (!aside) return complain_of_file(aside.error());
  if (aside->empty()) {
    fmt::print("The defaults were in use already.\n");
  } else {
    fmt::print("Back to the defaults. The old file is kept as {}\n", *aside);
  }
  return kOk;
}

int edited(const Result<void>& done, const std::string& said, bool live = true) {
  if (!done) return complain_of_file(done.error());
  fmt::print("{}\n{}\n", said,
             live ? "A running server takes it up by itself."
                  : "A running server takes it up when it is started again.");
  return kOk;
}

int set(const std::string& path, const ConfigFlags& flags) {
  const config::Key* key = config::find_key(flags.from);
  const auto value = json::parse_document(flags.to);
  const std::string_view now = !(value && value->is_null()) ? "set"
                               : key == nullptr             ? "no longer mapped"
                                                            : "back at its default";
  return edited(config::set_value(path, flags.from, flags.to),
                fmt::format("{} is {}.", flags.from, now), key == nullptr || key->live);
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
      return check(flags.from.empty() ? path : flags.from, !flags.from.empty());
    case ConfigAction::kReset: return reset(path);
    case ConfigAction::kReference: fmt::print("{}", config::reference()); return kOk;
    case ConfigAction::kSetModel:
      return edited(config::set_model(path, flags.from, flags.to),
                    fmt::format("{} now means {}.", flags.from, flags.to));
    case ConfigAction::kRemoveModel:
      return edited(config::remove_model(path, flags.from),
                    fmt::format("{} is no longer mapped.", flags.from));
  }
  return kFailure;
}

}  // namespace ccproxy::cli
